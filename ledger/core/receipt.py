"""Receipts and statements: the proofs that are handed out, as types (formats §9).

Their JSON may be spelt freely (spaces, order of keys, escapes), yet every text in it has one spelling: base64 with
padding and without stray bits, no repeated keys, no unknown fields. Reading checks the form only; what a proof is worth
is for `ledger.verify` to say.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Final, NoReturn, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from ledger.core.encoding import check_nesting, decode_digest, parse_json
from ledger.core.types import DIGEST_SIZE, MAX_INT, PARTY_PATTERN, Digest
from ledger.errors import FormatError

RECEIPT_FORMAT: Final = "gongfen-receipt/1"
STATEMENT_FORMAT: Final = "gongfen-statement/1"
RECEIPT_MAX_BYTES: Final = 1 << 20
STATEMENT_MAX_BYTES: Final = 64 << 20

PATH_MAX: Final = 53
"""Hashes of a path in the largest tree, 2^53-1 leaves."""
MAP_PATH_MAX: Final = 256
BATCH_PATH_MAX: Final = 64
SIGNATURES_MAX: Final = 8
DISCLOSURES_MAX: Final = 16
ANCHORS_MAX: Final = 16
KEYS_MAX: Final = 10_000
"""Different keys that the entries of one statement were signed with."""
ENTRIES_MAX: Final = 1_000_000

Hash = Annotated[bytes, Meta(min_length=DIGEST_SIZE, max_length=DIGEST_SIZE)]
"""32 bytes, in JSON standard base64 with padding."""
EntryBytes = Annotated[bytes, Meta(min_length=1, max_length=60_000)]
"""Canonical entry bytes, in JSON standard base64 with padding."""
TreePath = Annotated[list[Hash], Meta(max_length=PATH_MAX)]
"""From the leaf's sibling to the root's child."""
MapPath = Annotated[list[str], Meta(max_length=MAP_PATH_MAX)]
"""Siblings from the leaf's depth up to the root, each 64 hex digits; read them with `digests_of`."""
Disclosures = Annotated[list[Annotated[str, Meta(max_length=24_000)]], Meta(max_length=DISCLOSURES_MAX)]
Index = Annotated[int, Meta(ge=0, le=MAX_INT)]
DigestHex = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$", min_length=64, max_length=64)]
Address = Annotated[str, Meta(pattern=r"^0x[0-9a-f]{40}$", min_length=42, max_length=42)]
TransactionHash = Annotated[str, Meta(pattern=r"^0x[0-9a-f]{64}$", min_length=66, max_length=66)]
Party = Annotated[str, Meta(pattern=PARTY_PATTERN, min_length=28, max_length=28)]
_Number = Annotated[int, Meta(ge=-MAX_INT, le=MAX_INT)]
MapValue: TypeAlias = dict[str, str | _Number | dict[str, _Number] | list[dict[str, str | _Number]]]
"""The value of a map proof as JSON (formats §7); it is hashed in its canonical bytes."""


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    """Base of the parts of a proof. Fields that are not set are absent in JSON."""


class Commitment(Part, frozen=True):
    """The last entry of the checkpoint, which states the root of the state map, and its path."""

    entry: EntryBytes
    path: TreePath


class MapProof(Part, frozen=True):
    """That the state map holds ``value`` under the key that the value names."""

    value: MapValue
    path: MapPath

    @classmethod
    def of(cls, value: bytes, path: Sequence[bytes]) -> MapProof:
        """From the canonical bytes of a value and the path as `statemap.prove` gives it."""
        return cls(value=_decode_value(value), path=[sibling.hex() for sibling in path])


class OtherLeaf(Part, frozen=True):
    """The leaf that stands where the asked key would stand."""

    key: DigestHex
    value_hash: DigestHex


class AbsenceProof(Part, frozen=True):
    """That the state map does not hold the asked key; ``other`` is absent where the walk ends at an empty subtree."""

    path: MapPath
    other: OtherLeaf | UnsetType = UNSET


class Anchor(Part, frozen=True):
    """Where on a chain the checkpoint is anchored. ``path`` leads to the batch root; ``tx`` stands in ``block``."""

    chain_id: Annotated[int, Meta(ge=1, le=MAX_INT)]
    contract: Address
    batch: Annotated[int, Meta(ge=1, le=MAX_INT)]
    path: Annotated[list[dict[str, str]], Meta(max_length=BATCH_PATH_MAX)]
    batch_root: DigestHex
    tx: TransactionHash
    block: Index


Keys = Annotated[list[MapProof], Meta(max_length=KEYS_MAX)]
Anchors = Annotated[list[Anchor], Meta(max_length=ANCHORS_MAX)]
Note = Annotated[str, Meta(max_length=262_144)]


class Receipt(Part, frozen=True, kw_only=True, tag_field="format", tag=RECEIPT_FORMAT):
    """Proof of one entry at one checkpoint.

    ``keys`` holds one map proof for each signature of the entry, in order. An early receipt has neither
    ``commitment`` nor ``keys`` nor ``anchors``.
    """

    entry: EntryBytes
    disclosures: Disclosures
    index: Index
    path: TreePath
    commitment: Commitment | UnsetType = UNSET
    keys: Annotated[list[MapProof], Meta(max_length=SIGNATURES_MAX)] | UnsetType = UNSET
    checkpoint: Note
    anchors: Anchors | UnsetType = UNSET


class StatementEntry(Part, frozen=True):
    """One entry of a statement, with what of its private details is shown."""

    entry: EntryBytes
    disclosures: Disclosures
    index: Index
    path: TreePath


class Statement(Part, frozen=True, kw_only=True, tag_field="format", tag=STATEMENT_FORMAT):
    """Proof of everything about one party at one checkpoint.

    ``keys`` holds one map proof for each key that signed any of the entries, in order of first use. ``absence`` stands
    in place of ``account`` for a party that no entry concerns.
    """

    party: Party
    entries: Annotated[list[StatementEntry], Meta(max_length=ENTRIES_MAX)]
    commitment: Commitment
    account: MapProof | UnsetType = UNSET
    absence: AbsenceProof | UnsetType = UNSET
    keys: Keys
    checkpoint: Note
    anchors: Anchors | UnsetType = UNSET


Proof: TypeAlias = Receipt | Statement

_decode_value: Final = msgspec.json.Decoder(MapValue).decode
_decode: Final = msgspec.json.Decoder(Receipt | Statement).decode
_encode: Final = msgspec.json.Encoder().encode


class _Peek(Struct):
    format: str = ""


def parse(data: bytes) -> Proof:
    """The receipt or statement that ``data`` spells.

    Raises `FormatError`: ``code`` is ``not_json`` if the bytes are no JSON at all, ``too_large`` beyond the bounds.
    """
    if len(data) <= STATEMENT_MAX_BYTES:
        check_nesting(data)
    if len(data) > RECEIPT_MAX_BYTES:
        _check_size(data)
    try:
        proof: Proof = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        _explain(data, error)
    if _encode(proof) != data:  # what our own `serialise` wrote needs no second look
        _check_spelling(data, proof)
    _check_shape(proof)
    return proof


def serialise(proof: Proof) -> bytes:
    """The JSON of a proof as it is handed out."""
    return _encode(proof)


def digests_of(path: Sequence[str], field: str = "path") -> list[Digest]:
    """The hashes of a map path. Raises `FormatError` unless each is exactly 64 lower-case hex digits."""
    joined = "".join(path)
    try:
        data = bytes.fromhex(joined)
    except ValueError:
        data = b""
    if data.hex() == joined and all(len(text) == 2 * DIGEST_SIZE for text in path):
        return [Digest(data[start : start + DIGEST_SIZE]) for start in range(0, len(data), DIGEST_SIZE)]
    return [decode_digest(text, f"{field}.{place}") for place, text in enumerate(path)]


def _check_size(data: bytes) -> None:
    most = STATEMENT_MAX_BYTES
    if len(data) <= most:
        try:
            peek = msgspec.json.decode(data, type=_Peek)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            _explain(data, error)
        if peek.format == STATEMENT_FORMAT:
            return
        most = RECEIPT_MAX_BYTES
    raise FormatError("too large", code="too_large", expected=f"at most {most} bytes", got=f"{len(data)} bytes")


def _explain(data: bytes, error: Exception) -> NoReturn:
    """Tell JSON of another shape from bytes that are no JSON: only the first says what it claims to be."""
    parse_json(data)
    text, _, place = str(error).partition(" - at `$")
    field = place.rstrip("`").lstrip(".") or None
    if field == "format" or "missing required field `format`" in text:
        raise FormatError(
            "not a format known here", field="format", expected=f"{RECEIPT_FORMAT} or {STATEMENT_FORMAT}"
        ) from error
    raise FormatError(text[:1].lower() + text[1:], field=field) from error


def _check_spelling(data: bytes, proof: Proof) -> None:
    """Raise unless ``data`` says exactly what was read: no key twice, no text that only decodes to the same bytes."""
    value = json.loads(data.decode(), object_pairs_hook=_without_repeats)
    if _encode_sorted(value) != _encode_sorted(proof):
        raise FormatError("a text is not spelt in its only way", code="not_canonical", expected="strict base64")


_encode_sorted: Final = msgspec.json.Encoder(order="sorted").encode


def _without_repeats(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        [(twice, _)] = Counter(name for name, _ in pairs).most_common(1)  # linear: there may be millions of names
        raise FormatError("a key stands twice in an object", code="repeated_key", field=twice)
    return value


def _check_shape(proof: Proof) -> None:
    if isinstance(proof, Receipt):
        if isinstance(proof.commitment, UnsetType) != isinstance(proof.keys, UnsetType):
            raise FormatError("commitment and keys stand together or not at all", field="keys")
        if isinstance(proof.commitment, UnsetType) and not isinstance(proof.anchors, UnsetType):
            raise FormatError("an anchor without a commitment", field="anchors")
    elif isinstance(proof.account, UnsetType) == isinstance(proof.absence, UnsetType):
        raise FormatError("exactly one of account and absence is shown", field="account")
    elif isinstance(proof.account, UnsetType) and (proof.entries or proof.keys):
        raise FormatError("entries of a party that has none", field="entries")
