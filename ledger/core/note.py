"""Signed notes, checkpoints and cosignatures: C2SP signed-note, tlog-checkpoint and tlog-cosignature (formats §5).

A note is text, a blank line, and signature lines ``— name base64(key id || signature)``. The name and the 4-byte key id
together say which key signed and how; the verifier's own keys decide, never the note. Malformed notes and keys raise
`FormatError`, notes that do not hold raise `ProofError`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from nacl.signing import SigningKey

from ledger.core import ed25519
from ledger.core.encoding import decode_base64, encode_base64
from ledger.core.hashing import digest, u64
from ledger.core.types import DIGEST_SIZE, MAX_INT, Digest, Origin, parse_origin
from ledger.errors import FormatError, ProofError, SignatureError

ED25519: Final = 0x01
"""Note key type: Ed25519 over the text."""
COSIGNATURE: Final = 0x04
"""Note key type: Ed25519 with a time, ``cosignature/v1``."""
KEY_ID_SIZE: Final = 4
TIME_SIZE: Final = 8
MAX_TIME_S: Final = 2**63 - 1
MAX_NAME: Final = 256
MAX_SIGNATURES: Final = 64
"""How many signature lines are read; more refuse the note. C2SP demands at least 16."""
MAX_NOTE_SIZE: Final = 262_144
"""How many bytes of UTF-8 a note may have."""

KeyType = Literal[1, 4]
Key = bytes | SigningKey
"""A signing key: its 32-byte seed, or an expanded one where many notes are signed."""

_DASH: Final = "— "
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")
_VERIFIER_KEY: Final = re.compile(r"([^+]+)\+([0-9a-f]{8})\+([0-9A-Za-z+/=]+)\Z")
_NAME: Final = re.compile(r"[^\s+\x00-\x1f\ud800-\udfff]{1,256}\Z")
_DECIMAL: Final = re.compile(r"(?:0|[1-9][0-9]{0,15})\Z")


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key as a verifier knows it: spelled ``name+key id in hex+base64(type || public key)``.

    Raises `FormatError` for a bad name or type, `SignatureError` for a public key that may not be granted.
    """

    name: str
    public_key: bytes
    type: KeyType = ED25519
    key_id: bytes = field(init=False)
    """The first 4 bytes of ``SHA-256(name || 0x0A || type || public key)``."""

    def __post_init__(self) -> None:
        _check_name(self.name)
        if self.type not in (ED25519, COSIGNATURE):
            raise FormatError("unknown type of note key", field="key", expected="1 or 4", got=str(self.type))
        ed25519.check_public_key(self.public_key)
        object.__setattr__(self, "key_id", key_id_of(self.name, self.type, self.public_key))

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(bytes([self.type]) + self.public_key)}"

    @classmethod
    def of(cls, *, name: str, key: Key, type: KeyType = ED25519) -> VerifierKey:
        """The verifier key of a signing key."""
        return cls(name, ed25519.public_key(key), type)

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """The key that ``text`` spells, in its only spelling. Raises as the class does."""
        match = _VERIFIER_KEY.match(text) if type(text) is str and len(text) <= 2 * MAX_NAME else None
        if match is None:
            raise FormatError("not a verifier key", field="key", expected="name+hex+base64", got=ascii(text))
        material = decode_base64(match[3], "key")
        key = cls(match[1], material[1:], material[0])  # type: ignore[arg-type]
        if str(key) != text:
            raise FormatError("key id does not belong to the key", field="key", expected=str(key), got=ascii(text))
        return key


@dataclass(frozen=True, slots=True)
class SignatureLine:
    """One signature line, not verified: the signature still has its time in front if it is a cosignature."""

    name: str
    key_id: bytes
    signature: bytes

    def __str__(self) -> str:
        return f"{_DASH}{self.name} {encode_base64(self.key_id + self.signature)}\n"


@dataclass(frozen=True, slots=True)
class UnverifiedNote:
    """A well-formed note that nobody has verified."""

    text: str
    lines: tuple[SignatureLine, ...]

    def __str__(self) -> str:
        return f"{self.text}\n{''.join(map(str, self.lines))}"


@dataclass(frozen=True, slots=True)
class VerifiedSignature:
    """A signature that holds, with its key, and its time in seconds since 1970 if it is a cosignature."""

    key: VerifierKey
    time_s: int | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """A note that at least one of the verifier's keys signed. ``unknown`` lines count for nothing."""

    text: str
    signatures: tuple[VerifiedSignature, ...]
    unknown: tuple[SignatureLine, ...] = ()

    def signed_by(self, key: VerifierKey | str) -> bool:
        """Whether this very key, of this name and type, signed."""
        wanted = VerifierKey.parse(key) if isinstance(key, str) else key
        return any(signature.key == wanted for signature in self.signatures)

    def cosigners(self) -> dict[bytes, int]:
        """The distinct public keys that cosigned, each with its newest time: what a quorum counts."""
        times: dict[bytes, int] = {}
        for signature in self.signatures:
            if signature.time_s is not None:
                public = signature.key.public_key
                times[public] = max(signature.time_s, times.get(public, 0))
        return times


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of a log: ``size`` leaves under ``root`` (C2SP tlog-checkpoint). Raises `FormatError`."""

    origin: Origin
    size: int
    root: Digest

    def __post_init__(self) -> None:
        parse_origin(self.origin)
        if type(self.size) is not int or not 0 <= self.size <= MAX_INT:
            raise FormatError("tree size out of range", field="size", expected="0 … 2^53-1")
        if not isinstance(self.root, bytes) or len(self.root) != DIGEST_SIZE:
            raise FormatError("not a root hash", field="root", expected=f"{DIGEST_SIZE} bytes")

    def text(self) -> str:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{encode_base64(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """The checkpoint that the text of a note states, without extension lines. Raises `FormatError`."""
        lines = text.split("\n") if type(text) is str and len(text) <= MAX_NAME else []
        if len(lines) != 4 or lines[3] or not _DECIMAL.match(lines[1]):
            raise FormatError("not a checkpoint", field="checkpoint", expected="origin, size and root", got=ascii(text))
        return cls(parse_origin(lines[0]), int(lines[1]), Digest(decode_base64(lines[2], "root")))


def key_id_of(name: str, type: KeyType, public_key: bytes) -> bytes:
    """The 4 bytes that, with the name, tell a note's keys apart (C2SP signed-note)."""
    return digest(name.encode() + b"\n" + bytes([type]) + public_key)[:KEY_ID_SIZE]


def sign_note(text: str, *, name: str, key: Key) -> str:
    """A note of ``text`` with one Ed25519 signature by ``name``. The text ends in a newline. Raises `FormatError`."""
    return str(UnverifiedNote(text, (signature_line(text, name=name, key=key),)))


def cosign(note: str, *, name: str, key: Key, time_s: int) -> str:
    """The checkpoint note with a cosignature as of ``time_s``, in seconds since 1970.

    What the cosigner states (that it saw the log grow consistently up to here) it checks beforehand. Raises
    `FormatError`.
    """
    return add_lines(note, [cosignature_line(parse_note(note).text, name=name, key=key, time_s=time_s)])


def signature_line(text: str, *, name: str, key: Key) -> SignatureLine:
    """The Ed25519 signature (type 0x01) of a note's text. Raises `FormatError`."""
    _check_text(text)
    _check_name(name)
    return SignatureLine(name, key_id_of(name, ED25519, ed25519.public_key(key)), ed25519.sign(key, text.encode()))


def cosignature_line(text: str, *, name: str, key: Key, time_s: int) -> SignatureLine:
    """The cosignature (type 0x04) of a checkpoint's text as of ``time_s``. Raises `FormatError`."""
    Checkpoint.parse(text)
    if type(time_s) is not int or not 0 <= time_s <= MAX_TIME_S:
        raise FormatError("time out of range", field="time_s", expected="0 … 2^63-1 seconds")
    _check_name(name)
    signature = ed25519.sign(key, _cosigned(text, time_s))
    return SignatureLine(name, key_id_of(name, COSIGNATURE, ed25519.public_key(key)), u64(time_s) + signature)


def add_lines(note: str, lines: Iterable[SignatureLine]) -> str:
    """The note with more signature lines; a line of the same name and key id as an older one takes its place.

    Raises `FormatError` if the note is malformed or grows out of bounds.
    """
    parsed = parse_note(note)
    merged = {(line.name, line.key_id): line for line in (*parsed.lines, *lines)}
    grown = str(UnverifiedNote(parsed.text, tuple(merged.values())))
    parse_note(grown)
    return grown


def parse_note(note: str) -> UnverifiedNote:
    """Take a note apart at its last blank line, verifying nothing. Raises `FormatError`."""
    _check_text(note)
    if len(note.encode()) > MAX_NOTE_SIZE:
        raise FormatError("note is too long", field="note", expected=f"at most {MAX_NOTE_SIZE} bytes")
    text, blank, tail = note.rpartition("\n\n")
    if not blank or not tail:
        raise FormatError("not a signed note", field="note", expected="text, a blank line and signatures")
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise FormatError(
            "too many signatures", field="note", expected=f"at most {MAX_SIGNATURES}", got=str(len(lines))
        )
    return UnverifiedNote(text + "\n", tuple(map(parse_line, lines)))


def parse_line(line: str) -> SignatureLine:
    """One signature line without its newline. Raises `FormatError`."""
    dash, *rest = line.split(" ")
    if dash + " " != _DASH or len(rest) != 2:
        raise FormatError("not a signature line", field="note", expected=f"{_DASH}name base64", got=ascii(line))
    name, encoded = rest
    _check_name(name)
    blob = decode_base64(encoded, "note")
    if len(blob) <= KEY_ID_SIZE:
        raise FormatError("signature is too short", field="note", got=f"{len(blob)} bytes")
    return SignatureLine(name, blob[:KEY_ID_SIZE], blob[KEY_ID_SIZE:])


def open_note(note: str, verifier_keys: Iterable[VerifierKey | str]) -> Note:
    """Verify a note under the verifier's own keys.

    Lines of unknown keys are kept apart. Raises `FormatError` if the note or a key is malformed, and `ProofError` if a
    known key's signature fails or no known key signed.
    """
    known = _by_name_and_id(verifier_keys)
    parsed = parse_note(note)
    verified: list[VerifiedSignature] = []
    unknown: list[SignatureLine] = []
    for line in parsed.lines:
        key = known.get((line.name, line.key_id))
        if key is None:
            unknown.append(line)
        else:
            verified.append(_verify_line(parsed.text, line, key))
    if not verified:
        raise ProofError("no known key signed the note", field="note", code="unsigned")
    return Note(parsed.text, tuple(verified), tuple(unknown))


def open_checkpoint(
    note: str,
    *,
    origin: str,
    log_keys: Sequence[VerifierKey | str],
    witness_keys: Sequence[VerifierKey | str] = (),
) -> tuple[Checkpoint, Note]:
    """Verify that the log ``origin`` signed a checkpoint; the note tells which of the witnesses cosigned.

    Raises as `open_note`, and `ProofError` if the checkpoint is another log's or only witnesses signed.
    """
    opened = open_note(note, [*log_keys, *witness_keys])
    checkpoint = Checkpoint.parse(opened.text)
    if checkpoint.origin != origin:
        raise ProofError("checkpoint of another log", field="checkpoint", expected=origin, got=checkpoint.origin)
    wanted = _by_name_and_id(log_keys).values()
    if not any(key.name == origin and key.type == ED25519 and opened.signed_by(key) for key in wanted):
        raise ProofError("the log did not sign the checkpoint", field="checkpoint", code="unsigned", expected=origin)
    return checkpoint, opened


def _by_name_and_id(keys: Iterable[VerifierKey | str]) -> dict[tuple[str, bytes], VerifierKey]:
    known: dict[tuple[str, bytes], VerifierKey] = {}
    for item in keys:
        key = VerifierKey.parse(item) if isinstance(item, str) else item
        if known.setdefault((key.name, key.key_id), key) != key:
            raise FormatError("two keys of one name and id", field="key", expected=str(known[key.name, key.key_id]))
    return known


def _verify_line(text: str, line: SignatureLine, key: VerifierKey) -> VerifiedSignature:
    time_s: int | None = None
    signature, message = line.signature, text.encode()
    if key.type == COSIGNATURE:
        time_s = int.from_bytes(signature[:TIME_SIZE], "big")
        signature, message = signature[TIME_SIZE:], _cosigned(text, time_s)
        if time_s > MAX_TIME_S:
            raise ProofError("time of a cosignature is out of range", field="note", got=str(time_s))
    try:
        ed25519.verify(key.public_key, message, signature)
    except SignatureError as error:
        raise ProofError("signature of a known key does not hold", field="note", got=str(key)) from error
    return VerifiedSignature(key, time_s)


def _cosigned(text: str, time_s: int) -> bytes:
    return f"cosignature/v1\ntime {time_s}\n{text}".encode()


def _check_text(text: object) -> None:
    if type(text) is not str or not text.endswith("\n") or _CONTROL.search(text):
        raise FormatError("not the text of a note", field="note", expected="lines without control characters")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise FormatError("text of a note is not Unicode", field="note") from error


def _check_name(name: object) -> None:
    if type(name) is not str or not _NAME.match(name):
        raise FormatError("not a key name", field="name", expected="no spaces and no plus", got=ascii(name))
