"""Replaying a log gives the ledger's facts again, and finds every tampering."""

from __future__ import annotations

import contextlib
import json
import random
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.core.merkle import leaf_hash
from ledger.core.types import ZERO_DIGEST
from ledger.domain.entries import parse_entry
from ledger.domain.facts import (
    LEDGER,
    TYPES,
    Account,
    Mark,
    decode_fact,
    encode_fact,
    fact_type,
    stands,
)
from ledger.domain.fields import encode
from ledger.domain.state import Replay
from ledger.errors import LedgerError, ProofError, StateError
from tests.helpers.village import Village, person


def _village() -> Village:
    village = Village.founded()
    task = village.must(village.task()).event_id
    award = village.must(village.award("zhang", "volunteer", body={"task": task}))
    village.must(village.award("zhang", "capped"))
    village.must(village.redeem("zhang", 300))
    village.must(village.reverse(award, give_back=True))
    village.must(village.carry("house", 700, "merit"))
    village.commit()
    village.must(village.award("li", "volunteer"))
    village.commit()
    return village


VILLAGE = _village()
SIZE = len(VILLAGE.entries)


def replay(entries: list[bytes], *, signatures: bool = True) -> Replay:
    replayed = Replay(entries.__getitem__, signatures=signatures)
    for data in entries:
        replayed.apply(data)
    return replayed


def rehashed(entries: list[bytes], start: int = 0) -> list[bytes]:
    """The entries with chains that fit again: what somebody would do who holds no keys."""
    done: list[bytes] = []
    for seq, data in enumerate(entries):
        if seq >= start:
            entry = json.loads(data)
            entry["chain"]["seq"] = seq
            entry["chain"]["prev"] = leaf_hash(done[-1]).hex() if done else ZERO_DIGEST.hex()
            data = encode(entry)
        done.append(data)
    return done


def edited(seq: int, change: Any) -> list[bytes]:
    entries = list(VILLAGE.entries)
    entry = json.loads(entries[seq])
    change(entry)
    entries[seq] = encode(entry)
    return rehashed(entries)


def seq_of(kind: str, last: bool = False) -> int:
    found = [seq for seq, data in enumerate(VILLAGE.entries) if parse_entry(data).event.body.kind == kind]
    return found[-1 if last else 0]


def test_a_replay_gives_the_facts_of_the_ledger_and_the_root_of_its_map() -> None:
    replayed = replay(VILLAGE.entries)
    assert dict(replayed.facts) == VILLAGE.facts
    assert replayed.head == VILLAGE.head
    assert replayed.map.commit() == VILLAGE.map_root()
    assert replayed.map.commit() == VILLAGE.map_root(), "nothing new, same root"


def test_a_replay_answers_each_entry_with_its_leaf_and_its_signers_keys() -> None:
    replayed = Replay(VILLAGE.entries.__getitem__)
    for data in VILLAGE.entries:
        entry, leaf, keys = replayed.apply(data)
        assert leaf == leaf_hash(data)
        assert [key.key for key in keys] == [signature.key for signature in entry.signatures]
        assert entry == parse_entry(data)


def test_one_changed_byte_in_any_entry_is_found() -> None:
    chance = random.Random(7)
    for seq, data in enumerate(VILLAGE.entries):
        for _ in range(3):
            at = chance.randrange(len(data))
            spoilt = data[:at] + bytes([data[at] ^ (1 << chance.randrange(8))]) + data[at + 1 :]
            with pytest.raises(LedgerError):
                replay([*VILLAGE.entries[:seq], spoilt, *VILLAGE.entries[seq + 1 :]])


@pytest.mark.slow
def test_one_changed_byte_anywhere_is_found() -> None:
    seq = seq_of("entry_reversed")
    data = VILLAGE.entries[seq]
    rest = VILLAGE.entries[seq + 1 :]
    for at in range(len(data)):
        spoilt = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises(LedgerError):
            replay([*VILLAGE.entries[:seq], spoilt, *rest], signatures=False)


@pytest.mark.parametrize("rehash", [False, True])
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda e: [*e[:-3], e[-2], e[-3], e[-1]], id="two swapped"),
        pytest.param(lambda e: e[:14] + e[15:], id="one dropped"),
        pytest.param(lambda e: [*e, e[-1]], id="the last doubled"),
        pytest.param(lambda e: [*e[:-1], e[-2], e[-1]], id="one doubled"),
        pytest.param(lambda e: e[1:], id="the first dropped"),
    ],
)
def test_entries_moved_dropped_or_doubled_are_found(change: Any, rehash: bool) -> None:
    entries = change(list(VILLAGE.entries))
    with pytest.raises(LedgerError):
        replay(rehashed(entries) if rehash else entries)


def _more(entry: dict[str, Any]) -> None:
    for posting in entry["effects"]["postings"]:
        posting["delta"] *= 2


def _redirect(entry: dict[str, Any]) -> None:
    whole = json.dumps(entry["effects"]).replace(person("zhang").party, person("house").party)
    entry["effects"] = json.loads(whole)


@pytest.mark.parametrize("kind", ["points_awarded", "points_redeemed", "entry_reversed"])
@pytest.mark.parametrize("change", [_more, _redirect, lambda e: e["effects"]["postings"].clear()])
def test_effects_edited_with_every_hash_put_right_are_found(kind: str, change: Any) -> None:
    with pytest.raises(ProofError) as caught:
        replay(edited(seq_of(kind), change))
    assert caught.value.code == "bad_effects"


def test_parties_hidden_from_an_entry_are_found() -> None:
    with pytest.raises(ProofError, match="effects"):
        replay(edited(seq_of("points_awarded"), lambda e: e["effects"]["parties"].pop()))


def test_an_event_edited_with_every_hash_put_right_fails_its_signature() -> None:
    with pytest.raises(LedgerError) as caught:
        replay(edited(seq_of("task_published"), lambda e: e["event"]["body"].update(capacity=9)))
    assert caught.value.code == "bad_signature"


def test_a_forged_commitment_is_found() -> None:
    forged = edited(seq_of("state_committed"), lambda e: e["event"]["body"].update(root="00" * 32))
    with pytest.raises(LedgerError) as caught:
        replay(forged, signatures=False)
    assert caught.value.code == "wrong_root"


def test_a_clock_that_goes_back_is_found() -> None:
    with pytest.raises(ProofError, match="clock"):
        replay(edited(SIZE - 1, lambda e: e["chain"].update(at=e["chain"]["at"] - 1)))


def test_a_broken_chain_is_found() -> None:
    entries = list(VILLAGE.entries)
    entry = json.loads(entries[5])
    entry["chain"]["prev"] = sha256(b"x").hexdigest()
    entries[5] = encode(entry)
    with pytest.raises(ProofError) as caught:
        replay(entries)
    assert (caught.value.code, caught.value.field) == ("bad_chain", "chain.prev")


def test_facts_survive_being_stored() -> None:
    for key, fact in VILLAGE.facts.items():
        data = encode_fact(fact)
        assert decode_fact(key, data) == fact
        assert encode_fact(decode_fact(key, data)) == data
    assert {fact_type(key) for key in VILLAGE.facts} <= set(TYPES)


@pytest.mark.parametrize("data", [b"{", b"{}", b'{"origin":1}'])
def test_a_damaged_fact_says_what_to_do(data: bytes) -> None:
    with pytest.raises(StateError, match="gongfen audit"):
        decode_fact(LEDGER, data)


def test_a_mark_without_an_entry_stands_no_more() -> None:
    assert stands(Mark(3))
    assert not stands(Mark())
    assert not stands(None)
    assert decode_fact("mark:x", b"{}") == Mark()


def test_an_account_binds_the_exact_list_of_entries() -> None:
    head, count, last = ZERO_DIGEST, 0, -1
    party = person("zhang").party
    for seq, data in enumerate(VILLAGE.entries):
        if party in parse_entry(data).effects.parties:
            head, count, last = sha256(b"\x04" + head + leaf_hash(data)).digest(), count + 1, seq  # type: ignore[assignment]
    account = VILLAGE.facts[f"account:{party}"]
    assert isinstance(account, Account)
    assert (account.head, account.count, account.last) == (head.hex(), count, last)


LEAVES = st.sampled_from(
    [
        0,
        1,
        2,
        -1,
        2**53 - 1,
        "",
        "x",
        "*",
        "2021-11-20",
        "1900-01-01",
        "2021-02-30",
        "grant",
        "revoke",
        "register",
        "points",
        "merit",
        "spend",
        *(person(name).party for name in ("zhang", "house", "coop", "shop", "ledger", "mayor", "stranger")),
        *(person(name).key for name in ("mayor", "issuer", "ledger")),
        *(person(name).public for name in ("mayor", "zhang/card")),
        *(parse_entry(data).event.id for data in VILLAGE.entries[-8:]),
        [],
        {},
    ]
)


def leaves_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(leaf for key, item in items for leaf in leaves_of(item, (*path, key)))]


@settings(deadline=None, max_examples=400)
@given(st.data())
def test_whatever_an_entry_says_a_replay_answers_with_an_error_of_ours_or_takes_it(data: st.DataObject) -> None:
    seq = data.draw(st.integers(0, SIZE - 1))
    entry = json.loads(VILLAGE.entries[seq])
    for _ in range(data.draw(st.integers(1, 2))):
        *steps, last = data.draw(st.sampled_from(leaves_of(entry)[1:]))
        place = entry
        for step in steps:
            place = place[step]
        if isinstance(place, dict) and data.draw(st.booleans()):
            del place[last]
            continue
        place[last] = data.draw(LEAVES)
    changed = [*VILLAGE.entries[:seq], encode(entry), *VILLAGE.entries[seq + 1 :]]
    chained = isinstance(entry.get("chain"), dict)
    with contextlib.suppress(LedgerError):
        replay(rehashed(changed, seq) if chained else changed, signatures=False)
