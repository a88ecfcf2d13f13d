"""Cards that ended, scans that come twice, and what else must be refused: each attempt has a mark for the musts."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Final

from ledger.core.encoding import JSON
from ledger.scenarios.actors import Actor
from ledger.scenarios.daicun.after import pay
from ledger.scenarios.daicun.day import Purchase
from ledger.scenarios.daicun.story import Story

APART: Final = 4
"""Residents with a card whom this is told of: a card revoked, one lost, one worn out, one that shall pay too much."""
AGAIN: Final = "scan again"
"""What the marks of repeated scans begin with."""
NUMBER_TAKEN: Final = "another scan under a used number"
ENDED: Final = {
    "revoked card": "phone after the revoked card",
    "lost card": "card after the lost one",
    "worn card": "card after the worn one",
}
"""Marks: the bill that the ended card signs, and the one that is signed with what came in its place."""
PRICE_FEN: Final = 50
"""The bill of an attempt: half a yuan."""


def richest(held: Counter[int], with_card: frozenset[int]) -> list[int]:
    """The residents with a card whom this is told of: those who hold most."""
    return sorted(with_card, key=lambda resident: (-held[resident], resident))[:APART]


def scan_twice(story: Story) -> None:
    """A device heard no answer and sends its last scans again; then somebody uses a number of it for another scan."""
    story.scribe.phase = "scans sent again"
    scanner = story.scanners[0]
    for number, scan in enumerate(scanner.scans[-story.found.plan.split.resent_scans :]):
        story.scribe.repeat(scan, mark=f"{AGAIN} {number}")
    subject = story.village.party(min(story.village.with_card))
    details: dict[str, JSON] = {"matter": "河道清洁", "place": "村口", "time": "傍晚"}
    with story.scribe.expecting("captured_before"):
        scanner.scan(
            story.office,
            subject,
            "volunteering",
            story.launched,
            details,
            stamp=scanner.last,
            mark=NUMBER_TAKEN,
        )


def scan_oneself(story: Story) -> None:
    """A social worker scans for the resident who he or she is."""
    story.scribe.phase = "a scan of one's own"
    scanner = story.scanners[0]
    own = story.village.party(scanner.worker.person)
    details: dict[str, JSON] = {"matter": "河道清洁", "place": "村口", "time": "傍晚"}
    with story.scribe.expecting("own_case"):
        scanner.scan(story.office, own, "volunteering", story.launched, details)


def end_cards(story: Story, apart: list[int]) -> list[Purchase]:
    """Three cards end, each its own way; the old one is refused at the shop, what follows it pays.

    Answers the bills that were paid.
    """
    story.scribe.phase = "cards that ended"
    day = _after(story)
    paid = []
    for resident, old_mark, new in zip(apart, ENDED, (_revoke, _lose, _wear_out), strict=False):
        bill = Purchase(day, resident, 0, "食盐", PRICE_FEN, PRICE_FEN * 10)
        old = story.carried[resident]
        follow = new(story, old, day)
        with story.scribe.expecting("not_authorised"):
            pay(story, bill, carried=old, mark=old_mark)
        story.carried[resident] = follow
        pay(story, bill, mark=ENDED[old_mark])
        paid.append(bill)
    return paid


def _revoke(story: Story, old: Actor, day: str) -> Actor:
    """The card is given up for a phone, for which two clerks sign."""
    story.office.end_credential("revoke", "card", old, day)
    phone = old.with_new_key()
    story.office.issue_phone(phone, day)
    return phone


def _lose(story: Story, old: Actor, day: str) -> Actor:
    """The card is reported lost at once; a new one is issued."""
    story.office.end_credential("lost", "card", old, day)
    card = old.with_new_key()
    story.office.issue_card(card, day)
    return card


def _wear_out(story: Story, old: Actor, day: str) -> Actor:
    """The card can no longer be read; a new one takes its place in one step."""
    card = old.with_new_key()
    body: dict[str, JSON] = {
        "action": "rotate",
        "party": card.party,
        "medium": "card",
        "key": dict(card.reference()),
        "daily_cap_units": story.found.profile.card_daily_cap_units,
        "replaces": old.key_id,
    }
    story.scribe.write("credential_changed", [story.office.officer("clerk", story.office.turn())], body, day=day)
    return card


def overspend(story: Story, resident: int) -> None:
    """A card shall pay more than its cap of a day, though its holder has enough; then a bill shall be paid offline."""
    story.scribe.phase = "bills that no card pays"
    units = story.found.profile.card_daily_cap_units + 10
    bill = Purchase(_after(story), resident, 0, "大米", units // 10, units)
    with story.scribe.expecting("card_cap_exceeded"):
        pay(story, bill)
    with story.scribe.expecting("online_only"):
        small = bill._replace(bill_fen=PRICE_FEN, amount_units=PRICE_FEN * 10)
        pay(story, small, device={"captured_at": 0, "id": "till-1", "seq": 0})


def _after(story: Story) -> str:
    return (story.found.plan.stated.launched + timedelta(days=1)).isoformat()
