"""Rule 5: only the present quorum governs, over a nonce and an epoch; new members accept; old epochs stay readable."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from eth_account.signers.local import LocalAccount

from . import oracle
from .typed import account, accounts, ascending
from .world import HARNESS, NOBODY, Ledger, World, deploy

VILLAGE = Ledger("gongfen.example/foshan-village", account(1))


def governance(world: World) -> tuple[int, int]:
    epoch, nonce, _ = world.contract.functions.governance().call()
    return epoch, nonce


def act(world: World, name: str, cosign: Any) -> Any:
    """Every act of governance as a call that would succeed if ``cosign(struct, values)`` is the quorum's."""
    functions = world.contract.functions
    if name == "registerLedgers":
        values = {"origins": ["a.example/new"], "signers": [account(1).address]}
        return functions.registerLedgers(*values.values(), cosign("RegisterLedgers", values))
    if name == "rotateSigner":
        values = {"ledger": VILLAGE.id, "signer": account(2).address}
        return functions.rotateSigner(*values.values(), cosign("RotateSigner", values))
    if name == "setConsortium":
        new = accounts(200, 3)
        values = {"members": [one.address for one in new], "quorum": 2}
        acceptances = world.act("AcceptConsortium", values, new)
        return functions.setConsortium(*values.values(), cosign("SetConsortium", values), acceptances)
    if name == "setPaused":
        return functions.setPaused(True, cosign("SetPaused", {"paused": True}))
    successor = World(w3=world.w3, predecessor=world.contract.address).contract.address
    return functions.setSuccessor(successor, cosign("SetSuccessor", {"successor": successor}))


ACTS = ["registerLedgers", "rotateSigner", "setConsortium", "setPaused", "setSuccessor"]


@pytest.fixture
def governed(world: World) -> World:
    """With a registered ledger, so that every act could succeed."""
    world.send(world.register([VILLAGE]))
    return world


# What every act needs


@pytest.mark.parametrize("name", ACTS)
def test_the_quorum_may(governed: World, name: str) -> None:
    governed.send(act(governed, name, governed.act))
    assert governance(governed) == (2 if name == "setConsortium" else 1, 2)


@pytest.mark.parametrize("name", ACTS)
def test_the_quorum_may_while_paused(governed: World, name: str) -> None:
    governed.send(governed.set_paused(True))
    governed.send(governed.set_paused(False) if name == "setPaused" else act(governed, name, governed.act))


@pytest.mark.parametrize("name", ACTS)
def test_fewer_than_the_quorum_may_not(governed: World, name: str) -> None:
    call = act(governed, name, lambda struct, values: governed.act(struct, values, governed.members[:2]))
    governed.reverts(call, "QuorumNotReached", expected=3, got=2)


@pytest.mark.parametrize("name", ACTS)
def test_a_stranger_may_not_help(governed: World, name: str) -> None:
    signers = ascending([*governed.members[:3], account(1)])
    call = act(governed, name, lambda struct, values: governed.act(struct, values, signers))
    governed.reverts(call, "SignerNotMember", got=account(1).address.lower())


@pytest.mark.parametrize("other", [{"nonce": 0}, {"nonce": 2}, {"epoch": 0}, {"epoch": 2}], ids=str)
@pytest.mark.parametrize("name", ACTS)
def test_another_nonce_or_epoch_reverts(governed: World, name: str, other: dict[str, int]) -> None:
    expect_strangers(governed, act(governed, name, lambda struct, values: governed.act(struct, values | other)))


@pytest.mark.parametrize("name", ACTS)
def test_signatures_over_another_struct_revert(governed: World, name: str) -> None:
    other = {"previousBatchHash": bytes(32), "batchId": 1, "batchRoot": bytes(32), "epoch": 1}
    expect_strangers(governed, act(governed, name, lambda *_: governed.act("Batch", other)))


@pytest.mark.parametrize("name", ACTS)
def test_signatures_for_another_contract_revert(governed: World, name: str) -> None:
    domain = replace(governed.domain, contract=account(1).address)

    def cosign(struct: str, values: dict[str, Any]) -> list[bytes]:
        return domain.sign_all(governed.signing, struct, values | {"nonce": 1, "epoch": 1})

    expect_strangers(governed, act(governed, name, cosign))


def test_an_act_cannot_be_replayed(governed: World) -> None:
    pause = governed.set_paused(True)
    governed.send(pause)
    expect_strangers(governed, pause)
    resume = governed.set_paused(False)
    governed.send(resume)
    expect_strangers(governed, pause)
    expect_strangers(governed, resume)


def test_a_refused_act_does_not_spend_the_nonce(governed: World) -> None:
    before = governance(governed)
    governed.reverts(governed.set_paused(False), "PauseUnchanged", paused=False)
    with pytest.raises(AssertionError, match="reverted"):
        governed.send(governed.set_paused(False))
    assert governance(governed) == before


def expect_strangers(world: World, call: Any) -> None:
    """Signatures over other bytes recover to addresses that nobody holds."""
    name, _ = world.error_of(call)
    assert name in {"SignerNotMember", "SignersNotAscending"}


# Ledgers


def test_registering_tells_origin_and_signer(world: World) -> None:
    other = Ledger("gongfen.example/second", account(2))
    receipt = world.send(world.register([VILLAGE, other]))
    assert world.events("LedgerRegistered", receipt) == [
        {"ledger": one.id, "origin": one.origin, "signer": one.signer.address} for one in (VILLAGE, other)
    ]
    assert world.contract.functions.signerOf(VILLAGE.id).call() == VILLAGE.signer.address
    assert world.contract.functions.signerOf(bytes(32)).call() == NOBODY


def test_a_ledger_is_registered_once_for_ever(governed: World) -> None:
    again = Ledger(VILLAGE.origin, account(2))
    governed.reverts(governed.register([again]), "LedgerAlreadyRegistered", ledger=VILLAGE.id)


def test_a_ledger_twice_in_one_act_reverts(world: World) -> None:
    world.reverts(world.register([VILLAGE, VILLAGE]), "LedgerAlreadyRegistered", ledger=VILLAGE.id)


def test_an_act_without_ledgers_reverts(world: World) -> None:
    world.reverts(world.register([]), "NoLedgers")


def test_as_many_signers_as_origins_are_needed(world: World) -> None:
    call = world.contract.functions.registerLedgers([VILLAGE.origin], [], [])
    world.reverts(call, "CountMismatch", origins=1, signers=0)


def test_a_ledger_needs_a_signer(governed: World) -> None:
    values = {"origins": ["a.example/b"], "signers": [NOBODY]}
    call = governed.contract.functions.registerLedgers(*values.values(), governed.act("RegisterLedgers", values))
    governed.reverts(call, "SignerZero", ledger=oracle.ledger_id("a.example/b"))
    governed.reverts(governed.rotate(VILLAGE.id, NOBODY), "SignerZero", ledger=VILLAGE.id)


ORIGINS = {
    "a/b": True, "gongfen.example/foshan-village": True, "0-9.z/a/b-c/9": True, ".-/-": True,
    "a/" + "b" * 126: True, "a/" + "b" * 127: False,
    "": False, "a": False, "/": False, "a/": False, "/a": False, "a//b": False, "a/b/": False,
    "A/b": False, "a/B": False, "a/b.c": False, "a_b/c": False, "a/b c": False, "a/b\n": False, "村/a": False,
    "a/b\x00": False, "a`/b": False, "a{/b": False, "a:/b": False, "a,/b": False,
}  # fmt: skip


def test_origins_follow_the_grammar(world: World) -> None:
    harness = deploy(world.w3, HARNESS)
    assert harness.functions.validOrigins(list(ORIGINS)).call() == list(ORIGINS.values())
    assert harness.functions.ledgerIds(list(ORIGINS)).call() == [oracle.ledger_id(one) for one in ORIGINS]


@pytest.mark.parametrize("origin", ["", "a", "A/b", "a/b/"])
def test_an_origin_outside_the_grammar_is_not_registered(world: World, origin: str) -> None:
    world.reverts(world.register([Ledger(origin, account(1))]), "OriginInvalid", origin=origin)


def test_a_rotation_tells_both_signers(governed: World) -> None:
    receipt = governed.send(governed.rotate(VILLAGE.id, account(2).address))
    expected = {"ledger": VILLAGE.id, "previous": VILLAGE.signer.address, "signer": account(2).address}
    assert governed.events("SignerRotated", receipt) == [expected]
    assert governed.contract.functions.signerOf(VILLAGE.id).call() == account(2).address


def test_an_unknown_ledger_has_no_signer_to_rotate(world: World) -> None:
    world.reverts(world.rotate(VILLAGE.id, account(2).address), "LedgerUnknown", ledger=VILLAGE.id)


# The consortium


@pytest.fixture
def successors(world: World) -> list[LocalAccount]:
    """Two present members and two new ones."""
    return ascending([*world.members[:2], *accounts(200, 2)])


def use(world: World, members: list[LocalAccount], quorum: int) -> None:
    world.send(world.set_consortium(members, quorum))
    world.members, world.quorum = members, quorum


def test_a_new_consortium_starts_a_new_epoch(world: World, successors: list[LocalAccount]) -> None:
    receipt = world.send(world.set_consortium(successors, 2))
    addresses = [one.address for one in successors]
    expected = {"epoch": 2, "members": addresses, "quorum": 2}
    assert world.events("ConsortiumChanged", receipt) == [expected]
    assert governance(world) == (2, 1)


def test_old_epochs_stay_readable(world: World, successors: list[LocalAccount]) -> None:
    first = [one.address for one in world.members]
    use(world, successors, 2)
    use(world, accounts(300, 1), 1)
    read = world.contract.functions.consortium
    assert read(1).call() == [first, 3]
    assert read(2).call() == [[one.address for one in successors], 2]
    assert read(3).call() == [[accounts(300, 1)[0].address], 1]
    for epoch in (0, 4):
        world.reverts(read(epoch), "EpochUnknown", epoch=epoch)


def test_a_batch_remembers_the_epoch_that_cosigned_it(world: World, successors: list[LocalAccount]) -> None:
    ledger = world.ledger()
    world.anchor_next((ledger, 3))
    use(world, successors, 2)
    world.anchor_next((ledger, 5))
    assert [world.contract.functions.batch(i).call()[3] for i in (1, 2)] == [1, 2]


def test_the_new_epoch_kills_signatures_of_the_old(world: World, successors: list[LocalAccount]) -> None:
    ledger = world.ledger()
    retained = [account(i) for i in range(100, 104)]
    batch = world.anchor(1, [world.checkpoint(ledger, 3)])
    pause = world.set_paused(True)
    world.send(world.set_consortium(ascending(retained), 3))  # the very same members
    expect_strangers(world, batch)
    expect_strangers(world, pause)


def test_a_member_who_left_signs_nothing(world: World, successors: list[LocalAccount]) -> None:
    ledger = world.ledger()
    gone = world.members[3]
    use(world, successors, 2)
    call = world.anchor(1, [world.checkpoint(ledger, 3)], ascending([*successors[:2], gone]))
    world.reverts(call, "SignerNotMember", got=gone.address.lower())


def test_a_member_who_left_may_come_back(world: World, successors: list[LocalAccount]) -> None:
    ledger, first = world.ledger(), world.members
    use(world, successors, 2)
    use(world, first, 3)
    world.anchor_next((ledger, 3))
    assert governance(world)[0] == 3


def acceptances(
    world: World, members: list[LocalAccount], signers: list[LocalAccount], other: dict[str, Any] | None = None
) -> list[bytes]:
    values = {"members": [one.address for one in members], "quorum": 2} | (other or {})
    return world.act("AcceptConsortium", values, signers)


@pytest.mark.parametrize("count", [0, 3, 5])
def test_every_new_member_must_accept(world: World, successors: list[LocalAccount], count: int) -> None:
    signed = acceptances(world, successors, [*successors, account(1)][:count])
    call = world.set_consortium(successors, 2, acceptances=signed)
    world.reverts(call, "AcceptanceCountWrong", expected=4, got=count)


@pytest.mark.parametrize("at", range(4))
def test_nobody_accepts_for_another(world: World, successors: list[LocalAccount], at: int) -> None:
    signers = [*successors[:at], account(1), *successors[at + 1 :]]
    call = world.set_consortium(successors, 2, acceptances=acceptances(world, successors, signers))
    expected, got = successors[at].address.lower(), account(1).address.lower()
    world.reverts(call, "AcceptanceInvalid", expected=expected, got=got)


def test_acceptances_stand_in_the_order_of_members(world: World, successors: list[LocalAccount]) -> None:
    signed = acceptances(world, successors, successors[::-1])
    world.reverts(world.set_consortium(successors, 2, acceptances=signed), "AcceptanceInvalid")


@pytest.mark.parametrize("other", [{"quorum": 1}, {"nonce": 1}, {"epoch": 2}, {"members": []}], ids=str)
def test_an_acceptance_of_something_else_reverts(
    world: World, successors: list[LocalAccount], other: dict[str, Any]
) -> None:
    signed = acceptances(world, successors, successors, other)
    world.reverts(world.set_consortium(successors, 2, acceptances=signed), "AcceptanceInvalid")


def test_the_quorums_own_signatures_are_no_acceptances(world: World) -> None:
    values = {"members": [one.address for one in world.members], "quorum": 3}
    signed = world.act("SetConsortium", values, world.members)
    world.reverts(world.set_consortium(world.members, 3, acceptances=signed), "AcceptanceInvalid")
