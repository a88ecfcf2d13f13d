"""The report of a scenario: figures read back from its ledgers, and which of its sentences hold."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import Struct

from ledger.scenarios.drive import Driven
from ledger.scenarios.reading import Found
from ledger.scenarios.scenario import Scenario

UNAUDITED: Final = "not audited"
SUMMED: Final = (
    "residents",
    "households",
    "groups",
    "activities",
    "participations",
    "awarded_units",
    "deducted_units",
    "net_units",
    "redeemed_units",
    "redemptions",
    "carried_units",
    "settled_units",
    "saved_fen",
    "reversals",
    "entries",
)
"""Figures of a ledger that are added over all ledgers of a scenario."""


class Report(Struct, frozen=True, kw_only=True):
    """What a run came to. ``musts`` maps each sentence to whether it holds; null where it was not judged
    (`ledger.scenarios.scenario.Must`).

    ``figures``: ``*_units`` are hundredths of a point, ``*_fen`` money, ``*_bp`` basis points; ``refusals`` counts what
    was tried on purpose and refused with the expected code. ``missed`` names each figure that did not come out as it
    must, and each ledger whose accounts tell other balances than its entries. ``steps`` are seconds.
    """

    name: str
    scale: float
    seed: int
    figures: dict[str, int]
    audit: str = UNAUDITED
    musts: dict[str, bool | None]
    missed: list[str]
    steps: dict[str, float] = {}

    @property
    def seconds(self) -> float:
        """All steps together."""
        return round(sum(self.steps.values()), 1)

    @property
    def good(self) -> bool:
        """Whether no sentence is false, no figure is missed, and the audit, if there was one, is clean."""
        return not self.missed and False not in self.musts.values() and self.audit in ("clean", UNAUDITED)

    def as_object(self) -> dict[str, Any]:
        """The report as one flat object: the figures stand beside everything else."""
        value = {"name": self.name, "scale": self.scale, "seed": self.seed, **self.figures}
        value |= {"audit": self.audit, "musts": self.musts, "missed": self.missed}
        return value | {"steps": self.steps, "seconds": self.seconds}

    def as_json(self, *, indent: int = 0) -> str:
        """The report as JSON."""
        data = msgspec.json.encode(self.as_object())
        return (msgspec.json.format(data, indent=indent) if indent else data).decode()

    def as_text(self) -> str:
        """The report for people, one line a figure; points and yuan with two decimals. What is 0 is left out."""
        lines = [("scenario", f"{self.name} (seed {self.seed}, scale {self.scale:g})")]
        lines += [(_label(name), _shown(name, value)) for name, value in self.figures.items() if value]
        lines += [("audit", self.audit), ("seconds", str(self.seconds))]
        lines += [(_HOLDS[holds], says) for says, holds in self.musts.items()]
        lines += [("MISSED", text) for text in self.missed]
        wide = max(16, *(len(label) for label, _ in lines))
        return "\n".join(f"{label:{wide}} {text}" for label, text in lines)


_HOLDS: Final = {True: "holds", False: "DOES NOT HOLD", None: "not judged"}
_LABELS: Final = {"awarded_units": "points awarded", "saved_fen": "bills, yuan"}


def _label(name: str) -> str:
    return _LABELS.get(name, name.removesuffix("_units").removesuffix("_bp").removesuffix("_fen").replace("_", " "))


def _shown(name: str, value: int) -> str:
    if name.endswith("_bp"):
        return f"{value // 100}.{value % 100:02} %"
    if name.endswith(("_units", "_fen")):
        return f"{value // 100:,}.{value % 100:02}"
    return f"{value:,}"


def make_report(scenario: Scenario, found: Found, driven: Driven) -> Report:
    """Compare what was read back with what the scenario must land on. Audit and time are for the caller."""
    figures = {"ledgers": len(found.ledgers)} | {name: found.total(name) for name in SUMMED}
    figures |= {**scenario.further(found), "refusals": driven.refused}
    anchored = found.anchored()
    figures |= {"anchored_ledgers": anchored.ledgers, "batches": anchored.batches}
    missed = [
        f"{name} must be {expected}, is {figures.get(name)}"
        for name, expected in scenario.lands.items()
        if figures.get(name) != expected
    ]
    missed += [f"the accounts of {one.chronicle.name} tell other balances" for one in found.ledgers if not one.agree]
    musts = {must.says: None if must.holds is None else must.holds(found) for must in scenario.musts}
    return Report(
        name=scenario.name,
        scale=scenario.scale,
        seed=scenario.seed,
        figures=figures,
        musts=musts,
        missed=missed,
    )
