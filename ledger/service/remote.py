"""The writer in a process of its own: the server reads and verifies, the writer decides and commits, on two cores.

One process writes all ledgers of a database and holds the writer's lock; the server talks to it over a pipe, a group at
a time. When the server dies the pipe ends, the writer finishes its commit and goes; when the writer dies, waiters hear
of it and the next group starts a new one.
"""

from __future__ import annotations

import multiprocessing
import signal
import threading
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Final

import msgspec
from msgspec import Struct

from ledger import errors
from ledger.config import Settings
from ledger.core.types import Digest
from ledger.domain.append import Candidate
from ledger.domain.entries import parse_event
from ledger.domain.events import Signature
from ledger.errors import BusyError, LedgerError, StateError
from ledger.service.commit import Answer, LedgerWriter
from ledger.service.intake import Prepared
from ledger.service.memory import settle
from ledger.service.storage import Storage
from ledger.store.entries import LedgerRow

START_TIMEOUT_S: Final = 60
LOCK_PATIENCE_S: Final = 5.0
KEYS_KEPT: Final = 200_000


class Item(Struct, array_like=True, frozen=True):
    """A prepared event on its way to the writer."""

    event_data: bytes
    signatures: list[Signature]
    verified: bool
    disclosures: list[tuple[str, str, str]]


class Group(Struct, array_like=True, frozen=True):
    """Events for one ledger, or without ``items`` the wish to commit its state."""

    ledger: str
    items: list[Item] | None


class Place(Struct, array_like=True, frozen=True, tag=True):
    """An `Answer`; ``checkpoint`` is its place among the reply's checkpoints."""

    seq: int
    leaf: bytes
    at_ms: int
    replayed: bool
    checkpoint: int


class Refused(Struct, array_like=True, frozen=True, tag=True):
    """A `LedgerError`, by the name of its class."""

    kind: str
    message: str
    code: str
    field: str | None
    expected: str | None
    got: str | None


class Reply(Struct, array_like=True, frozen=True):
    """What became of a group. ``failed``: nothing was stored. ``keys``: public keys that the log knows, by key id."""

    size: int
    outcomes: list[Place | Refused]
    checkpoints: list[str]
    keys: dict[str, bytes]
    failed: Refused | None = None


class Ready(Struct, array_like=True, frozen=True):
    """The writer's first words: its ledgers with their sizes, or why it will not start."""

    ledgers: list[tuple[int, str, str, int]]
    failed: Refused | None = None


_encode: Final = msgspec.msgpack.Encoder().encode
_read_group: Final = msgspec.msgpack.Decoder(Group).decode
_read_reply: Final = msgspec.msgpack.Decoder(Reply).decode
_read_ready: Final = msgspec.msgpack.Decoder(Ready).decode


class WriterProcess:
    """The server's end of the pipe. `start` before use; safe to share between threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._turn = threading.Lock()
        self._pipe: Connection | None = None
        self._process: multiprocessing.process.BaseProcess | None = None

    def start(self) -> list[RemoteWriter]:
        """Start the process; answers a writer for each ledger. Raises what speaks against opening them."""
        with self._turn:
            ready = self._start()
        return [
            RemoteWriter(self, LedgerRow(number, name, origin), size) for number, name, origin, size in ready.ledgers
        ]

    def stop(self) -> None:
        """Let the writer finish and wait until it has gone."""
        with self._turn:
            if self._pipe is not None:
                self._pipe.close()
                self._pipe = None
            if self._process is not None:
                self._process.join(30)

    def ask(self, group: Group) -> Reply:
        """Have a group decided and committed. Raises `BusyError` if the writer died; the outcome is then not known."""
        with self._turn:
            if self._pipe is None:
                self._start()
            assert self._pipe is not None, "started just now"
            try:
                self._pipe.send_bytes(_encode(group))
                reply: Reply = _read_reply(self._pipe.recv_bytes())
            except (EOFError, OSError) as error:
                self._pipe.close()
                self._pipe = None
                raise BusyError("the writer stopped; send it again", code="writer_lost") from error
        if reply.failed is not None:
            raise _error_of(reply.failed)
        return reply

    def _start(self) -> Ready:
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=_run, args=(other, self._settings), name="gongfen-writer", daemon=True)
        self._process.start()
        other.close()
        if not self._pipe.poll(START_TIMEOUT_S):
            self._process.kill()
            raise StateError("the writer did not start in time", code="writer_late", expected=f"{START_TIMEOUT_S} s")
        try:
            ready = _read_ready(self._pipe.recv_bytes())
        except EOFError as error:
            raise StateError("the writer ended while starting; see its words on standard error") from error
        if ready.failed is not None:
            self._pipe.close()
            self._pipe = None
            raise _error_of(ready.failed)
        return ready


class RemoteWriter:
    """One ledger's writer, as `Sequencer` uses it (see `LedgerWriter`)."""

    def __init__(self, process: WriterProcess, row: LedgerRow, size: int) -> None:
        self.row = row
        self.size = size
        self._process = process
        self._keys: dict[str, bytes] = {}

    def public_key(self, key: str) -> bytes | None:
        """The public key of a key id, once the writer has named it."""
        return self._keys.get(key)

    def append(self, group: Sequence[Prepared]) -> list[Answer | LedgerError]:
        """As `LedgerWriter.append`."""
        items = [
            Item(candidate.event_data, list(candidate.signatures), candidate.verified, list(disclosures))
            for candidate, disclosures in group
        ]
        return self._take(self._process.ask(Group(self.row.name, items)))

    def commit_state(self) -> Answer | None:
        """As `LedgerWriter.commit_state`."""
        outcomes = self._take(self._process.ask(Group(self.row.name, None)))
        if outcomes and isinstance(outcomes[0], LedgerError):
            raise outcomes[0]
        return outcomes[0] if outcomes else None  # type: ignore[return-value]

    def _take(self, reply: Reply) -> list[Answer | LedgerError]:
        self.size = reply.size
        if len(self._keys) > KEYS_KEPT:
            self._keys = {}
        self._keys.update(reply.keys)
        return [
            Answer(item.seq, Digest(item.leaf), item.at_ms, item.replayed, reply.checkpoints[item.checkpoint])
            if isinstance(item, Place)
            else _error_of(item)
            for item in reply.outcomes
        ]


def _run(pipe: Connection, settings: Settings) -> None:
    """The writer's life: open, answer groups until the pipe ends, close."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server hears it and ends the pipe
    storage = Storage(settings)
    try:
        try:
            storage.open_for_writing(patience_s=LOCK_PATIENCE_S)
            writers = {row.name: storage.writer(row) for row in storage.ledgers()}
        except LedgerError as error:
            pipe.send_bytes(_encode(Ready([], _refused(error))))
            return
        pipe.send_bytes(_encode(Ready([(*writer.row, writer.size) for writer in writers.values()])))
        settle()
        while True:
            try:
                group: Group = _read_group(pipe.recv_bytes())
            except EOFError:
                return
            pipe.send_bytes(_encode(_reply(writers[group.ledger], group)))
    finally:
        storage.close()


def _reply(writer: LedgerWriter, group: Group) -> Reply:
    try:
        if group.items is None:
            answer = writer.commit_state()
            outcomes: list[Answer | LedgerError] = [] if answer is None else [answer]
        else:
            outcomes = writer.append([_prepared(item) for item in group.items])
    except Exception as error:  # the group failed as a whole; the server must hear why, and the next group goes on
        return Reply(writer.size, [], [], {}, _refused(error))
    checkpoints: dict[str, int] = {}
    places = [
        _refused(item)
        if isinstance(item, LedgerError)
        else Place(
            item.seq, item.leaf, item.at_ms, item.replayed, checkpoints.setdefault(item.checkpoint, len(checkpoints))
        )
        for item in outcomes
    ]
    return Reply(writer.size, places, list(checkpoints), _new_keys(writer, group.items or ()))


def _prepared(item: Item) -> Prepared:
    event = parse_event(item.event_data)
    return Prepared(Candidate(event, item.event_data, item.signatures, item.verified), item.disclosures)


def _new_keys(writer: LedgerWriter, items: Sequence[Item]) -> dict[str, bytes]:
    """The keys that the server could not verify with, as far as the log knows them."""
    unknown = {signature.key for item in items if not item.verified for signature in item.signatures}
    return {key: public for key in unknown if (public := writer.public_key(key)) is not None}


def _refused(error: Exception) -> Refused:
    if isinstance(error, LedgerError):
        return Refused(type(error).__name__, error.message, error.code, error.field, error.expected, error.got)
    return Refused("StateError", f"the commit failed: {type(error).__name__}", "commit_failed", None, None, None)


def _error_of(refused: Refused) -> LedgerError:
    kind: type[LedgerError] = getattr(errors, refused.kind)
    return kind(refused.message, code=refused.code, field=refused.field, expected=refused.expected, got=refused.got)
