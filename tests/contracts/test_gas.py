"""What the contract costs, against the figures in gas.json.

Run with GONGFEN_UPDATE_GAS=1 to write new figures, and look at the difference before you commit it.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from . import oracle
from .typed import accounts
from .world import ARTIFACT, NOBODY, Ledger, World, send

FILE = Path(__file__).with_name("gas.json")
TOLERANCE = 0.02
TRANSACTION_CAP = 2**24  # some chains take no larger transaction (EIP-7825)


def used(world: World, call: Any) -> int:
    return send(world.w3, call)["gasUsed"]


def grow(old: int, new: int, members: int = 4, quorum: int = 3, cosigners: int = 3) -> int:
    """The gas of a ledger's second anchor, alone in its batch."""
    world = World(members, quorum)
    ledger = world.ledger()
    old_root, new_root, proof = oracle.synthetic(old, new, random.Random(old))
    world.send(world.anchor(1, [world.checkpoint(ledger, old, root=old_root)]))
    checkpoint = world.checkpoint(ledger, new, root=new_root, proof=proof)
    return used(world, world.anchor(2, [checkpoint], world.members[:cosigners]))


def many(count: int, old: int, new: int) -> tuple[int, int]:
    """The gas of registering ``count`` ledgers in one act, and of the second anchor of them all in one batch."""
    world, rng = World(), random.Random(count)
    signers = accounts(500, count)
    ledgers = [Ledger(f"gongfen.example/village-{i}", signers[i]) for i in range(count)]
    ledgers.sort(key=lambda one: one.id)
    registered = used(world, world.register(ledgers))
    heads = [oracle.synthetic(old, new, rng) for _ in ledgers]
    pairs = list(zip(ledgers, heads, strict=True))
    first = [world.checkpoint(one, old, root=head[0]) for one, head in pairs]
    world.send(world.anchor(1, first))
    second = [world.checkpoint(one, new, root=head[1], proof=head[2]) for one, head in pairs]
    return registered, used(world, world.anchor(2, second))


def small_figures() -> dict[str, int]:
    world = World()
    ledger = Ledger("gongfen.example/foshan-village", accounts(500, 1)[0])
    deployed = deploy_gas(world, 4, 3)
    return {
        "deploy, 4 members": deployed,
        "deploy, 64 members": deploy_gas(world, 64, 43),
        "register 1 ledger": used(world, world.register([ledger])),
        "first anchor, 1 ledger of 1,000": used(world, world.anchor(1, [world.checkpoint(ledger, 1000)])),
        "the same batch again": used(world, world.anchor(1, [world.checkpoint(ledger, 1000, proof=[])])),
        "rotate a signer": used(world, world.rotate(ledger.id, accounts(1, 1)[0].address)),
        "pause": used(world, world.set_paused(True)),
        "new consortium of 4": used(world, world.set_consortium(accounts(200, 4), 3)),
    }


def deploy_gas(world: World, members: int, quorum: int) -> int:
    factory = world.w3.eth.contract(abi=ARTIFACT["abi"], bytecode=ARTIFACT["bytecode"])
    return used(world, factory.constructor([one.address for one in accounts(1000, members)], quorum, NOBODY))


@pytest.fixture(scope="module")
def figures() -> dict[str, int]:
    registered, batch = many(68, 2**20 - 1000, 2**20)
    _, worst = many(68, 2**30 - 1, 2**30)
    return small_figures() | {
        "1 ledger grows from 1,000 to 1,001": grow(1000, 1001),
        "1 ledger grows to 2^30, proof of 31 (the worst)": grow(2**30 - 1, 2**30),
        "1 ledger grows to 2^30 by 1,000": grow(2**30 - 1000, 2**30),
        "1 ledger grows to 2^30, 4 of 4 sign": grow(2**30 - 1, 2**30, cosigners=4),
        "1 ledger grows to 2^29 (proof of 30)": grow(2**29 - 1, 2**29),
        "1 ledger grows to 2^30 from 2^29 (proof of 1)": grow(2**29, 2**30),
        "register 68 ledgers": registered,
        "68 ledgers grow to 2^20 by 1,000": batch,
        "68 ledgers grow to 2^30, proofs of 31": worst,
    }


def test_gas_is_that_of_the_snapshot(figures: dict[str, int]) -> None:
    if os.environ.get("GONGFEN_UPDATE_GAS") == "1":
        FILE.write_text(json.dumps(figures, indent=1) + "\n")
    snapshot = json.loads(FILE.read_text())
    assert figures.keys() == snapshot.keys()
    wrong = {name: (snapshot[name], got) for name, got in figures.items() if abs(got / snapshot[name] - 1) > TOLERANCE}
    assert not wrong, f"expected and got: {wrong}"


def test_68_ledgers_fit_a_capped_transaction(figures: dict[str, int]) -> None:
    assert figures["68 ledgers grow to 2^30, proofs of 31"] < TRANSACTION_CAP


def test_a_proof_hash_costs_at_most_1400_gas_and_a_signature_8000(figures: dict[str, int]) -> None:
    worst = figures["1 ledger grows to 2^30, proof of 31 (the worst)"]
    assert worst - figures["1 ledger grows to 2^29 (proof of 30)"] < 1400
    assert figures["1 ledger grows to 2^30, 4 of 4 sign"] - worst < 8000
