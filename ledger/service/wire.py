"""What the server and its writer process say to each other: length-prefixed MessagePack over one socket pair."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import Struct

from ledger import errors
from ledger.domain.events import Signature
from ledger.errors import LedgerError
from ledger.service.clocks import Lapses

_LENGTH: Final = struct.Struct(">I")
_encode: Final = msgspec.msgpack.Encoder().encode


class Ready(Struct, array_like=True, frozen=True):
    """The writer's first words: its ledgers as (number, short name, origin, size), or why it will not start."""

    ledgers: list[tuple[int, str, str, int]]
    failed: Refused | None = None


class Try(Struct, array_like=True, frozen=True, gc=False):
    """One prepared event that is to be judged only."""

    event_data: bytes
    signatures: list[Signature]
    verified: bool


class Ask(Struct, array_like=True, frozen=True, gc=False):
    """One prepared event for a ledger; without ``event_data`` a wish.

    With ``tries`` the wish is to judge these, in order and together, and to append none; with ``lapse_after`` to let
    points of the next parties after that fact key lapse; else it is to commit the ledger's state. ``number`` comes back
    with the answer.
    """

    ledger: int
    number: int
    event_data: bytes
    signatures: list[Signature]
    verified: bool
    disclosures: list[tuple[str, str, str]]
    tries: list[Try] = []
    lapse_after: str | None = None


class Place(Struct, array_like=True, frozen=True, tag=True, gc=False):
    """An `Answer`; ``checkpoint`` is its place among the reply's checkpoints."""

    seq: int
    leaf: bytes
    at_ms: int
    replayed: bool
    checkpoint: int


class Nothing(Struct, array_like=True, frozen=True, tag=True):
    """The answer to a wish to commit when nothing came since the last commitment."""


class Refused(Struct, array_like=True, frozen=True, tag=True, gc=False):
    """A `LedgerError`, by the name of its class."""

    kind: str
    message: str
    code: str
    field: str | None
    expected: str | None
    got: str | None

    @classmethod
    def of(cls, error: Exception) -> Refused:
        """An error as it travels; what is no `LedgerError` tells its type only."""
        if isinstance(error, LedgerError):
            return cls(type(error).__name__, error.message, error.code, error.field, error.expected, error.got)
        return cls("StateError", f"the commit failed: {type(error).__name__}", "commit_failed", None, None, None)

    def error(self) -> LedgerError:
        """The error again."""
        kind: type[LedgerError] = getattr(errors, self.kind)
        return kind(self.message, code=self.code, field=self.field, expected=self.expected, got=self.got)


class Would(Struct, array_like=True, frozen=True, tag=True, gc=False):
    """A `Verdict`."""

    seq: int
    replayed: bool


class Judged(Struct, array_like=True, frozen=True, tag=True):
    """What would become of each of the ``tries``."""

    outcomes: list[Would | Refused]


class Reply(Struct, array_like=True, frozen=True):
    """What became of a group of one ledger: an outcome for each number; the ledger's size; the seconds it took.

    ``keys`` are public keys by key id: those that the server could not verify with and that the log knows.
    """

    ledger: int
    size: int
    numbers: list[int]
    outcomes: list[Place | Nothing | Judged | Lapses | Refused]
    checkpoints: list[str]
    keys: dict[str, bytes]
    seconds: float


read_ask: Final = msgspec.msgpack.Decoder(Ask).decode
read_reply: Final = msgspec.msgpack.Decoder(Reply).decode
read_ready: Final = msgspec.msgpack.Decoder(Ready).decode


def frame(message: Struct) -> bytes:
    """A message as it goes over the socket."""
    data = _encode(message)
    return _LENGTH.pack(len(data)) + data


class Frames:
    """Cuts a stream of bytes into messages again."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The messages that are whole now, in order."""
        buffer = self._buffer
        buffer += data
        start = 0
        while len(buffer) - start >= _LENGTH.size:
            (size,) = _LENGTH.unpack_from(buffer, start)
            end = start + _LENGTH.size + size
            if len(buffer) < end:
                break
            yield bytes(buffer[start + _LENGTH.size : end])
            start = end
        del buffer[:start]
