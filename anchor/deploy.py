"""Deploying the contract and registering ledgers: the rare acts around anchoring, done by an operator's command."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from web3 import Web3

from anchor.artifact import load_artifact
from anchor.connect import asking, fees
from anchor.profiles import Profile
from anchor.typed import register_message, sign
from ledger.core.hashing import ledger_id
from ledger.errors import ChainError, ConfigError
from ledger.store.outbox import ContractKey

WAIT_S: Final = 120
FAUCET_WEI: Final = 100 * 10**18
NOBODY: Final = "0x" + "00" * 20


class Deployed(NamedTuple):
    """A contract that stands on a chain; ``code_hash`` is the keccak-256 of its runtime code in hex."""

    key: ContractKey
    code_hash: str
    block: int


def deploy(w3: Web3, profile: Profile, submitter: LocalAccount, members: Sequence[str], quorum: int) -> Deployed:
    """Deploy a contract of these members. Raises `ConfigError` for a consortium that cannot be, else `ChainError`."""
    if not 1 <= quorum <= len(members) <= 64:
        raise ConfigError("quorum and members do not fit", expected="1 ≤ quorum ≤ members ≤ 64", got=quorum)
    fund(w3, profile, submitter.address)
    artifact = load_artifact()
    factory = w3.eth.contract(abi=artifact["abi"], bytecode=artifact["bytecode"])
    ordered = sorted((to_checksum_address(one) for one in members), key=lambda one: int(one, 16))
    with asking():
        receipt = _transact(w3, profile, submitter, factory.constructor(ordered, quorum, NOBODY))
        address = str(receipt["contractAddress"])
        code = bytes(w3.eth.get_code(to_checksum_address(address)))
        chain_id = w3.eth.chain_id
    return Deployed(ContractKey(chain_id, address.lower()), keccak(code).hex(), receipt["blockNumber"])


def register_ledgers(
    w3: Web3,
    profile: Profile,
    key: ContractKey,
    submitter: LocalAccount,
    ledgers: Sequence[tuple[str, str]],
    members: Sequence[LocalAccount],
) -> list[str]:
    """Register ledgers, given as (origin, address of the head signer), signed by the members' quorum.

    Those that are registered already are passed over; answers the origins that were registered now. Raises
    `ConfigError` if one is registered with another signer, or too few of the keys are members'.
    """
    contract = w3.eth.contract(address=to_checksum_address(key.contract), abi=load_artifact()["abi"])
    fresh = _unregistered(contract, ledgers)
    if not fresh:
        return []
    fund(w3, profile, submitter.address)
    origins, signers = [origin for origin, _ in fresh], [to_checksum_address(signer) for _, signer in fresh]
    with asking():
        epoch, nonce, _ = contract.functions.governance().call()
        present, quorum = contract.functions.consortium(epoch).call()
        chosen = sorted((one for one in members if one.address in present), key=lambda one: int(one.address, 16))
        if len(chosen) < quorum:
            raise ConfigError("too few of the contract's members are here", field="member", expected=quorum,
                              got=len(chosen))  # fmt: skip
        message = register_message(key, origins, signers, nonce=nonce, epoch=epoch)
        cosignatures = [sign(one, message) for one in chosen[:quorum]]
        _transact(w3, profile, submitter, contract.functions.registerLedgers(origins, signers, cosignatures))
    return origins


def fund(w3: Web3, profile: Profile, address: str) -> None:
    """On a development chain, let the node's own account pay for an empty submitter; elsewhere do nothing."""
    if not profile.faucet:
        return
    receiver = to_checksum_address(address)
    with asking():
        if w3.eth.get_balance(receiver) > 0 or not w3.eth.accounts:
            return
        sender = w3.eth.accounts[0]
        sent = w3.eth.send_transaction({"from": sender, "to": receiver, "value": w3.to_wei(FAUCET_WEI, "wei")})
        w3.eth.wait_for_transaction_receipt(sent, timeout=WAIT_S, poll_latency=0.05)


def _unregistered(contract: Any, ledgers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    fresh = []
    for origin, signer in ledgers:
        with asking():
            present = str(contract.functions.signerOf(ledger_id(origin)).call()).lower()
        if int(present, 16) == 0:
            fresh.append((origin, signer))
        elif present != signer.lower():
            raise ConfigError(
                "the ledger is registered with another head signer", field=origin, expected=signer.lower(), got=present
            )
    return fresh


def _transact(w3: Web3, profile: Profile, account: LocalAccount, call: Any) -> Any:
    """Sign here, send, wait. Raises `ChainError` if it is mined and failed."""
    nonce = w3.eth.get_transaction_count(account.address, "pending")
    price = fees(w3, profile)
    transaction = call.build_transaction({"from": account.address, "nonce": nonce, "chainId": w3.eth.chain_id} | price)
    signed = account.sign_transaction(transaction)
    sent = w3.eth.send_raw_transaction(signed.raw_transaction)
    receipt = w3.eth.wait_for_transaction_receipt(sent, timeout=WAIT_S, poll_latency=0.1)
    if receipt["status"] != 1:
        raise ChainError("the transaction was mined and failed", got=Web3.to_hex(sent))
    return receipt
