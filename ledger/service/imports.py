"""Bulk import: many signed events at once, verified on all cores while earlier ones are appended.

Reading, verifying and appending overlap: while worker processes verify one group's signatures, this process reads the
next and appends the last. Every event is judged exactly as if it had come alone.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from itertools import islice
from typing import Final, NamedTuple, cast

from ledger.domain.append import Candidate
from ledger.errors import LedgerError, SignatureError
from ledger.service.commit import Answer, LedgerWriter
from ledger.service.intake import Prepared, read_unverified
from ledger.service.verifiers import SignatureChecker, Signed

GROUP: Final = 2_000
AHEAD: Final = 2


class _Group(NamedTuple):
    items: list[Prepared | LedgerError]
    owners: list[int]
    failing: Future[list[int]]


def import_events(
    writer: LedgerWriter, submissions: Iterable[bytes], checker: SignatureChecker, *, group_size: int = GROUP
) -> Iterator[list[Answer | LedgerError]]:
    """Append submissions in order; yields the answers of each group, durable, in order.

    Not to be used while a sequencer runs over the same writer.
    """
    waiting: deque[_Group] = deque()
    source = iter(submissions)
    while lines := list(islice(source, group_size)):
        waiting.append(_read(lines, writer, checker))
        if len(waiting) > AHEAD:
            yield _append(writer, waiting.popleft())
    while waiting:
        yield _append(writer, waiting.popleft())


def _read(lines: Sequence[bytes], writer: LedgerWriter, checker: SignatureChecker) -> _Group:
    items: list[Prepared | LedgerError] = []
    owners: list[int] = []
    signed: list[Signed] = []
    publics = _Publics(writer)
    for place, line in enumerate(lines):
        try:
            item = read_unverified(line)
        except LedgerError as error:
            items.append(error)
            continue
        items.append(item)
        _, event_data, signatures, _ = item.candidate
        found = [(event_data, signature.sig, publics[signature.key]) for signature in signatures]
        if any(public is None for _, _, public in found):
            continue  # a key that the log does not know yet: verified when the event's turn comes
        signed += cast(list[Signed], found)
        owners += [place] * len(found)
    return _Group(items, owners, checker.check(signed))


class _Publics(dict[str, bytes | None]):
    """The public keys by key id that the writer knows at the moment, each asked for once."""

    def __init__(self, writer: LedgerWriter) -> None:
        super().__init__()
        self._writer = writer

    def __missing__(self, key: str) -> bytes | None:
        self[key] = public = self._writer.public_key(key)
        return public


def _append(writer: LedgerWriter, group: _Group) -> list[Answer | LedgerError]:
    bad = {group.owners[place] for place in group.failing.result()}
    verified = set(group.owners)
    answers: list[Answer | LedgerError | None] = []
    good: list[Prepared] = []
    for place, item in enumerate(group.items):
        if isinstance(item, LedgerError):
            answers.append(item)
        elif place in bad:
            answers.append(SignatureError("the signature does not hold over the canonical event", field="signatures"))
        else:
            answers.append(None)
            good.append(_verified(item) if place in verified else item)
    appended = iter(writer.append(good))
    return [next(appended) if answer is None else answer for answer in answers]


def _verified(item: Prepared) -> Prepared:
    event, event_data, signatures, _ = item.candidate
    return Prepared(Candidate(event, event_data, signatures, verified=True), item.disclosures)
