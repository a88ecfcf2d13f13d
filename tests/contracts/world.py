"""A chain in process with one LedgerAnchor, its members, and ledgers to anchor."""

from __future__ import annotations

import ast
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eth.vm.forks import LondonVM
from eth_account.signers.local import LocalAccount
from eth_tester import EthereumTester, PyEVMBackend
from eth_tester.exceptions import TransactionFailed
from web3 import EthereumTesterProvider, Web3
from web3.contract import Contract
from web3.contract.contract import ContractFunction
from web3.exceptions import ContractCustomError
from web3.logs import DISCARD

from . import oracle
from .typed import Domain, accounts

PROJECT = Path(__file__).resolve().parents[2]
ARTIFACT = json.loads((PROJECT / "contracts/abi/LedgerAnchor.json").read_text())
HARNESS = json.loads((Path(__file__).parent / "abi/ProofHarness.json").read_text())
ERRORS = {
    Web3.keccak(text=f"{one['name']}({','.join(i['type'] for i in one['inputs'])})")[:4]: (one["name"], one["inputs"])
    for one in ARTIFACT["abi"]
    if one["type"] == "error"
}
NOBODY = "0x" + "00" * 20
GAS = 25_000_000

Checkpoint = tuple[bytes, int, bytes, list[bytes], bytes]


@dataclass
class Ledger:
    """A ledger with a signer and as many leaves as one asks for; ``fork`` changes every leaf from its size on."""

    origin: str
    signer: LocalAccount
    fork_at: int | None = None
    id: bytes = field(init=False)

    def __post_init__(self) -> None:
        self.id = oracle.ledger_id(self.origin)

    def leaves(self, size: int) -> tuple[bytes, ...]:
        forked = self.fork_at
        return tuple(self._leaf(i, forked is not None and i >= forked) for i in range(size))

    def root(self, size: int) -> bytes:
        return oracle.root(self.leaves(size))

    def proof(self, old: int, new: int) -> list[bytes]:
        return oracle.consistency(old, self.leaves(new)) if old else []

    def _leaf(self, index: int, forked: bool) -> bytes:
        return hashlib.sha256(f"{self.origin} {index} {forked}".encode()).digest()


class World:
    """Deploys on a fresh London chain unless told of another chain or contract. Methods named after the contract's
    functions return the bound call with the right signatures; ``send`` mines it, ``reverts`` demands a custom error."""

    def __init__(self, members: int = 4, quorum: int = 3, w3: Web3 | None = None, predecessor: str = NOBODY) -> None:
        if w3 is None:
            w3 = Web3(EthereumTesterProvider(EthereumTester(PyEVMBackend(vm_configuration=((0, LondonVM),)))))
        self.w3 = w3
        self.members = accounts(100, members)
        self.quorum = quorum
        self.contract = deploy(w3, ARTIFACT, [one.address for one in self.members], quorum, predecessor)

    @property
    def domain(self) -> Domain:
        return Domain(self.w3.eth.chain_id, self.contract.address)

    @property
    def signing(self) -> list[LocalAccount]:
        return self.members[: self.quorum]

    # Anchoring

    def checkpoint(self, ledger: Ledger, size: int, **other: Any) -> Checkpoint:
        """A good checkpoint from the ledger's frontier to ``size``; every field can be replaced by name."""
        root = other.get("root", ledger.root(size) if size < 10_000 else bytes([7]) * 32)
        old = self.contract.functions.head(ledger.id).call()[0]
        proof = other["proof"] if "proof" in other else ledger.proof(old, size)
        values = {"ledger": ledger.id, "size": size, "root": root}
        signature = other.get("signature") or self.domain.sign(other.get("signer", ledger.signer), "Head", values)
        return (ledger.id, size, root, proof, signature)

    def batch_values(self, batch_id: int, checkpoints: list[Checkpoint]) -> dict[str, Any]:
        """What members sign for the next batch."""
        return {
            "batchId": batch_id,
            "batchRoot": oracle.batch_root([oracle.batch_leaf(*one[:3]) for one in checkpoints]),
            "previousBatchHash": self.contract.functions.lastBatch().call()[1],
            "epoch": self.contract.functions.governance().call()[0],
        }

    def anchor(self, batch_id: int, checkpoints: list[Checkpoint], signers: list[LocalAccount] | None = None) -> Any:
        values = self.batch_values(batch_id, checkpoints)
        cosignatures = self.domain.sign_all(self.signing if signers is None else signers, "Batch", values)
        return self.contract.functions.anchor(batch_id, checkpoints, cosignatures)

    def anchor_next(self, *heads: tuple[Ledger, int]) -> Any:
        """Anchors these sizes in the next batch; returns the receipt."""
        ordered = sorted(heads, key=lambda pair: pair[0].id)
        checkpoints = [self.checkpoint(ledger, size) for ledger, size in ordered]
        return self.send(self.anchor(self.contract.functions.lastBatch().call()[0] + 1, checkpoints))

    def ledger(self, name: str = "foshan-village") -> Ledger:
        """A registered ledger."""
        ledger = Ledger(f"gongfen.example/{name}", accounts(500, 1)[0])
        self.send(self.register([ledger]))
        return ledger

    # Governance

    def act(self, struct: str, values: dict[str, Any], signers: list[LocalAccount] | None = None) -> list[bytes]:
        """Signatures over an act with the present nonce and epoch, unless ``values`` has others."""
        epoch, nonce, _ = self.contract.functions.governance().call()
        chosen = self.signing if signers is None else signers
        return self.domain.sign_all(chosen, struct, {"nonce": nonce, "epoch": epoch} | values)

    def register(self, ledgers: list[Ledger]) -> ContractFunction:
        origins, signers = [one.origin for one in ledgers], [one.signer.address for one in ledgers]
        cosignatures = self.act("RegisterLedgers", {"origins": origins, "signers": signers})
        return self.contract.functions.registerLedgers(origins, signers, cosignatures)

    def rotate(self, ledger: bytes, signer: str) -> ContractFunction:
        cosignatures = self.act("RotateSigner", {"ledger": ledger, "signer": signer})
        return self.contract.functions.rotateSigner(ledger, signer, cosignatures)

    def set_consortium(self, members: list[LocalAccount], quorum: int, **other: Any) -> ContractFunction:
        addresses = [one.address for one in members]
        values = {"members": addresses, "quorum": quorum}
        cosignatures = other.get("cosignatures") or self.act("SetConsortium", values)
        acceptances = other["acceptances"] if "acceptances" in other else self.act("AcceptConsortium", values, members)
        return self.contract.functions.setConsortium(addresses, quorum, cosignatures, acceptances)

    def set_paused(self, paused: bool) -> ContractFunction:
        return self.contract.functions.setPaused(paused, self.act("SetPaused", {"paused": paused}))

    def set_successor(self, successor: str) -> ContractFunction:
        return self.contract.functions.setSuccessor(successor, self.act("SetSuccessor", {"successor": successor}))

    # Sending

    def send(self, call: ContractFunction) -> Any:
        return send(self.w3, call)

    def events(self, name: str, receipt: Any) -> list[dict[str, Any]]:
        """The arguments of every event of this name."""
        logs = self.contract.events[name]().process_receipt(receipt, errors=DISCARD)
        return [dict(one["args"]) for one in logs]

    def reverts(self, call: ContractFunction, error: str, **arguments: Any) -> None:
        """Demands that the call reverts with this custom error, and with these of its arguments."""
        name, got = self.error_of(call)
        assert name == error, f"expected {error}, got {name} {got}"
        assert got | arguments == got, f"expected {arguments}, got {got}"

    def error_of(self, call: Any) -> tuple[str, dict[str, Any]]:
        try:
            call.call({"gas": GAS, "from": self.w3.eth.accounts[0]})
        except (TransactionFailed, ContractCustomError) as failure:
            return self.decode_error(failure)
        raise AssertionError("expected a revert, but the call succeeds")

    def decode_error(self, failure: Exception) -> tuple[str, dict[str, Any]]:
        if isinstance(failure, ContractCustomError):
            data = bytes.fromhex(str(failure.data).removeprefix("0x"))
        else:
            data = ast.literal_eval(str(failure).removeprefix("execution reverted: "))
        name, inputs = ERRORS[data[:4]]
        values = self.w3.codec.decode([one["type"] for one in inputs], data[4:])
        return name, dict(zip([one["name"] for one in inputs], values, strict=True))


def send(w3: Web3, call: Any) -> Any:
    fees = {"gasPrice": w3.eth.get_block("latest").get("baseFeePerGas", 0)}  # zero on a permissioned chain
    sent = call.transact({"gas": GAS, "from": w3.eth.accounts[0]} | fees)
    receipt = w3.eth.wait_for_transaction_receipt(sent, timeout=30, poll_latency=0.05)
    assert receipt["status"] == 1, "the transaction reverted"
    return receipt


def deploy(w3: Web3, artifact: dict[str, Any], *arguments: Any) -> Contract:
    factory = w3.eth.contract(abi=artifact["abi"], bytecode=artifact["bytecode"])
    receipt = send(w3, factory.constructor(*arguments))
    return w3.eth.contract(address=receipt["contractAddress"], abi=artifact["abi"])
