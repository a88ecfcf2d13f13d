"""The EIP-712 structs that head signers and members sign (docs/spec/contract.md, "Signed structs")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from eth_account.messages import SignableMessage, encode_typed_data
from eth_account.signers.local import LocalAccount

from ledger.store.outbox import ContractKey

SIGNATURE_SIZE: Final = 65
STRUCTS: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "Head": (("ledger", "bytes32"), ("size", "uint64"), ("root", "bytes32")),
    "Batch": (("batchId", "uint64"), ("batchRoot", "bytes32"), ("previousBatchHash", "bytes32"), ("epoch", "uint64")),
    "RegisterLedgers": (("origins", "string[]"), ("signers", "address[]"), ("nonce", "uint64"), ("epoch", "uint64")),
}


class BatchStatement(NamedTuple):
    """What a member states by co-signing: this root is the batch after that one, in this epoch of the consortium."""

    batch_id: int
    batch_root: bytes
    previous_hash: bytes
    epoch: int


def head_message(key: ContractKey, ledger: bytes, size: int, root: bytes) -> SignableMessage:
    """What a ledger's signer signs."""
    return _message(key, "Head", {"ledger": ledger, "size": size, "root": root})


def batch_message(key: ContractKey, statement: BatchStatement) -> SignableMessage:
    """What a member signs."""
    values = {
        "batchId": statement.batch_id,
        "batchRoot": statement.batch_root,
        "previousBatchHash": statement.previous_hash,
        "epoch": statement.epoch,
    }
    return _message(key, "Batch", values)


def register_message(
    key: ContractKey, origins: Sequence[str], signers: Sequence[str], *, nonce: int, epoch: int
) -> SignableMessage:
    """What a member signs to let ledgers anchor."""
    values = {"origins": list(origins), "signers": list(signers), "nonce": nonce, "epoch": epoch}
    return _message(key, "RegisterLedgers", values)


def sign(account: LocalAccount, message: SignableMessage) -> bytes:
    """The 65 bytes r, s, v; eth-account signs with low s, as the contract demands."""
    return bytes(account.sign_message(message).signature)


def _message(key: ContractKey, struct: str, values: Mapping[str, Any]) -> SignableMessage:
    domain = {"name": "LedgerAnchor", "version": "1", "chainId": key.chain_id, "verifyingContract": key.contract}
    types = {struct: [{"name": name, "type": kind} for name, kind in STRUCTS[struct]]}
    return encode_typed_data(domain, types, dict(values))
