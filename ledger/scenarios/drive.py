"""Sending a scenario over HTTP, in order, every answer checked. Sent again, it is answered as the first time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple

from ledger.client import LedgerClient
from ledger.errors import BusyError, LedgerError, StateError
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
        return self.code == (self.signed.refused or "")


OnAnswer = Callable[[Answered], None]


def drive(
    client: LedgerClient, ledger_name: str, events: Sequence[Signed], on_answer: OnAnswer | None = None
) -> list[Answered]:
    """Send every event, in order, and answer what became of each.

    What may go together goes in batches; the next phase starts when every answer of the phase before is there. A run
    that was cut off is repeated whole: the ledger answers what it has with the first answer. Raises `StateError` at the
    first outcome that is not as the scenario says, `BusyError` when the server cannot be reached.
    """
    answers: list[Answered] = []
    for group in batches(events):
        for answered in _send(client, ledger_name, group):
            if not answered.as_meant:
                raise _unexpected(answered)
            if on_answer is not None:
                on_answer(answered)
            answers.append(answered)
    return answers


def batches(events: Sequence[Signed]) -> Iterator[list[Signed]]:
    """The events in requests: of one phase, at most `GROUP`, those that go alone alone."""
    for (_, alone), together in groupby(events, key=lambda signed: (signed.phase, signed.alone)):
        run = list(together)
        step = 1 if alone else GROUP
        for start in range(0, len(run), step):
            yield run[start : start + step]


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
        expected=signed.refused or "accepted",
        got=answered.code or f"accepted as entry {answered.seq}",
    )
