"""Formats a second time, as an independent implementer would write them: SHA-256, `cryptography` and `rfc8785` only."""

from __future__ import annotations

import base64
import json
import re
from hashlib import sha256, sha512
from typing import Any

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.oracles import edwards, naive_map

Json = dict[str, Any]


def is_canonical(text: str) -> bool:
    """The rules of formats §1 a second time."""
    try:
        value = json.loads(text, parse_float=float, parse_constant=float, object_pairs_hook=once)
        return allowed(value, 16) and rfc8785.dumps(value) == text.encode()
    except (ValueError, rfc8785.CanonicalizationError):
        return False


def once(pairs: list[tuple[str, Any]]) -> Json:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key twice")
    return dict(pairs)


def allowed(value: Any, depth: int) -> bool:
    if isinstance(value, bool):
        return True
    if isinstance(value, int):
        return abs(value) < 2**53
    if isinstance(value, str):
        return not any((ord(c) < 0x20 and c != "\n") or ord(c) == 0x7F or 0xD800 <= ord(c) < 0xE000 for c in value)
    if isinstance(value, list):
        return depth > 0 and all(allowed(item, depth - 1) for item in value)
    if isinstance(value, dict):
        keys = all(re.fullmatch("[a-z][a-z0-9_]{0,63}", key) for key in value)
        return depth > 0 and keys and all(allowed(item, depth - 1) for item in value.values())
    return False


def crockford(data: bytes) -> str:
    bits = "".join(f"{byte:08b}" for byte in data).zfill(130)
    letters = "0123456789abcdefghjkmnpqrstvwxyz"
    return "p_" + "".join(letters[int(bits[at : at + 5], 2)] for at in range(0, 130, 5))


def secret_scalar_public(seed: bytes) -> bytes:
    """The public key of a seed by plain arithmetic (RFC 8032 §5.1.5)."""

    half = bytearray(sha512(seed).digest()[:32])
    half[0] &= 248
    half[31] = half[31] & 127 | 64
    return edwards.encode(edwards.multiply(int.from_bytes(half, "little"), edwards.BASE))


def check_signature(public: str, signature: str, message: bytes) -> None:
    Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(un_base64url(signature), message)


def check_effects(effects: Json) -> None:
    postings = [(posting["account"], posting["delta"]) for posting in effects["postings"]]
    assert effects["parties"] == sorted(set(effects["parties"]))
    assert postings == sorted(postings)
    assert len({account for account, _ in postings}) == len(postings)
    assert all(delta for _, delta in postings)
    for unit in ("merit", "spend"):
        assert sum(delta for account, delta in postings if account.endswith(f"/{unit}")) == 0


def check_line(note: str, text: str, verifier_key: str, signed: str, time_s: int | None = None) -> None:
    name, key_id, material = verifier_key.split("+", 2)
    typed = base64.b64decode(material)
    assert typed[0] == (1 if time_s is None else 4)
    assert sha256(name.encode() + b"\n" + typed).digest()[:4].hex() == key_id
    body, _, lines = note.rpartition("\n\n")
    assert body + "\n" == text
    line = next(line for line in lines.split("\n") if line.startswith(f"— {name} "))
    blob = base64.b64decode(line.split(" ")[2])
    assert blob[:4].hex() == key_id
    blob = blob[4:]
    if time_s is not None:
        assert int.from_bytes(blob[:8], "big") == time_s
        blob = blob[8:]
    Ed25519PublicKey.from_public_bytes(typed[1:]).verify(blob, signed.encode())


def batch_leaf(ledger: bytes, size: int, root: bytes) -> bytes:
    return sha256(b"gongfen/anchor-leaf/v1\n" + ledger + size.to_bytes(8, "big") + root).digest()


def naive_batch(nodes: list[bytes]) -> bytes:
    while len(nodes) > 1:
        nodes = [sha256(b"".join(pair)).digest() if len(pair) > 1 else pair[0] for pair in in_pairs(nodes)]
    return nodes[0]


def in_pairs(nodes: list[bytes]) -> list[list[bytes]]:
    return [nodes[at : at + 2] for at in range(0, len(nodes), 2)]


def folded(node: bytes, path: list[dict[str, str]]) -> bytes:
    for step in path:
        ((side, sibling),) = step.items()
        parts = [bytes.fromhex(sibling), node] if side == "left" else [node, bytes.fromhex(sibling)]
        node = sha256(b"".join(parts)).digest()
    return node


def checked_entry(shown: Json, root: tuple[int, str]) -> Json:
    """An entry whose path leads to the root, and whose disclosures stand in its event."""
    data = base64.b64decode(shown["entry"], validate=True)
    entry: Json = json.loads(data)
    assert rfc8785.dumps(entry) == data
    assert entry["chain"]["seq"] == shown["index"]
    node, index, last = sha256(b"\x00" + data).digest(), shown["index"], root[0] - 1
    for item in map(base64.b64decode, shown["path"]):
        if index & 1 or index == last:
            node = sha256(b"\x01" + item + node).digest()
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            node = sha256(b"\x01" + node + item).digest()
        index, last = index >> 1, last >> 1
    assert (node.hex(), last) == (root[1], 0)
    for text in shown["disclosures"]:
        _, name, _ = json.loads(un_base64url(text))
        assert entry["event"]["private"][name] == base64url(sha256(text.encode()).digest())
    return entry


def check_in_map(root: str, kind: str, identifier: str, proof: Json) -> None:
    key = map_key(kind, identifier)
    leaf = sha256(b"\x02" + key + sha256(rfc8785.dumps(proof["value"])).digest()).digest()
    assert folded_in_map(key, leaf, proof["path"]) == root


def folded_in_map(key: bytes, node: bytes, path: list[str]) -> str:
    bits = naive_map.bits(key)[: len(path)]
    for bit, sibling in zip(reversed(bits), map(bytes.fromhex, path), strict=True):
        node = sha256(b"\x03" + (sibling + node if bit == "1" else node + sibling)).digest()
    return node.hex()


def map_key(kind: str, identifier: str) -> bytes:
    return sha256(f"gongfen/state-key/v1\n{kind}\n{identifier}".encode()).digest()


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def un_base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def hexes(path: Any) -> list[str]:
    return [item.hex() for item in path]
