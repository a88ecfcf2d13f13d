"""The writer in a process of its own: it takes whatever came, decides it and commits it in one transaction.

It is the one that holds the writer's lock. When the server goes, the socket ends; then it finishes its commit and goes
too. It never answers before the commit.
"""

from __future__ import annotations

import select
import signal
import socket
import time
from collections.abc import Sequence
from typing import Final

from ledger.config import Settings
from ledger.domain.append import Candidate
from ledger.domain.entries import parse_event
from ledger.errors import LedgerError
from ledger.service.clocks import Lapses
from ledger.service.commit import Answer, LedgerWriter, Verdict
from ledger.service.intake import Prepared
from ledger.service.memory import settle
from ledger.service.storage import Storage
from ledger.service.wire import (
    Ask,
    Frames,
    Judged,
    Nothing,
    Place,
    Ready,
    Refused,
    Reply,
    Try,
    Would,
    frame,
    read_ask,
)

_Outcome = Answer | Sequence[Verdict | LedgerError] | Lapses | Exception | None
"""Of an event, of a wish to judge or to let points lapse, of whatever failed, of a wish to commit when nothing came."""
LOCK_PATIENCE_S: Final = 5.0
_CHUNK: Final = 1 << 18


def run(server: socket.socket, settings: Settings) -> None:
    """The writer's life: open, answer until the socket ends, close."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server hears it and ends the socket
    storage = Storage(settings)
    try:
        try:
            storage.open_for_writing(patience_s=LOCK_PATIENCE_S)
            writers = {row.ledger_id: storage.writer(row) for row in storage.ledgers()}
        except LedgerError as error:
            server.sendall(frame(Ready([], Refused.of(error))))
            return
        server.sendall(frame(Ready([(*writer.row, writer.size) for writer in writers.values()])))
        settle()
        _serve(server, writers, settings)
    except (BrokenPipeError, ConnectionResetError):
        return  # the server went without waiting for answers
    finally:
        storage.close()


def _serve(server: socket.socket, writers: dict[int, LedgerWriter], settings: Settings) -> None:
    inbox, last = _Inbox(server), 0
    while True:
        asks = inbox.take()
        if not asks:
            return
        if len(asks) < last // 2:
            asks += inbox.take_more(last // 2 - len(asks), settings.gather_ms / 1000)
        last = len(asks)
        for ledger_id in dict.fromkeys(ask.ledger for ask in asks):
            mine = [ask for ask in asks if ask.ledger == ledger_id]
            for start in range(0, len(mine), settings.group_max):
                server.sendall(frame(_reply(writers[ledger_id], mine[start : start + settings.group_max])))


class _Inbox:
    """The asks that have come over the socket."""

    def __init__(self, server: socket.socket) -> None:
        self._server = server
        self._frames = Frames()
        self._waiting: list[Ask] = []

    def take(self) -> list[Ask]:
        """Everything that is here, at least one; nothing when the server has gone."""
        while not self._waiting:
            data = self._server.recv(_CHUNK)
            if not data:
                return []
            self._waiting += map(read_ask, self._frames.feed(data))
        self._drain(0)
        taken, self._waiting = self._waiting, []
        return taken

    def take_more(self, count: int, within_s: float) -> list[Ask]:
        """At least ``count`` more, if they come in time."""
        deadline = time.monotonic() + within_s
        while len(self._waiting) < count and (left := deadline - time.monotonic()) > 0:
            if not self._drain(left):
                break
        taken, self._waiting = self._waiting, []
        return taken

    def _drain(self, wait_s: float) -> bool:
        """Read what is there without waiting longer; False if nothing came, or nothing will come any more."""
        came = False
        while select.select([self._server], [], [], 0 if came else wait_s)[0]:
            data = self._server.recv(_CHUNK)
            if not data:
                break
            came = True
            self._waiting += map(read_ask, self._frames.feed(data))
        return came


def _reply(writer: LedgerWriter, asks: Sequence[Ask]) -> Reply:
    """Commit the events of a group together, then fulfil its wishes."""
    began = time.perf_counter()
    events = [ask for ask in asks if ask.event_data]
    outcomes: dict[int, _Outcome] = {}
    if events:
        outcomes.update(zip([ask.number for ask in events], _append(writer, events), strict=True))
    for ask in asks:
        if not ask.event_data:
            outcomes[ask.number] = _fulfil(writer, ask)
    checkpoints: dict[str, int] = {}
    places = [_place(outcome, checkpoints) for outcome in outcomes.values()]
    keys = _new_keys(writer, events)
    seconds = time.perf_counter() - began
    return Reply(writer.row.ledger_id, writer.size, list(outcomes), places, list(checkpoints), keys, seconds)


def _append(writer: LedgerWriter, asks: Sequence[Ask]) -> Sequence[Answer | Exception]:
    try:
        return writer.append([_prepared(ask) for ask in asks])
    except Exception as error:  # the group failed as a whole: its waiters must hear why, and the next group goes on
        return [error] * len(asks)


def _fulfil(writer: LedgerWriter, wish: Ask) -> _Outcome:
    try:
        if wish.tries:
            return writer.check([_candidate(one) for one in wish.tries])
        if wish.lapse_after is not None:
            return writer.lapse(wish.lapse_after)
        return writer.commit_state()
    except Exception as error:  # as above
        return error


def _prepared(ask: Ask) -> Prepared:
    return Prepared(_candidate(ask), ask.disclosures)


def _candidate(asked: Ask | Try) -> Candidate:
    return Candidate(parse_event(asked.event_data), asked.event_data, asked.signatures, asked.verified)


def _place(outcome: _Outcome, checkpoints: dict[str, int]) -> Place | Nothing | Judged | Lapses | Refused:
    if outcome is None:
        return Nothing()
    if isinstance(outcome, Lapses):
        return outcome
    if isinstance(outcome, Exception):
        return Refused.of(outcome)
    if not isinstance(outcome, Answer):
        return Judged([Refused.of(one) if isinstance(one, LedgerError) else Would(*one) for one in outcome])
    checkpoint = checkpoints.setdefault(outcome.checkpoint, len(checkpoints))
    return Place(outcome.seq, outcome.leaf, outcome.at_ms, outcome.replayed, checkpoint)


def _new_keys(writer: LedgerWriter, asks: Sequence[Ask]) -> dict[str, bytes]:
    unknown = {signature.key for ask in asks if not ask.verified for signature in ask.signatures}
    return {key: public for key in unknown if (public := writer.public_key(key)) is not None}
