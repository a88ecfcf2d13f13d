"""A receipt anchored in the real contract on a real node, and verified over JSON-RPC."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from eth_account import Account
from web3 import Web3

from ledger.core.batch import batch_leaves, batch_paths
from ledger.core.receipt import Anchor, serialise
from ledger.rpc import RpcReader, keccak_256
from ledger.verify import verify
from tests.contracts.world import Ledger, World
from tests.helpers.fake_chain import FakeChain
from tests.helpers.ledger_builder import LedgerBuilder
from tests.helpers.nodes import COMMANDS, started
from tests.helpers.receipts import failing

pytestmark = pytest.mark.node


class Built(Ledger):
    """The contract's view of a ledger that holds real entries."""

    built: LedgerBuilder

    def leaves(self, size: int) -> tuple[bytes, ...]:
        return tuple(self.built.leaves[:size])


@pytest.fixture(params=sorted(COMMANDS))
def w3(request: pytest.FixtureRequest) -> Iterator[Web3]:
    with started(request.param) as node:
        yield node.w3


def test_a_receipt_anchored_in_the_real_contract_is_genuine_over_json_rpc(w3: Web3) -> None:
    built = LedgerBuilder.village()
    seq = built.award()
    sizes = [built.commit()]
    built.award("li")
    sizes.append(built.commit())
    world = World(w3=w3)
    ledger = Built(built.origin, Account.from_key(b"\x07" * 32))
    ledger.built = built
    world.send(world.register([ledger]))
    neighbour = world.ledger("neighbour")
    mined = [world.anchor_next((ledger, size), (neighbour, 3 + size)) for size in sizes]

    url = w3.provider.endpoint_uri  # type: ignore[attr-defined]
    contract = world.contract.address.lower()
    code_hash = keccak_256(bytes(w3.eth.get_code(world.contract.address))).hex()
    chain = FakeChain(w3.eth.chain_id, contract, code_hash, rpc=(url,))
    trust = built.trust(chains=[chain])
    now_ms = w3.eth.get_block("latest")["timestamp"] * 1000
    with RpcReader() as reader:
        for number, (size, receipt) in enumerate(zip(sizes, mined, strict=True), start=1):
            heads = sorted([built.head(size), (neighbour.id, 3 + size, neighbour.root(3 + size))])
            anchor = Anchor(
                chain_id=w3.eth.chain_id,
                contract=contract,
                batch=number,
                path=batch_paths(batch_leaves(heads))[heads.index(built.head(size))],  # type: ignore[arg-type]
                batch_root=world.contract.functions.batch(number).call()[0].hex(),
                tx="0x" + receipt["transactionHash"].hex(),
                block=receipt["blockNumber"],
            )
            proof = _with_anchor(built, seq, size, anchor)
            assert verify(proof, trust, chain=reader, now_ms=now_ms).verdict == "genuine"
            wrong = trust.replace(code_hash, "00" * 32)
            assert failing(verify(proof, wrong, chain=reader, now_ms=now_ms)) == {"anchored"}
            silent = trust.replace(url, "http://127.0.0.1:1")
            assert verify(proof, silent, chain=reader, now_ms=now_ms).verdict == "pending"


def _with_anchor(built: LedgerBuilder, seq: int, size: int, anchor: Anchor) -> bytes:
    receipt = built.receipt(seq, size)
    receipt.anchors.append(anchor)  # type: ignore[union-attr]
    return serialise(receipt)
