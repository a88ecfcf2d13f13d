"""Sending a scenario over HTTP, in order, every answer checked. Sent again, it is answered as the first time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, NamedTuple

from ledger.client import LedgerClient
from ledger.errors import BusyError, LedgerError, StateError
from ledger.scenarios.errands import ClientDesk, Errand
from ledger.scenarios.scribe import Signed

PATIENCE: Final = 50
"""Times that a full queue is waited for, 0.1 s each, before giving up."""
GROUP: Final = 1_000
"""Events sent in one request."""


class Answered(NamedTuple):
    """One submission and its outcome: the place in the log, or the code of the refusal.

    ``seq`` is -1 and ``replayed`` False where it was refused; ``code`` is empty where it was accepted.
    """

    signed: Signed
    seq: int
    replayed: bool
    code: str = ""

    @property
    def as_meant(self) -> bool:
        """Whether the ledger did what the scenario says it must."""
        return self.code == (self.signed.refused or "") and (self.replayed or not self.signed.again)


class Driven(NamedTuple):
    """How many events were accepted, how many of these the ledger had already, how many were refused as meant."""

    accepted: int
    replayed: int
    refused: int


OnAnswer = Callable[[Answered], None]


def drive(
    client: LedgerClient,
    ledger_name: str,
    events: Iterable[Signed | Errand | None],
    on_answer: OnAnswer | None = None,
    marked: MutableMapping[str, Answered] | None = None,
) -> Driven:
    """Send every event, in order; ``on_answer`` hears what became of each, ``marked`` keeps it by the event's mark.

    What may go together goes in batches; the next phase is sent when every answer of the phase before is there. While
    one request is under way the next is made. An errand is done when everything before it is answered. A run that was
    cut off is repeated whole: the ledger answers what it has with the first answer. Raises `StateError` at the first
    outcome that is not as the scenario says, `BusyError` when the server cannot be reached.
    """
    log = _Log(on_answer, {} if marked is None else marked)
    waiting: deque[Future[list[Answered]]] = deque()
    with ThreadPoolExecutor(1) as sender:  # one: requests leave in order, each when the one before was answered
        try:
            for group in batches(events):
                if isinstance(group, Errand):
                    group.run(ClientDesk(client, ledger_name))
                    continue
                if group:
                    waiting.append(sender.submit(_send, client, ledger_name, group))
                while len(waiting) > (1 if group else 0):
                    log.take(waiting.popleft().result())
            while waiting:
                log.take(waiting.popleft().result())
        finally:
            for request in waiting:
                request.cancel()
    return Driven(log.accepted, log.replayed, log.refused)


class _Log:
    """Counts answers, and keeps those with a mark."""

    def __init__(self, on_answer: OnAnswer | None, marked: MutableMapping[str, Answered]) -> None:
        self.accepted = self.replayed = self.refused = 0
        self._on_answer = on_answer
        self._marked = marked

    def take(self, answers: Iterable[Answered]) -> None:
        for answered in answers:
            if not answered.as_meant:
                raise _unexpected(answered)
            if answered.code:
                self.refused += 1
            else:
                self.accepted += 1
                self.replayed += answered.replayed
            if answered.signed.mark:
                self._marked[answered.signed.mark] = answered
            if self._on_answer is not None:
                self._on_answer(answered)


def batches(events: Iterable[Signed | Errand | None]) -> Iterator[list[Signed] | Errand]:
    """The events in requests: of one phase, at most `GROUP`, those that go alone alone. Empty: wait for all answers.

    Errands come as they are, after an empty request.
    """
    group: list[Signed] = []
    for signed in events:
        if isinstance(signed, Errand):
            yield from filter(None, [group])
            yield []
            yield signed
            group = []
            continue
        full = len(group) == GROUP or (group and (group[0].alone or signed is None or signed.alone))
        if full or (group and signed is not None and group[0].phase != signed.phase):
            yield group
            group = []
        if signed is None:
            yield []
        else:
            group.append(signed)
    if group:
        yield group


def _send(client: LedgerClient, name: str, group: list[Signed]) -> list[Answered]:
    for _ in range(PATIENCE):
        try:
            if len(group) == 1 and group[0].alone:
                return [_answered(group[0], _submit(client, name, group[0]))]
            outcomes = client.submit_many(name, [signed.data for signed in group])
            return [_answered(signed, outcome) for signed, outcome in zip(group, outcomes, strict=True)]
        except BusyError as error:
            if error.code != "queue_full":
                raise
            time.sleep(0.1)
    raise BusyError("the server's queue stays full", code="queue_full")


def _submit(client: LedgerClient, name: str, signed: Signed) -> dict[str, Any] | LedgerError:
    try:
        return client.submit(name, signed.data)
    except BusyError:
        raise
    except LedgerError as error:
        return error


def _answered(signed: Signed, outcome: dict[str, Any] | LedgerError) -> Answered:
    if isinstance(outcome, BusyError):
        raise outcome
    if isinstance(outcome, LedgerError):
        return Answered(signed, -1, False, outcome.code)
    return Answered(signed, int(outcome["seq"]), bool(outcome["replayed"]))


def _unexpected(answered: Answered) -> StateError:
    signed = answered.signed
    return StateError(
        f"the ledger did not answer as the scenario says, in phase {signed.phase}",
        code="unexpected_answer",
        field=f"{signed.kind} {signed.id}",
        expected=signed.refused or ("the first answer" if signed.again else "accepted"),
        got=answered.code or f"accepted as entry {answered.seq}",
    )
