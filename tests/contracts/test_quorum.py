"""Rule 4: M of N members, each once, low s, ascending; anybody else's signature spoils the batch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from .typed import Domain, account, accounts, ascending, with_high_s
from .world import ARTIFACT as LEDGER_ANCHOR
from .world import GAS, NOBODY, Checkpoint, Ledger, World, deploy, send


@pytest.fixture
def checkpoints(world: World, ledger: Ledger) -> list[Checkpoint]:
    return [world.checkpoint(ledger, 3)]


def signatures(world: World, checkpoints: list[Checkpoint], domain: Domain | None = None, **other: Any) -> list[bytes]:
    """The quorum's signatures over the next batch, with some fields replaced."""
    values = world.batch_values(1, checkpoints) | other
    return (domain or world.domain).sign_all(world.signing, "Batch", values)


def expect_strangers(world: World, call: Any) -> None:
    """Signatures over other bytes recover to addresses that nobody holds."""
    name, _ = world.error_of(call)
    assert name in {"SignerNotMember", "SignersNotAscending"}


# Who signs


@pytest.mark.parametrize("chosen", [(0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3), (0, 1, 2, 3)])
def test_any_quorum_of_members_anchors(world: World, checkpoints: list[Checkpoint], chosen: tuple[int, ...]) -> None:
    world.send(world.anchor(1, checkpoints, [world.members[i] for i in chosen]))
    assert world.contract.functions.lastBatch().call()[0] == 1


@pytest.mark.parametrize("count", [0, 1, 2])
def test_fewer_than_the_quorum_revert(world: World, checkpoints: list[Checkpoint], count: int) -> None:
    world.reverts(world.anchor(1, checkpoints, world.members[:count]), "QuorumNotReached", expected=3, got=count)


def test_one_member_signing_thrice_is_no_quorum(world: World, checkpoints: list[Checkpoint]) -> None:
    call = world.anchor(1, checkpoints, [world.members[0]] * 3)
    same = world.members[0].address.lower()
    world.reverts(call, "SignersNotAscending", previous=same, got=same)


def test_a_member_twice_among_enough_others_reverts(world: World, checkpoints: list[Checkpoint]) -> None:
    a, b, c, _ = world.members
    world.reverts(world.anchor(1, checkpoints, [a, b, b, c]), "SignersNotAscending")


def test_members_out_of_order_revert(world: World, checkpoints: list[Checkpoint]) -> None:
    a, b, c, _ = world.members
    world.reverts(world.anchor(1, checkpoints, [a, c, b]), "SignersNotAscending")


@pytest.mark.parametrize("members", [2, 3, 4], ids="with {} members".format)
def test_anybody_else_reverts_even_beside_a_quorum(world: World, checkpoints: list[Checkpoint], members: int) -> None:
    stranger = account(1)
    call = world.anchor(1, checkpoints, ascending([*world.members[:members], stranger]))
    world.reverts(call, "SignerNotMember", got=stranger.address.lower())


def test_a_ledgers_own_signer_is_not_a_member(world: World, checkpoints: list[Checkpoint], ledger: Ledger) -> None:
    call = world.anchor(1, checkpoints, ascending([*world.members[:2], ledger.signer]))
    world.reverts(call, "SignerNotMember", got=ledger.signer.address.lower())


def test_whoever_submits_needs_no_trust(world: World, checkpoints: list[Checkpoint]) -> None:
    call = world.anchor(1, checkpoints)
    sender = world.w3.eth.accounts[7]
    receipt = world.w3.eth.wait_for_transaction_receipt(call.transact({"from": sender, "gas": GAS}))
    assert receipt["status"] == 1


# What they sign


@pytest.mark.parametrize(
    "other",
    [
        {"batchId": 2},
        {"batchRoot": bytes(32)},
        {"previousBatchHash": bytes([1]) * 32},
        {"epoch": 0},
        {"epoch": 2},
    ],
    ids=list,
)
def test_signatures_over_another_batch_revert(world: World, checkpoints: list[Checkpoint], other: dict) -> None:
    cosignatures = signatures(world, checkpoints, **other)
    expect_strangers(world, world.contract.functions.anchor(1, checkpoints, cosignatures))


@pytest.mark.parametrize("other", [{"chain_id": 1}, {"contract": "0x" + "11" * 20}], ids=list)
def test_signatures_for_another_chain_or_contract_revert(
    world: World, checkpoints: list[Checkpoint], other: dict
) -> None:
    cosignatures = signatures(world, checkpoints, replace(world.domain, **other))
    expect_strangers(world, world.contract.functions.anchor(1, checkpoints, cosignatures))


def test_signatures_over_the_head_do_not_cosign_the_batch(world: World, checkpoints: list[Checkpoint]) -> None:
    head = dict(zip(["ledger", "size", "root"], checkpoints[0], strict=False))
    cosignatures = world.domain.sign_all(world.signing, "Head", head)
    expect_strangers(world, world.contract.functions.anchor(1, checkpoints, cosignatures))


# How they sign


@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_cosignature_with_high_s_reverts(world: World, checkpoints: list[Checkpoint], at: int) -> None:
    cosignatures = signatures(world, checkpoints)
    cosignatures[at] = with_high_s(cosignatures[at])
    world.reverts(world.contract.functions.anchor(1, checkpoints, cosignatures), "ECDSAInvalidSignatureS")


@pytest.mark.parametrize(
    "signature", [bytes(65), bytes(64) + b"\x1b", b"\xff" * 32 + bytes(31) + b"\x01\x1b"], ids=["zero", "r=0", "r≥n"]
)
def test_the_zero_address_never_signs(world: World, checkpoints: list[Checkpoint], signature: bytes) -> None:
    cosignatures = [signature, *signatures(world, checkpoints)]
    world.reverts(world.contract.functions.anchor(1, checkpoints, cosignatures), "ECDSAInvalidSignature")


@pytest.mark.parametrize("length", [0, 64, 66])
def test_a_cosignature_of_another_length_reverts(world: World, checkpoints: list[Checkpoint], length: int) -> None:
    cosignatures = signatures(world, checkpoints)
    cosignatures[1] = (cosignatures[1] * 2)[:length]
    call = world.contract.functions.anchor(1, checkpoints, cosignatures)
    world.reverts(call, "ECDSAInvalidSignatureLength", length=length)


# Which consortium can be


def addresses(count: int) -> list[str]:
    return [one.address for one in accounts(1000, count)]


BAD_CONSORTIA = {
    "quorum 0": (addresses(3), 0, "QuorumOutOfRange"),
    "quorum above members": (addresses(3), 4, "QuorumOutOfRange"),
    "no members": ([], 0, "QuorumOutOfRange"),
    "no members, quorum 1": ([], 1, "QuorumOutOfRange"),
    "65 members": (addresses(65), 33, "TooManyMembers"),
    "descending": (addresses(3)[::-1], 2, "MembersNotAscending"),
    "twice": ([addresses(1)[0]] * 2, 1, "MembersNotAscending"),
    "zero address": ([NOBODY, *addresses(2)], 2, "MembersNotAscending"),
}


@pytest.mark.parametrize("name", BAD_CONSORTIA)
def test_a_contract_cannot_be_deployed_with(world: World, name: str) -> None:
    members, quorum, error = BAD_CONSORTIA[name]
    factory = world.w3.eth.contract(abi=LEDGER_ANCHOR["abi"], bytecode=LEDGER_ANCHOR["bytecode"])
    call = factory.constructor(members, quorum, NOBODY)
    transaction = call.build_transaction({"from": world.w3.eth.accounts[0], "gas": GAS})
    with pytest.raises(AssertionError, match="reverted"):
        send(world.w3, call)
    with pytest.raises(Exception, match="execution reverted") as failure:
        world.w3.eth.call(transaction)
    assert world.decode_error(failure.value)[0] == error


@pytest.mark.parametrize("name", BAD_CONSORTIA)
def test_a_consortium_cannot_become_one_with(world: World, name: str) -> None:
    members, quorum, error = BAD_CONSORTIA[name]
    values = {"members": members, "quorum": quorum}
    by_address = {one.address: one for one in accounts(1000, 65)} | {NOBODY: account(1)}
    cosignatures = world.act("SetConsortium", values)
    acceptances = world.act("AcceptConsortium", values, [by_address[one] for one in members])
    call = world.contract.functions.setConsortium(members, quorum, cosignatures, acceptances)
    name, _ = world.error_of(call)
    assert name == error or (NOBODY in members and name == "AcceptanceInvalid")


def test_a_consortium_of_one_and_of_64_work() -> None:
    for members, quorum in ((1, 1), (64, 1), (64, 64)):
        world = World(members, quorum)
        world.anchor_next((world.ledger(), 3))
        assert len(world.contract.functions.consortium(1).call()[0]) == members


def test_deploying_tells_the_first_consortium(world: World) -> None:
    contract = deploy(world.w3, LEDGER_ANCHOR, addresses(3), 2, NOBODY)
    assert contract.functions.consortium(1).call() == [addresses(3), 2]
    assert contract.functions.governance().call() == [1, 0, False]
    assert contract.functions.predecessor().call() == contract.functions.successor().call() == NOBODY
