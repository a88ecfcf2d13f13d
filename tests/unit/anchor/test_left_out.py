"""Ledgers that must not be anchored are left out and flagged, and hold up nobody."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount

from anchor.connect import Reverted
from anchor.evidence import TreeHead
from anchor.members import MemberMemory
from anchor.planning import RETRY_MS
from ledger.core.hashing import ledger_id
from ledger.core.types import Digest
from ledger.errors import BusyError
from tests.unit.anchor.rig import Log, Rig, SpoiltChain

GOOD, BAD = "foshan-village", "hangzhou-town"


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    """Both ledgers are anchored once, and have grown since."""
    rig = Rig(tmp_path, GOOD, BAD)
    for name in (GOOD, BAD):
        rig.village.grow(name, 6)
    rig.service().round()
    for name in (GOOD, BAD):
        rig.village.grow(name, 4)
    return rig


def fork(rig: Rig) -> None:
    rig.village.logs[BAD].fork_at = 3


def shrink(rig: Rig) -> None:
    rig.village.logs[BAD].size = 4


def rewrite_at_the_same_size(rig: Rig) -> None:
    rig.village.logs[BAD].size = 6
    rig.village.logs[BAD].fork_at = 3


def sign_with_another_key(rig: Rig) -> None:
    other = Log(rig.village.logs[BAD].origin)
    other.seed = bytes(32)
    rig.village.notes[BAD] = other.note(10)


def hand_out_another_ledgers_checkpoint(rig: Rig) -> None:
    rig.village.notes[BAD] = rig.village.logs[GOOD].note(10)


def hand_out_nonsense(rig: Rig) -> None:
    rig.village.notes[BAD] = "nonsense"


def name_another_size(rig: Rig) -> None:
    rig.village.notes[BAD] = rig.village.logs[BAD].note(9)


FAULTS: list[tuple[Callable[[Rig], None], str]] = [
    (fork, "forked"),
    (shrink, "shrunk"),
    (rewrite_at_the_same_size, "forked"),
    (sign_with_another_key, "unsigned"),
    (hand_out_another_ledgers_checkpoint, "unsigned"),
    (hand_out_nonsense, "malformed"),
    (name_another_size, "bad_proof"),
]


@pytest.mark.parametrize(("spoil", "code"), FAULTS, ids=[spoil.__name__ for spoil, _ in FAULTS])
def test_a_ledger_whose_log_does_not_hold_is_flagged(rig: Rig, spoil: Callable[[Rig], None], code: str) -> None:
    spoil(rig)
    [result] = rig.service().round()
    assert result.settled
    assert rig.flags() == {2: code}
    assert (rig.on_chain(GOOD), rig.on_chain(BAD)) == (10, 6)
    assert rig.states() == [(1, "final"), (2, "final")]


def test_a_flag_goes_when_the_ledger_holds_again(rig: Rig) -> None:
    fork(rig)
    service = rig.service()
    service.round()
    rig.village.logs[BAD].fork_at = None
    service.round()
    assert rig.flags() == {}
    assert rig.on_chain(BAD) == 10


def test_a_flag_goes_when_a_restored_ledger_is_where_it_was(rig: Rig) -> None:
    shrink(rig)
    service = rig.service()
    service.round()
    assert rig.flags() == {2: "shrunk"}
    rig.village.logs[BAD].size = 6
    service.round()
    assert rig.flags() == {}


def test_an_unregistered_ledger_waits_until_it_is_registered(tmp_path: Path) -> None:
    rig = Rig(tmp_path, GOOD)
    rig.contracts = [rig.deploy()]
    rig.village.grow(GOOD)
    service = rig.service()
    service.round()
    assert rig.flags() == {1: "unregistered"}
    assert rig.states() == []
    assert rig.register() == [rig.village.logs[GOOD].origin]
    service.round()
    assert rig.flags() == {}
    assert rig.on_chain(GOOD) == 5


def test_a_ledger_with_another_head_key_in_the_contract_is_flagged(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {GOOD: rig.head_key(GOOD), BAD: rig.submitter}
    monkeypatch.setattr(rig, "head_key", keys.__getitem__)
    rig.service().round()
    assert rig.flags() == {2: "other_signer"}
    assert rig.on_chain(GOOD) == 10


def test_a_server_that_is_away_is_no_fault_of_the_ledger(rig: Rig) -> None:
    rig.village.away = True
    [result] = rig.service().round()
    assert result.settled
    assert rig.flags() == {}
    assert rig.states() == [(1, "final")]


# What our own checks let through, and the members or the contract refuse


def mislead(rig: Rig, member: LocalAccount) -> None:
    """The member once signed a head of another history."""
    path = rig.memory_path(member)
    memory = MemberMemory(path, member.address.lower())
    memory.remember({rig.village.logs[BAD].origin: TreeHead(9, Digest(bytes(32)))})


def test_one_member_that_objects_is_outvoted(rig: Rig) -> None:
    mislead(rig, rig.members[0])
    rig.service().round()
    assert rig.flags() == {}
    assert rig.on_chain(BAD) == 10


def test_a_ledger_that_too_many_members_object_to_is_left_out(rig: Rig) -> None:
    for member in rig.members[:2]:
        mislead(rig, member)
    [result] = rig.service().round()
    assert result.settled
    assert rig.flags() == {2: "refused:no_quorum"}
    assert rig.states() == [(1, "final"), (2, "dropped"), (2, "final")]
    assert (rig.on_chain(GOOD), rig.on_chain(BAD)) == (10, 6)


def test_a_refused_ledger_is_tried_again_after_a_while(rig: Rig) -> None:
    for member in rig.members[:2]:
        mislead(rig, member)
    service = rig.service()
    service.round()
    tried = len(rig.batches())
    service.round()
    assert len(rig.batches()) == tried
    rig.now_ms += RETRY_MS + 1
    service.round()
    assert len(rig.batches()) == tried + 1
    assert rig.flags() == {2: "refused:no_quorum"}


def test_without_a_quorum_the_batch_waits_and_says_why(rig: Rig) -> None:
    [result] = rig.service(members=rig.members[:1]).round()
    assert not result.settled
    [_, waiting] = rig.batches()
    assert (waiting.state, waiting.batch_id) == ("planned", 2)
    assert waiting.error is not None
    assert "too few" in waiting.error
    rig.service(members=rig.members[:1]).round()
    assert len(rig.batches()) == 2
    rig.service().round()
    assert rig.states() == [(1, "final"), (2, "final")]


def refuse(rig: Rig, *, named: bool) -> SpoiltChain:
    """A chain whose contract refuses the bad ledger; a node that is not ``named`` does not say which."""
    chain = SpoiltChain(rig)
    identifier = ledger_id(rig.village.logs[BAD].origin)

    def preflight(true: Any, data: bytes, sender: str) -> None:
        if identifier not in data:
            true(data, sender)
        elif named:
            raise Reverted("refused", name="ProofInvalid", arguments={"ledger": identifier})
        else:
            raise Reverted("refused")

    chain.spoil["preflight"] = preflight
    return chain


def test_a_ledger_that_the_contract_refuses_is_left_out(rig: Rig) -> None:
    [result] = rig.service(refuse(rig, named=True)).round()
    assert result.settled
    assert rig.flags() == {2: "refused:ProofInvalid"}
    assert rig.states() == [(1, "final"), (2, "dropped"), (2, "final")]
    assert (rig.on_chain(GOOD), rig.on_chain(BAD)) == (10, 6)


def test_where_the_node_does_not_tell_ledgers_are_tried_one_by_one(rig: Rig) -> None:
    [result] = rig.service(refuse(rig, named=False)).round()
    assert result.settled
    assert rig.flags() == {2: "refused:reverted"}
    assert (rig.on_chain(GOOD), rig.on_chain(BAD)) == (10, 6)


def test_what_the_contract_itself_refuses_is_understood(rig: Rig) -> None:
    """The real contract, called with a signature of the wrong head key."""
    chain = SpoiltChain(rig)
    origin = rig.village.logs[BAD].origin

    def frontiers(true: Any, ledgers: list[bytes]) -> Any:
        stranger = rig.submitter.address.lower()
        return [
            frontier._replace(signer=stranger) if one == ledger_id(origin) else frontier
            for one, frontier in zip(ledgers, true(ledgers), strict=True)
        ]

    chain.spoil["frontiers"] = frontiers
    keys = {GOOD: rig.head_key(GOOD), BAD: rig.submitter}
    rig.head_key = keys.__getitem__  # type: ignore[method-assign]
    rig.service(chain).round()
    assert rig.flags() == {2: "refused:HeadSignerWrong"}
    assert rig.on_chain(GOOD) == 10


def test_a_fork_between_two_chains_is_noticed(rig: Rig) -> None:
    """One chain has a head; the log, rewritten from before it, is shown to the other, which has none."""
    rig.contracts.append(rig.deploy())
    rig.register()
    fork(rig)
    rig.service(rig.chain(rig.contracts[1])).round()
    assert rig.flags() == {2: "forked"}
    assert rig.chain(rig.contracts[1]).frontiers([ledger_id(rig.village.logs[BAD].origin)])[0].size == 0


def test_the_ledger_going_away_while_members_check_leaves_the_batch_planned(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = rig.service()
    calls = []

    def consistency(name: str, size_1: int, size_2: int) -> list[bytes]:
        calls.append(name)
        if len(calls) > 4:  # ours: from the frontier and from what was signed last, for two ledgers
            raise BusyError("no answer", code="unreachable")
        return true(name, size_1, size_2)

    true = rig.village.consistency
    monkeypatch.setattr(rig.village, "consistency", consistency)
    [result] = service.round()
    assert result.error == "no answer"
    assert rig.states() == [(1, "final"), (2, "planned")]
    monkeypatch.undo()
    service.round()
    assert rig.states() == [(1, "final"), (2, "final")]
