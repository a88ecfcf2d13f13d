"""No mutation of a good receipt or statement is genuine: bits, JSON leaves, fields. Seeded, and bounded in number."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from ledger.errors import LedgerError
from ledger.verify import Trust, verify
from tests.helpers.receipts import dump, sample

S = sample()
TRUST = Trust.parse(S.trust)
PROOFS: dict[str, dict[str, Any]] = {
    "an award with private details": S.receipt_json(),
    "a redemption with two signatures": S.receipt_json(S.redeemed),
    "the founding": S.receipt_json(0),
    "a commitment": S.receipt_json(S.size - 1),
    "a statement": S.statement_json(),
    "a statement of absence": S.statement_json("stranger 1"),
}
SOME = 700
"""Mutations of each sort that are tried of each proof."""

Path = tuple[str | int, ...]


def verdict(data: bytes) -> str:
    """What the verifier says; bytes that it does not judge are as good as invalid."""
    try:
        return verify(data, TRUST, chain=S.chain, now_ms=S.chain.now_ms).verdict
    except LedgerError:
        return "unreadable"


def places(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value within a proof with its path, the deepest last."""
    yield path, value
    if isinstance(value, dict | list):
        for name, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*path, name))


def at(proof: Any, path: Path) -> Any:
    for name in path:
        proof = proof[name]
    return proof


def copied(proof: dict[str, Any]) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(proof))
    return copy


def changed_leaf(value: Any, chance: random.Random) -> Any:
    """A near miss of a text or number."""
    if isinstance(value, int):
        return value + chance.choice([-1, 1])
    place = chance.randrange(len(value)) if value else 0
    letter = chance.choice([c for c in "abcdefABCDEF0123456789_-+/=" if c != value[place : place + 1]])
    return value[:place] + letter + value[place + 1 :]


def is_redaction(path: Path) -> bool:
    """Showing fewer private details is allowed, and proves the same."""
    return "disclosures" in path and path[-1] != "disclosures"


@pytest.mark.parametrize("name", PROOFS)
def test_the_proof_itself_is_genuine(name: str) -> None:
    assert verdict(dump(PROOFS[name])) == "genuine"


@pytest.mark.parametrize("name", PROOFS)
def test_no_flipped_bit_is_genuine(name: str) -> None:
    data, chance = dump(PROOFS[name]), random.Random(1)
    for bit in chance.sample(range(8 * len(data)), SOME):
        mutated = bytearray(data)
        mutated[bit // 8] ^= 1 << bit % 8
        assert verdict(bytes(mutated)) != "genuine", (bit, data[bit // 8 - 20 : bit // 8 + 20])


@pytest.mark.parametrize("name", PROOFS)
def test_no_changed_leaf_is_genuine(name: str) -> None:
    proof, chance = PROOFS[name], random.Random(2)
    leaves = [(path, value) for path, value in places(proof) if not isinstance(value, dict | list)]
    for path, value in leaves if len(leaves) < SOME else chance.sample(leaves, SOME):
        mutated = copied(proof)
        at(mutated, path[:-1])[path[-1]] = changed_leaf(value, chance)
        assert verdict(dump(mutated)) != "genuine", path


@pytest.mark.parametrize("name", PROOFS)
def test_no_removed_field_or_item_is_genuine(name: str) -> None:
    proof, chance = PROOFS[name], random.Random(3)
    paths = [path for path, _ in places(proof) if path and not is_redaction(path)]
    for path in paths if len(paths) < SOME else chance.sample(paths, SOME):
        mutated = copied(proof)
        del at(mutated, path[:-1])[path[-1]]
        assert verdict(dump(mutated)) != "genuine", path


@pytest.mark.parametrize("name", PROOFS)
def test_no_value_of_another_type_is_genuine(name: str) -> None:
    proof, chance = PROOFS[name], random.Random(4)
    paths = [path for path, _ in places(proof) if path]
    for path in chance.sample(paths, min(len(paths), SOME // 3)):
        for other in (None, True, 0, -1, 1.5, 2**80, "", "\x00", "é", [], {}, [[]], {"a": {"b": []}}):
            if other == at(proof, path) or (other == [] and path[-1] == "disclosures"):
                continue
            mutated = copied(proof)
            at(mutated, path[:-1])[path[-1]] = other
            assert verdict(dump(mutated)) != "genuine", (path, other)


@pytest.mark.parametrize("name", PROOFS)
def test_no_doubled_item_or_swapped_pair_is_genuine(name: str) -> None:
    proof, chance = PROOFS[name], random.Random(5)
    lists = [path for path, value in places(proof) if isinstance(value, list) and value]
    for path in lists if len(lists) < SOME else chance.sample(lists, SOME):
        doubled = copied(proof)
        items = at(doubled, path)
        items.insert(chance.randrange(len(items)), items[0])
        assert verdict(dump(doubled)) != "genuine", path
        swapped = copied(proof)
        items = at(swapped, path)
        items.reverse()
        if items != at(proof, path) and path[-1] != "disclosures":
            assert verdict(dump(swapped)) != "genuine", path


@pytest.mark.parametrize("name", PROOFS)
def test_no_key_that_stands_twice_is_genuine(name: str) -> None:
    data, chance = dump(PROOFS[name]), random.Random(6)
    starts = [place for place in range(len(data)) if data[place : place + 2] in (b'{"', b',"')]
    keys = [start for start in starts if b'":' in data[start + 2 : start + 16]]
    for start in chance.sample(keys, min(len(keys), SOME // 3)):
        end = data.index(b'":', start)
        key = data[start + 1 : end + 2]
        if b'"' in key[1:-2] or not key[1:-2].decode().isidentifier():
            continue
        for spelling in (key + b"0,", key[:-1] + b" : 0 , "):
            assert verdict(data[: start + 1] + spelling + data[start + 1 :]) != "genuine", key


def test_random_bytes_and_random_json_never_break_the_verifier() -> None:
    chance = random.Random(7)
    for _ in range(SOME):
        assert verdict(chance.randbytes(chance.randrange(200))) in {"invalid", "unreadable"}
    parts = ["{", "}", "[", "]", ",", ":", '"format"', '"gongfen-receipt/1"', '"entry"', "0", "null", " ", '"\\u0000"']
    for _ in range(SOME):
        text = "".join(chance.choices(parts, k=chance.randrange(1, 12)))
        assert verdict(text.encode()) in {"invalid", "unreadable"}


def test_truncated_and_padded_files_are_not_genuine() -> None:
    data, chance = dump(PROOFS["a redemption with two signatures"]), random.Random(8)
    for cut in chance.sample(range(len(data)), 300):
        assert verdict(data[:cut]) == "unreadable"
    for more in (b"x", b"{}", b",", b"\x00", data):
        assert verdict(data + more) == "unreadable"
    assert verdict(b"\n " + data + b"\n\n") == "genuine"
