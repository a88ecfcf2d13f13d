"""The worked examples of the specification, made by the product from fixed seeds: JSON vectors and a page for readers.

``python -m tests.helpers.spec_examples`` writes both anew; `tests/unit/test_spec_examples.py` fails if they differ, and
checks every value without our code. Nothing here is secret: the seeds are public and good for nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any, Final, NamedTuple

from ledger.core import disclosure, ed25519, merkle, statemap
from ledger.core.batch import batch_hash, batch_leaves, batch_paths, batch_root
from ledger.core.encoding import canonical, encode_base64url
from ledger.core.hashing import history_step, key_id, ledger_id, state_key
from ledger.core.note import COSIGNATURE, Checkpoint, VerifierKey, cosign, sign_note
from ledger.core.receipt import serialise
from ledger.core.signature import sign_event
from ledger.core.tlogproof import TlogProof
from ledger.core.types import ZERO_DIGEST, PartyId, party_of
from ledger.domain.entries import parse_entry
from ledger.domain.facts import encode_fact
from tests.helpers.fake_chain import FakeChain
from tests.helpers.ledger_builder import LedgerBuilder

ROOT: Final = Path(__file__).resolve().parents[2]
VECTORS: Final = ROOT / "tests" / "vectors" / "examples"
Json = dict[str, Any]


class Story(NamedTuple):
    """A founded village, an award with a private place, a redemption, a commitment of ``size``, anchored once."""

    ledger: LedgerBuilder
    chain: FakeChain
    award: int
    redeemed: int
    size: int


@cache
def story() -> Story:
    """The one story that all examples are taken from."""
    ledger = LedgerBuilder.village()
    award = ledger.award(private={"place": "村委会"})
    redeemed = ledger.redeem()
    size = ledger.commit()
    chain = FakeChain()
    chain.anchor([ledger.head(size)])
    return Story(ledger, chain, award, redeemed, size)


def encoding() -> Json:
    """Canonical bytes of values, and texts that are refused."""
    values: list[Any] = [
        {},
        {"b": 1, "a": [True, False, -1], "a_1": {}},
        {"text": '村 "quoted" \\ and / \n é 😀'},
        {"least": -(2**53 - 1), "most": 2**53 - 1},
        ["in", "the", ["order", "given"]],
    ]
    refused = {
        "a space": '{"a": 1}',
        "keys out of order": '{"b":1,"a":1}',
        "a key twice": '{"a":1,"a":1}',
        "null": '{"a":null}',
        "a fraction": '{"a":1.5}',
        "an exponent": '{"a":1e3}',
        "minus zero": '{"a":-0}',
        "an integer beyond 2^53-1": '{"a":9007199254740992}',
        "an upper-case key": '{"A":1}',
        "an empty key": '{"":1}',
        "a tab, escaped": '{"a":"\\t"}',
        "the character U+007F": '{"a":"\x7f"}',
        "a needless escape": '{"a":"\\u0061"}',
        "an escaped slash": '{"a":"\\/"}',
        "half a surrogate pair": '{"a":"\\ud83d"}',
        "depth 17": "[" * 17 + "]" * 17,
        "a line feed at the end": "{}\n",
    }
    return {
        "section": "§1",
        "canonical": [{"value": value, "bytes": canonical(value).decode()} for value in values],
        "refused": [{"why": why, "bytes": text} for why, text in refused.items()],
    }


def identifiers() -> Json:
    """Ledger ids, parties and key ids."""
    ledger = story().ledger
    entropies = (bytes(16), bytes(range(16)), b"\xff" * 16)
    return {
        "section": "§2",
        "ledgers": [{"origin": name, "ledger_id": ledger_id(name).hex()} for name in (ledger.origin, "a.example/b/c")],
        "parties": [{"bytes": data.hex(), "party": party_of(data)} for data in entropies],
        "keys": [_signer(name) for name in ("village", "shop", "zhang's card", "ledger")],
    }


def _signer(name: str) -> Json:
    person = story().ledger.people[name]
    public = ed25519.public_key(person.seed)
    return {
        "name": name,
        "seed": person.seed.hex(),
        "public": public.hex(),
        "public_base64url": encode_base64url(public),
        "key": key_id(public),
        "party": person.party,
    }


def disclosures() -> Json:
    """Disclosures and their digests."""
    details = (("place", "村委会"), ("photo", "ab" * 32), ("score", 812))
    made = []
    for name, value in details:
        salt = sha256(b"salt of " + name.encode()).digest()[:16]
        text = disclosure.make(salt, name, value)
        array = canonical([encode_base64url(salt), name, value]).decode()
        entry = {"salt": salt.hex(), "name": name, "value": value, "array": array}
        made.append({**entry, "disclosure": text, "digest": disclosure.digest(text)})
    return {"section": "§6", "disclosures": made}


def events() -> Json:
    """Two events with their canonical bytes and signatures: one signer, and two."""
    made = []
    for seq, signers in ((story().award, ["village"]), (story().redeemed, ["shop", "zhang's card"])):
        event = json.loads(story().ledger.entries[seq])["event"]
        data = canonical(event)
        signed = [
            {**_signer(name), "sig": encode_base64url(sign_event(event, bytes.fromhex(_signer(name)["seed"])))}
            for name in signers
        ]
        made.append({"event": event, "bytes": data.decode(), "sha256": sha256(data).hexdigest(), "signatures": signed})
    return {"section": "§3", "events": made}


def entries() -> Json:
    """Every entry of the story, byte for byte, with its leaf hash."""
    ledger = story().ledger
    return {
        "section": "§4",
        "origin": ledger.origin,
        "entries": [
            {"seq": seq, "bytes": data.decode(), "leaf": ledger.leaves[seq].hex()}
            for seq, data in enumerate(ledger.entries)
        ],
    }


def tree() -> Json:
    """Roots of the first 0 to 8 entries, every inclusion path, every consistency proof between them."""
    leaves = story().ledger.leaves[:8]
    sizes = range(1, 9)
    return {
        "section": "§5",
        "leaves": [leaf.hex() for leaf in leaves],
        "roots": [merkle.root_of(leaves[:size]).hex() for size in range(9)],
        "inclusion": [
            {"index": index, "size": size, "path": _hex(merkle.inclusion_path(leaves[:size], index))}
            for size in sizes
            for index in range(size)
        ],
        "consistency": [
            {"size_1": size_1, "size_2": size_2, "path": _hex(merkle.consistency_path(leaves[:size_2], size_1))}
            for size_2 in sizes
            for size_1 in range(1, size_2 + 1)
        ],
    }


def checkpoint() -> Json:
    """A checkpoint, the log's note of it, two cosignatures, and a tlog-proof."""
    ledger, size = story().ledger, story().size
    text = Checkpoint(ledger.origin, size, merkle.root_of(ledger.leaves[:size])).text()
    note = cosigned = sign_note(text, name=ledger.origin, key=ledger.log_seed)
    cosigners = []
    for place, witness in enumerate(ledger.witnesses):
        time_s = 1_637_370_100 + place
        cosigned = cosign(cosigned, name=witness.name, key=witness.seed, time_s=time_s)
        key = VerifierKey.of(name=witness.name, key=witness.seed, type=COSIGNATURE)
        signed = f"cosignature/v1\ntime {time_s}\n{text}"
        cosigners.append({"seed": witness.seed.hex(), "verifier_key": str(key), "time_s": time_s, "signed": signed})
    log_key = VerifierKey.of(name=ledger.origin, key=ledger.log_seed)
    proof = TlogProof(story().award, tuple(ledger.path(story().award, size)), cosigned)
    return {
        "section": "§5",
        "seed": ledger.log_seed.hex(),
        "verifier_key": str(log_key),
        "text": text,
        "note": note,
        "cosigners": cosigners,
        "cosigned_note": cosigned,
        "tlog_proof": str(proof),
    }


def state_map() -> Json:
    """A small map: an account, a key and a score; presence, both forms of absence, and a history head."""
    ledger = story().ledger
    zhang = ledger.people["zhang"]
    facts = [
        ("account", zhang.party, encode_fact(_fact(f"account:{zhang.party}"))),
        ("key", ledger.people["village"].key, encode_fact(ledger.key_fact("village"))),
        ("score", zhang.party, canonical({"party": zhang.party, "snapshot": 7})),
    ]
    items = {bytes(state_key(kind, name)): value for kind, name, value in facts}
    keys = list(items)
    shown = []
    for kind, name, value in facts:
        key = state_key(kind, name)
        value_hash = sha256(value).digest()
        row = {"type": kind, "id": name, "key": key.hex(), "value": value.decode(), "value_hash": value_hash.hex()}
        proof = statemap.prove(items, key)
        shown.append({**row, "leaf": statemap.leaf_hash(key, value_hash).hex(), "path": _hex(proof.path)})
    return {
        "section": "§7",
        "values": shown,
        "roots": [statemap.root_of({key: items[key] for key in keys[:size]}).hex() for size in range(4)],
        "absence": [_absence(items, to_leaf=True), _absence(items, to_leaf=False)],
        "history": _history(zhang.party),
    }


def _fact(name: str) -> Any:
    return story().ledger.facts[name]


def _absence(items: dict[bytes, bytes], *, to_leaf: bool) -> Json:
    """The first made-up party whose walk ends at another leaf, or at an empty subtree."""
    for number in count():
        party = party_of(sha256(b"nobody %d" % number).digest()[:16])
        key = state_key("account", party)
        proof = statemap.prove(items, key)
        if isinstance(proof, statemap.Absence) and (proof.other is not None) == to_leaf:
            break
    shown = {"type": "account", "id": party, "key": key.hex(), "path": _hex(proof.path)}
    if proof.other is None:
        return shown
    return {**shown, "other": {"key": proof.other[0].hex(), "value_hash": proof.other[1].hex()}}


def _history(party: PartyId) -> Json:
    """How ``head`` of an account grows with the entries that concern it."""
    ledger = story().ledger
    head, rows = ZERO_DIGEST, []
    for seq, data in enumerate(ledger.entries):
        if party in parse_entry(data).effects.parties:
            head = history_step(head, ledger.leaves[seq])
            rows.append({"seq": seq, "leaf": ledger.leaves[seq].hex(), "head": head.hex()})
    return {"party": party, "entries": rows}


def batch() -> Json:
    """Two batches, one after the other: leaves, root, paths, hash."""
    ledger = story().ledger
    made: list[Json] = []
    previous = ZERO_DIGEST
    for number, sizes in enumerate(((8, 3, 1_000_000, 77, 5), (12,)), 1):
        origins = [ledger.origin, *(f"other.example/l{place}" for place in range(len(sizes) - 1))]
        named = {ledger_id(origin): origin for origin in origins}
        heads = sorted(
            (ledger_id(origin), size, merkle.root_of(ledger.leaves[: size if origin == ledger.origin else place + 1]))
            for place, (origin, size) in enumerate(zip(origins, sizes, strict=True))
        )
        leaves = batch_leaves(heads)
        root = batch_root(leaves)
        rows = [
            {
                "origin": named[head[0]],
                "ledger_id": head[0].hex(),
                "size": head[1],
                "root": head[2].hex(),
                "leaf": leaf.hex(),
                "path": path,
            }
            for head, leaf, path in zip(heads, leaves, batch_paths(leaves), strict=True)
        ]
        hash_ = batch_hash(previous, number, root)
        made.append(
            {"batch": number, "heads": rows, "root": root.hex(), "previous": previous.hex(), "hash": hash_.hex()}
        )
        previous = hash_
    return {"section": "§8", "batches": made}


def receipt() -> Json:
    """A whole receipt, an early one, the trust file of a verifier, and what the chain holds."""
    ledger, chain, size = story().ledger, story().chain, story().size
    whole = ledger.receipt(story().award, size, chains=[chain])
    return {
        "section": "§9",
        "receipt": json.loads(serialise(whole)),
        "early": json.loads(serialise(ledger.early_receipt(story().award))),
        **_world(),
    }


def statement() -> Json:
    """A whole statement, a statement of absence, the trust file of a verifier, and what the chain holds."""
    ledger, chain, size = story().ledger, story().chain, story().size
    return {
        "section": "§9",
        "statement": json.loads(serialise(ledger.statement("zhang", size, chains=[chain]))),
        "absent": json.loads(serialise(ledger.statement("nobody", size, chains=[chain]))),
        **_world(),
    }


def _world() -> Json:
    """What a verifier brings itself: its trust, the time, the chain's answers."""
    ledger, chain, size = story().ledger, story().chain, story().size
    head = ledger.head(size)
    shown = chain.proof(head)
    record = chain.batches[shown.batch - 1]
    anchor = chain.anchors[head[0]][-1]
    return {
        "trust": ledger.trust(chains=[chain]),
        "now_ms": chain.now_ms,
        "chain": {
            "chain_id": chain.chain_id,
            "contract": chain.contract,
            "code_hash": chain.code_hash,
            "latest": chain.latest,
            "batch": {
                "id": shown.batch,
                "root": record.root.hex(),
                "hash": record.hash.hex(),
                "time_s": record.time_s,
                "epoch": record.epoch,
            },
            "anchor": {
                "size": anchor.size,
                "root": anchor.root.hex(),
                "batch": anchor.batch,
                "time_s": anchor.time_s,
                "block": anchor.block,
            },
            "transactions": [chain.transaction(anchor.block)],
        },
    }


def _hex(path: Any) -> list[str]:
    return [item.hex() for item in path]


EXAMPLES: Final[dict[str, Callable[[], Json]]] = {
    made.__name__: made
    for made in (
        encoding,
        identifiers,
        events,
        entries,
        tree,
        checkpoint,
        disclosures,
        state_map,
        batch,
        receipt,
        statement,
    )
}
"""By the name of the file; in the order of the specification's sections where they have one."""


def vector_text(name: str) -> str:
    """The text of one vector file."""
    return json.dumps(EXAMPLES[name](), ensure_ascii=False, indent=1) + "\n"


def main() -> None:
    """Write every vector file, and the page."""
    from tests.helpers.spec_page import PAGE, page

    VECTORS.mkdir(parents=True, exist_ok=True)
    for name in EXAMPLES:
        (VECTORS / f"{name}.json").write_text(vector_text(name), encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
