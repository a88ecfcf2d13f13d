"""The report of a scenario: figures read back from the ledger, and which of its sentences hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from ledger.client import LedgerClient
from ledger.core.types import short_name
from ledger.scenarios.drive import Answered
from ledger.scenarios.foshan import Scenario
from ledger.scenarios.reading import Figures, add_up, read_entries

LANDED = frozenset({"mined", "final"})
"""The states of an anchor that stands on its chain."""
UNAUDITED = "not audited"


class Report(Struct, frozen=True, kw_only=True):
    """What a run came to. ``musts`` maps each sentence to whether it holds; null needs a part that is not built yet.

    ``*_units`` are hundredths of a point, ``*_fen`` money, ``*_bp`` basis points. ``refusals`` counts what was tried
    on purpose and refused with the expected code.
    """

    name: str
    scale: float
    seed: int
    ledgers: int
    residents: int
    population: int
    coverage_bp: int
    households: int
    groups: int
    activities: int
    participations: int
    awarded_units: int
    deducted_units: int
    net_units: int
    redeemed_units: int
    redemptions: int
    saved_fen: int
    reversals: int
    refusals: int
    entries: int
    anchored_ledgers: int
    batches: int
    audit: str
    musts: dict[str, bool | None]
    seconds: float

    @property
    def good(self) -> bool:
        """Whether no sentence is false and the audit, if there was one, is clean."""
        return False not in self.musts.values() and self.audit in ("clean", UNAUDITED)

    def as_json(self, *, indent: int = 0) -> str:
        """The report as JSON."""
        data = msgspec.json.encode(self)
        return (msgspec.json.format(data, indent=indent) if indent else data).decode()

    def as_text(self) -> str:
        """The report for people, one line a figure; points and yuan with two decimals."""
        lines = [f"{'scenario':14} {self.name} (seed {self.seed}, scale {self.scale:g})"]
        for name, label in _LABELS.items():
            lines.append(f"{label:14} {_shown(name, getattr(self, name))}")
        for says, holds in self.musts.items():
            lines.append(f"{_HOLDS[holds]:14} {says}")
        return "\n".join(lines)


_HOLDS = {True: "holds", False: "DOES NOT HOLD", None: "not built yet"}
_LABELS = {
    "residents": "residents",
    "coverage_bp": "coverage",
    "households": "households",
    "groups": "groups",
    "activities": "activities",
    "participations": "participations",
    "awarded_units": "points awarded",
    "redeemed_units": "redeemed",
    "redemptions": "redemptions",
    "saved_fen": "saved, yuan",
    "reversals": "reversals",
    "refusals": "refusals",
    "entries": "entries",
    "batches": "batches",
    "audit": "audit",
    "seconds": "seconds",
}


def _shown(name: str, value: object) -> str:
    if isinstance(value, int) and name.endswith("_bp"):
        return f"{value // 100}.{value % 100:02} %"
    if isinstance(value, int) and name.endswith(("_units", "_fen")):
        return f"{value // 100:,}.{value % 100:02}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def make_report(client: LedgerClient, scenario: Scenario, answers: Sequence[Answered]) -> Report:
    """Read the ledger back and compare it with what the scenario must land on. Audit and time are for the caller."""
    name = short_name(scenario.origin)
    figures = add_up(read_entries(client, name))
    anchors = [anchor for anchor in client.anchors(name) if anchor["state"] in LANDED]
    refused = sum(1 for answered in answers if answered.code)
    population = scenario.sources.plan.split.population * scenario.size.residents
    population //= scenario.sources.plan.stated.residents
    exact = _lands(figures, scenario) and _balances_agree(client, name, figures)
    return Report(
        name=scenario.name,
        scale=scenario.scale,
        seed=scenario.seed,
        ledgers=1,
        residents=figures.residents,
        population=population,
        coverage_bp=figures.residents * 10_000 // population,
        households=figures.households,
        groups=figures.groups,
        activities=figures.activities,
        participations=figures.participations,
        awarded_units=figures.awarded_units,
        deducted_units=figures.deducted_units,
        net_units=figures.net_units,
        redeemed_units=figures.redeemed_units,
        redemptions=figures.redemptions,
        saved_fen=figures.saved_fen,
        reversals=figures.reversals,
        refusals=refused,
        entries=figures.entries,
        anchored_ledgers=int(bool(anchors)),
        batches=len({(a["chain_id"], a["contract"], a["batch"]) for a in anchors}),
        audit=UNAUDITED,
        musts={must.says: exact if must.id == "counts" else None for must in scenario.sources.plan.must},
        seconds=0.0,
    )


def _lands(figures: Figures, scenario: Scenario) -> bool:
    """Whether the ledger holds exactly the scenario's figures."""
    size = scenario.size
    return (
        figures.residents == size.residents
        and figures.households == size.households
        and figures.groups == size.groups
        and figures.activities == size.activities
        and figures.participations == size.participations
        and figures.places == {places: size.places.count(places) for places in sorted(set(size.places))}
        and figures.saved_fen > size.target_fen
    )


def _balances_agree(client: LedgerClient, name: str, figures: Figures) -> bool:
    """Whether the accounts say what the entries add up to: what was issued, and what the shops took in."""
    issued = -_spend(client.account(name, figures.issuer, limit=1))
    taken = sum(_spend(client.account(name, shop, limit=1)) for shop in figures.shops)
    return issued == figures.net_units and taken == figures.redeemed_units


def _spend(account: dict[str, Any]) -> int:
    return int(account["balances"]["spend"])
