"""What the anchor service asks of a chain and its contract, and the client that asks by web3.

Everything read is of the newest block; what must survive a reorganisation is compared with block hashes by
`anchor.outbox`. Whatever a node or library does wrong is a `ChainError`; a contract that says no is a `Reverted`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple, Protocol

from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from web3 import Web3
from web3.exceptions import BlockNotFound, TransactionNotFound
from web3.logs import DISCARD

from anchor.artifact import load_artifact
from anchor.connect import asking, fees
from anchor.profiles import Profile
from ledger.core.batch import Head
from ledger.core.types import ZERO_DIGEST, Digest
from ledger.errors import ChainError
from ledger.store.outbox import ContractKey

GAS_MARGIN_PERCENT: Final = 120


class Block(NamedTuple):
    """A block's number and its time in seconds since 1970."""

    number: int
    time_s: int


class BatchRef(NamedTuple):
    """A batch in the contract's chain of batches; id 0 and zeros stand before the first."""

    id: int
    hash: Digest


class Batch(NamedTuple):
    """A batch as the contract stores it; ``time_s`` is its block's time in seconds since 1970."""

    root: Digest
    hash: Digest
    time_s: int
    epoch: int


class Consortium(NamedTuple):
    """Who co-signs now. ``ended``: a successor was named, nothing more is anchored here. Addresses are lower case."""

    epoch: int
    nonce: int
    paused: bool
    ended: bool
    members: tuple[str, ...]
    quorum: int


class Frontier(NamedTuple):
    """What a ledger's next checkpoint must extend (size 0: nothing), and who signs its heads (empty: nobody)."""

    size: int
    root: Digest
    signer: str


class Checkpoint(NamedTuple):
    """A head as the contract takes it."""

    ledger: bytes
    size: int
    root: bytes
    proof: list[bytes]
    signature: bytes


class Signed(NamedTuple):
    """A signed transaction: its bytes and its hash."""

    raw: bytes
    hash: bytes


class Mined(NamedTuple):
    """Where a transaction stands, whether it succeeded, and whether it anchored a batch (a repetition does not)."""

    block_number: int
    block_hash: bytes
    succeeded: bool
    anchored: bool


class Landing(NamedTuple):
    """Where a batch was anchored, by whatever transaction, and the heads in it, ascending by ledger id."""

    tx_hash: bytes
    block_number: int
    block_hash: bytes
    heads: list[Head]


class AnchorChain(Protocol):
    """A contract on a chain. Every method raises `ChainError` when no usable answer comes."""

    key: ContractKey
    profile: Profile

    def check(self) -> None:
        """Raises unless chain id and code are those that were configured."""

    def newest_block(self) -> Block:
        """The newest block."""

    def block_hash(self, number: int) -> bytes | None:
        """The hash of the block of a number now; None if there is none."""

    def last_batch(self) -> BatchRef:
        """The newest batch of the contract."""

    def batch(self, batch_id: int) -> Batch:
        """A batch that the contract holds."""

    def consortium(self) -> Consortium:
        """Members, quorum and epoch in force."""

    def frontiers(self, ledgers: Sequence[bytes]) -> list[Frontier]:
        """One for each ledger id, in order."""

    def anchor_data(self, batch_id: int, checkpoints: Sequence[Checkpoint], cosignatures: Sequence[bytes]) -> bytes:
        """The call data of ``anchor``."""

    def preflight(self, data: bytes, sender: str) -> None:
        """Raises `Reverted` if the call would revert now."""

    def sign(self, data: bytes, account: LocalAccount, nonce: int) -> Signed:
        """A transaction of this call, signed here; nothing is sent."""

    def nonces(self, address: str) -> tuple[int, int]:
        """The next nonce of an address by what is mined, and by what is waiting too."""

    def send(self, raw: bytes) -> None:
        """Hand a signed transaction to the node."""

    def knows(self, tx_hash: bytes) -> bool:
        """Whether the node holds the transaction, mined or waiting."""

    def outcome(self, tx_hash: bytes) -> Mined | None:
        """Where a transaction stands; None if it is not mined."""

    def landing(self, batch_id: int) -> Landing | None:
        """Where a batch was anchored, from the contract's events; None if the node shows none."""


class Web3Chain:
    """An `AnchorChain` over JSON-RPC. ``first_block`` is the contract's own: events before it are not looked for."""

    def __init__(self, w3: Web3, profile: Profile, key: ContractKey, *, code_hash: str, first_block: int = 0) -> None:
        self.key = key
        self.profile = profile
        self._w3 = w3
        self._code_hash = code_hash
        self._first_block = first_block
        self._address = to_checksum_address(key.contract)
        self._contract = w3.eth.contract(address=self._address, abi=load_artifact()["abi"])

    def check(self) -> None:
        with asking():
            found = self._w3.eth.chain_id
            code = bytes(self._w3.eth.get_code(self._address))
        if found != self.key.chain_id:
            raise ChainError("the node serves another chain", code="wrong_chain", expected=self.key.chain_id, got=found)
        if not code or keccak(code).hex() != self._code_hash:
            raise ChainError(
                "the contract is not the one that was deployed: the chain was reset, or the address is wrong",
                code="wrong_contract",
                field=self.key.contract,
                expected=self._code_hash,
                got=keccak(code).hex() if code else "no code",
            )

    def newest_block(self) -> Block:
        with asking():
            block = self._w3.eth.get_block("latest")
        divisor = 1000 if self.profile.timestamp_unit == "ms" else 1
        return Block(block["number"], block["timestamp"] // divisor)

    def block_hash(self, number: int) -> bytes | None:
        with asking():
            try:
                return bytes(self._w3.eth.get_block(number)["hash"])
            except BlockNotFound:
                return None

    def last_batch(self) -> BatchRef:
        number, digest = self._call("lastBatch")
        return BatchRef(int(number), Digest(bytes(digest)))

    def batch(self, batch_id: int) -> Batch:
        root, digest, time_s, epoch = self._call("batch", batch_id)
        return Batch(Digest(bytes(root)), Digest(bytes(digest)), time_s, epoch)

    def consortium(self) -> Consortium:
        epoch, nonce, paused = self._call("governance")
        members, quorum = self._call("consortium", epoch)
        ended = int(self._call("successor"), 16) != 0
        return Consortium(epoch, nonce, paused, ended, tuple(member.lower() for member in members), quorum)

    def frontiers(self, ledgers: Sequence[bytes]) -> list[Frontier]:
        calls = [self._contract.functions[name](ledger) for ledger in ledgers for name in ("frontier", "signerOf")]
        answers = self._call_many(calls)
        found = []
        for (size, root), signer in zip(answers[::2], answers[1::2], strict=True):
            known = "" if int(signer, 16) == 0 else signer.lower()
            found.append(Frontier(size, Digest(bytes(root)) if size else ZERO_DIGEST, known))
        return found

    def anchor_data(self, batch_id: int, checkpoints: Sequence[Checkpoint], cosignatures: Sequence[bytes]) -> bytes:
        arguments = [batch_id, [tuple(one) for one in checkpoints], list(cosignatures)]
        return bytes.fromhex(self._contract.encode_abi("anchor", args=arguments).removeprefix("0x"))

    def preflight(self, data: bytes, sender: str) -> None:
        with asking():
            self._w3.eth.call(
                {
                    "from": to_checksum_address(sender),
                    "to": self._address,
                    "data": Web3.to_hex(data),
                    "gas": self.profile.gas_cap,
                }
            )

    def sign(self, data: bytes, account: LocalAccount, nonce: int) -> Signed:
        call: Any = {"from": account.address, "to": self._address, "data": Web3.to_hex(data), "value": 0}
        with asking():
            needed = self._w3.eth.estimate_gas(call)
            price = fees(self._w3, self.profile)
        if needed > self.profile.gas_cap:
            raise ChainError("the batch needs too much gas", expected=f"at most {self.profile.gas_cap}", got=needed)
        gas = min(needed * GAS_MARGIN_PERCENT // 100, self.profile.gas_cap)
        rest = {"chainId": self.key.chain_id, "nonce": nonce, "gas": gas}
        signed = account.sign_transaction({name: call[name] for name in ("to", "data", "value")} | rest | price)
        return Signed(bytes(signed.raw_transaction), bytes(signed.hash))

    def nonces(self, address: str) -> tuple[int, int]:
        sender = to_checksum_address(address)
        with asking():
            mined = self._w3.eth.get_transaction_count(sender, "latest")
            return mined, max(mined, self._w3.eth.get_transaction_count(sender, "pending"))

    def send(self, raw: bytes) -> None:
        with asking():
            self._w3.eth.send_raw_transaction(raw)

    def knows(self, tx_hash: bytes) -> bool:
        with asking():
            try:
                self._w3.eth.get_transaction(Web3.to_hex(tx_hash))
            except TransactionNotFound:
                return False
            return True

    def outcome(self, tx_hash: bytes) -> Mined | None:
        with asking():
            try:
                receipt = self._w3.eth.get_transaction_receipt(Web3.to_hex(tx_hash))
            except TransactionNotFound:
                return None
            events = self._contract.events.BatchAnchored().process_receipt(receipt, errors=DISCARD)
        anchored = any(event["address"] == self._address for event in events)
        return Mined(receipt["blockNumber"], bytes(receipt["blockHash"]), receipt["status"] == 1, anchored)

    def landing(self, batch_id: int) -> Landing | None:
        for first, last in _ranges(self._first_block, self.newest_block().number, self.profile.log_chunk):
            if found := self._events("BatchAnchored", batch_id, first, last):
                place = found[0]
                number = place["blockNumber"]
                heads = [
                    (Digest(bytes(log["args"]["ledger"])), log["args"]["size"], Digest(bytes(log["args"]["root"])))
                    for log in self._events("Anchored", batch_id, number, number)
                    if log["transactionHash"] == place["transactionHash"]
                ]
                return Landing(bytes(place["transactionHash"]), number, bytes(place["blockHash"]), sorted(heads))
        return None

    def _events(self, name: str, batch_id: int, first: int, last: int) -> list[Any]:
        with asking():
            event = self._contract.events[name]()
            return list(event.get_logs(argument_filters={"batchId": batch_id}, from_block=first, to_block=last))

    def _call(self, name: str, *arguments: Any) -> Any:
        with asking():
            return self._contract.functions[name](*arguments).call()

    def _call_many(self, calls: list[Any]) -> list[Any]:
        most = self.profile.batch_max
        answers: list[Any] = []
        with asking():
            if most == 1:
                return [call.call() for call in calls]
            for start in range(0, len(calls), most):
                with self._w3.batch_requests() as batch:
                    for call in calls[start : start + most]:
                        batch.add(call)
                    answers += batch.execute()
        return answers


def _ranges(first: int, last: int, chunk: int) -> Iterable[tuple[int, int]]:
    """Spans of at most ``chunk`` blocks that cover ``first`` … ``last``, the newest first."""
    while last >= first:
        start = max(first, last - chunk + 1)
        yield start, last
        last = start - 1
