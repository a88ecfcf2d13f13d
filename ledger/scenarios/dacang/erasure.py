"""Whether an erased person's details are gone while every proof still verifies offline, and what listings say."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from ledger.core import disclosure
from ledger.core.receipt import Receipt, parse
from ledger.domain.entries import Entry, parse_entry
from ledger.scenarios.dacang.watcher import Watcher
from ledger.scenarios.reading import Found
from ledger.verify import verify

PAGE: Final = 500
SAMPLE: Final = 60
"""Entries of others whose receipts are verified, spread over the whole log."""


OFFLINE: Final = ("format", "bound", "signed", "authorised", "effects", "included", "checkpoint")
"""The verifier's steps that no node has to be asked for."""
NO_CHAIN: Final = {"chain_id": 1, "contract": f"0x{0:040x}"}
"""Stands for a chain where the run has none: a verifier trusts no log alone."""


class Shown(NamedTuple):
    """A receipt as the server gives it out: the entry, the private details that it still shows.

    ``proved``: all holds that a verifier can tell who knows the log's key and asks nobody.
    """

    entry: Entry
    details: Mapping[str, object]
    proved: bool


def erased_and_proved(found: Found) -> bool:
    """Receipts of the erased person show no detail and verify; those of others show theirs and verify, too."""
    watcher: Watcher = found.only.watcher
    (subject,) = watcher.erased
    name = found.only.chronicle.name
    account = found.client.account(name, subject, limit=PAGE)
    own = [shown(found, entry["seq"]) for entry in account["entries"]]
    had_details = [one for one in own if one.entry.event.private]
    home = next(left.home for left in watcher.left if left.party == subject)
    others = [shown(found, seq) for seq in _of_members(found, home)]
    size = found.only.figures.entries
    spread = [shown(found, seq) for seq in range(0, size, max(1, size // SAMPLE))]
    return (
        len(own) == account["count"]
        and {"party_changed", "points_awarded"} <= {one.entry.event.body.kind for one in had_details}
        and not any(one.details for one in own)
        and bool(others)
        and all(one.details.keys() == (one.entry.event.private or {}).keys() for one in others)
        and all(one.proved for one in (*own, *others, *spread))
    )


def _of_members(found: Found, home: str) -> Iterator[int]:
    """The newest awards of those who live with the household that the erased person left."""
    watcher: Watcher = found.only.watcher
    members = {party for party, at in watcher.homes.items() if at == home}
    awards = [award.seq for award in watcher.awards.values() if award.subject in members | {home}]
    yield from awards[-SAMPLE:]


def shown(found: Found, seq: int) -> Shown:
    """The receipt of an entry with its details, verified offline by the log's key and nothing else."""
    data = found.client.receipt(found.only.chronicle.name, str(seq), disclose=True)
    receipt = parse(data)
    assert isinstance(receipt, Receipt), "the server was asked for a receipt"
    details = {one.name: one.value for one in map(disclosure.parse, receipt.disclosures)}
    report = verify(data, _trust(found))
    results = {step.code: step.result for step in report.steps}
    wanted = dict.fromkeys(OFFLINE, "ok") | {"private": "ok" if details else "not_asked"}
    wanted |= {"batched": "ok"} if receipt.anchors else {}
    return Shown(parse_entry(receipt.entry), details, wanted.items() <= results.items())


def _trust(found: Found) -> str:
    """Whom the verifier believes: the log key that entry 0 names, and the chain of its anchors."""
    origin, key = found.only.chronicle.origin, found.only.watcher.log_key
    chain = next(iter(found.client.anchors(found.only.chronicle.name)), NO_CHAIN)
    return (
        f"[policy]\nchains = 1\n\n[[log]]\norigin = {json.dumps(origin)}\nkeys = [{json.dumps(key)}]\n\n"
        f"[[chain]]\nid = {chain['chain_id']}\ncontract = {json.dumps(chain['contract'])}\n"
    )


def listed(found: Found, trade: str) -> Counter[tuple[object, ...]]:
    """The farm goods that are offered, or wanted: what, how much, in which measure, as their posters may read it."""
    watcher: Watcher = found.only.watcher
    posts = [post for post in watcher.posts.values() if post.trade == trade]
    details = (shown(found, post.seq).details for post in posts)
    return Counter(tuple(one.get(name) for name in ("goods", "quantity", "measure")) for one in details)
