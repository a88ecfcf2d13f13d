"""The EIP-712 structs that members and signers sign (docs/spec/contract.md), hashed and signed by eth-account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eth_account import Account
from eth_account.messages import SignableMessage, encode_typed_data
from eth_account.signers.local import LocalAccount

TYPES: dict[str, list[tuple[str, str]]] = {
    "Head": [("ledger", "bytes32"), ("size", "uint64"), ("root", "bytes32")],
    "Batch": [("batchId", "uint64"), ("batchRoot", "bytes32"), ("previousBatchHash", "bytes32"), ("epoch", "uint64")],
    "RegisterLedgers": [("origins", "string[]"), ("signers", "address[]"), ("nonce", "uint64"), ("epoch", "uint64")],
    "RotateSigner": [("ledger", "bytes32"), ("signer", "address"), ("nonce", "uint64"), ("epoch", "uint64")],
    "SetConsortium": [("members", "address[]"), ("quorum", "uint16"), ("nonce", "uint64"), ("epoch", "uint64")],
    "AcceptConsortium": [("members", "address[]"), ("quorum", "uint16"), ("nonce", "uint64"), ("epoch", "uint64")],
    "SetPaused": [("paused", "bool"), ("nonce", "uint64"), ("epoch", "uint64")],
    "SetSuccessor": [("successor", "address"), ("nonce", "uint64"), ("epoch", "uint64")],
}

CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@dataclass(frozen=True, slots=True)
class Domain:
    chain_id: int
    contract: str

    def message(self, struct: str, values: dict[str, Any]) -> SignableMessage:
        """The signable form of one struct; its digest is keccak-256 of 0x19 || 0x01 || header || body."""
        domain = {"name": "LedgerAnchor", "version": "1", "chainId": self.chain_id, "verifyingContract": self.contract}
        types = {struct: [{"name": name, "type": kind} for name, kind in TYPES[struct]]}
        return encode_typed_data(domain, types, values)

    def sign(self, account: LocalAccount, struct: str, values: dict[str, Any]) -> bytes:
        return bytes(account.sign_message(self.message(struct, values)).signature)

    def sign_all(self, accounts: list[LocalAccount], struct: str, values: dict[str, Any]) -> list[bytes]:
        """One signature of each account, in the order given."""
        message = self.message(struct, values)
        return [bytes(account.sign_message(message).signature) for account in accounts]


def type_string(struct: str) -> str:
    return f"{struct}({','.join(f'{kind} {name}' for name, kind in TYPES[struct])})"


def account(number: int) -> LocalAccount:
    """A fixed key for each number; no key of a real chain."""
    return Account.from_key((0xC0FFEE00 + number).to_bytes(32, "big"))


def accounts(first: int, count: int) -> list[LocalAccount]:
    """Fixed keys, ascending by address as the contract wants signers."""
    return ascending([account(first + i) for i in range(count)])


def ascending(chosen: list[LocalAccount]) -> list[LocalAccount]:
    return sorted(chosen, key=lambda one: int(one.address, 16))


def with_high_s(signature: bytes) -> bytes:
    """The other valid signature of the same message, which ecrecover would take."""
    r, s, v = signature[:32], int.from_bytes(signature[32:64], "big"), signature[64]
    return r + (CURVE_ORDER - s).to_bytes(32, "big") + bytes([55 - v])
