"""What must hold after the run, from what is read back and from the answers to what was sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from msgspec import UnsetType

from ledger.domain.entries import Entry
from ledger.domain.events import Device
from ledger.domain.kinds.founding import ref_key_id
from ledger.scenarios.daicun.attempts import AGAIN, ENDED, NUMBER_TAKEN
from ledger.scenarios.reading import Found, ReadBack

ENDING: Final = ("revoke", "lost")


class Watch:
    """Keeps what the musts need of a ledger, entry by entry.

    ``captures`` counts the entries of each number of a device; ``scans`` are the places of entries from a device by
    event id; ``merit`` is what each party was awarded, a device's number counted once; ``ended`` maps keys to the entry
    that ended them, and ``used_after`` counts signatures by such a key in later entries.
    """

    def __init__(self) -> None:
        self.captures: Counter[tuple[str, str, int]] = Counter()
        self.scans: dict[str, int] = {}
        self.merit: Counter[str] = Counter()
        self.ended: dict[str, int] = {}
        self.used_after = 0
        self.civic: Counter[str] = Counter()
        self.benefits: Counter[str] = Counter()
        self._standing: dict[str, tuple[str, str, int, bool]] = {}
        self._categories: dict[str, str] = {}

    def see(self, entry: Entry) -> None:
        """The next entry."""
        event = entry.event
        body: Any = event.body  # the kinds differ in their fields; each is used under its kind's name
        self.used_after += sum(signature.key in self.ended for signature in entry.signatures)
        if body.kind == "points_awarded":
            self._award(entry, body)
        elif body.kind == "rulebook_adopted":
            self._categories.update((rule.id, rule.category) for rule in body.book.rules)
        elif body.kind == "credential_changed" and body.medium == "card":
            self._end(entry.chain.seq, body)
        elif body.kind == "civic_posted":
            self.civic[body.type] += 1
        elif body.kind == "benefit_changed":
            self.benefits[body.action] += 1
        if not isinstance(event.reverses, UnsetType):
            subject, _, units, _ = self._standing.pop(event.reverses)
            self.merit[subject] -= units

    def _award(self, entry: Entry, body: Any) -> None:
        event = entry.event
        captured = isinstance(event.device, Device)
        self._standing[event.id] = (body.subject, event.named_rule.id, body.amount_units, captured)
        if isinstance(event.device, Device):
            number = (event.actor, event.device.id, event.device.seq)
            self.captures[number] += 1
            self.scans[event.id] = entry.chain.seq
            if self.captures[number] > 1:
                return
        self.merit[body.subject] += body.amount_units

    def _end(self, seq: int, body: Any) -> None:
        if body.action in ENDING:
            self.ended[ref_key_id(body.key)] = seq
        elif body.action == "rotate":
            self.ended[body.replaces] = seq

    @property
    def awards(self) -> int:
        """Awards that stand."""
        return len(self._standing)

    @property
    def card_awards(self) -> int:
        """Those of them that came from a device."""
        return sum(captured for _, _, _, captured in self._standing.values())

    @property
    def card_units(self) -> int:
        """What these award, in hundredths."""
        return sum(units for _, _, units, captured in self._standing.values() if captured)

    @property
    def categories(self) -> set[str]:
        """The categories of the awards that stand."""
        return {self._categories[rule] for _, rule, _, _ in self._standing.values()}


def scans_count_once(found: Found) -> bool:
    """A scan sent again is answered with its first place, another under its number refused, and nothing is added."""
    return all(_counts_once(one) for one in found.ledgers)


def _counts_once(one: ReadBack) -> bool:
    watch: Watch = one.watcher
    again = [answered for mark, answered in one.answers.items() if mark.startswith(AGAIN)]
    return (
        len(again) > 0
        and all(answered.replayed and watch.scans.get(answered.signed.id) == answered.seq for answered in again)
        and one.answers[NUMBER_TAKEN].code == "captured_before"
        and set(watch.captures.values()) == {1}
        and all(one.balances[f"{party}/merit"] == units for party, units in watch.merit.items())
    )


def ended_cards_are_refused(found: Found) -> bool:
    """A card revoked, lost or replaced pays nothing more, and what came in its place does."""
    return all(_refuses_ended(one) for one in found.ledgers)


def _refuses_ended(one: ReadBack) -> bool:
    watch: Watch = one.watcher
    return (
        len(watch.ended) == len(ENDED)
        and watch.used_after == 0
        and all(one.answers[old].code == "not_authorised" for old in ENDED)
        and all(one.answers[new].seq > 0 for new in ENDED.values())
    )


CHECKS: Final = {"scan_twice": scans_count_once, "revoked_card": ended_cards_are_refused}
"""The checks of the musts, by their ids in the scenario's data."""


def further(found: Found) -> Mapping[str, int]:
    """More figures, of all ledgers together."""
    watches: list[Watch] = [one.watcher for one in found.ledgers]
    card_units = sum(watch.card_units for watch in watches)
    return {
        "categories": len(set[str]().union(*(watch.categories for watch in watches))),
        "awards": sum(watch.awards for watch in watches),
        "paper_card_awards": sum(watch.card_awards for watch in watches),
        "paper_card_units": card_units,
        "by_paper_card_bp": card_units * 10_000 // max(1, found.total("awarded_units")),
        "suggestions": sum(watch.civic["suggestion"] for watch in watches),
        "replies": sum(watch.civic["reply"] for watch in watches),
        "benefits_granted": sum(watch.benefits["grant"] - watch.benefits["revoke"] for watch in watches),
    }
