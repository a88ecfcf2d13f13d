"""Reaching a node by web3: sessions, fees, and the one place where library errors become ours."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from web3 import HTTPProvider, Web3
from web3.exceptions import ContractLogicError
from web3.middleware import ExtraDataToPOAMiddleware

from anchor.artifact import custom_errors
from anchor.profiles import Profile
from ledger.errors import ChainError, LedgerError

TIMEOUT_S: Final = 20
TIP_MAX_WEI: Final = 10**9


class Reverted(ChainError):
    """The contract says no: ``name`` and ``arguments`` are those of its error, empty if the node did not tell."""

    def __init__(self, message: str, *, name: str = "", arguments: dict[str, Any] | None = None) -> None:
        super().__init__(message, code="reverted", got=name or None)
        self.name = name
        self.arguments = arguments or {}


def connect(rpc: str, profile: Profile) -> Web3:
    """A session with a node; nothing is asked yet. A request is not repeated: the next round is soon enough."""
    provider = HTTPProvider(rpc, request_kwargs={"timeout": TIMEOUT_S}, exception_retry_configuration=None)
    w3 = Web3(provider)
    if profile.poa_middleware:
        w3.middleware_onion.inject(ExtraDataToPOAMiddleware, layer=0)
    return w3


def fees(w3: Web3, profile: Profile) -> dict[str, int]:
    """The fee fields of a transaction that is to be mined soon: twice the base fee leaves room for its rise."""
    if profile.legacy_tx:
        return {"gasPrice": w3.eth.gas_price if profile.gas_price is None else profile.gas_price}
    base = w3.eth.get_block("latest").get("baseFeePerGas", 0)
    tip = min(TIP_MAX_WEI, base)
    return {"maxFeePerGas": 2 * base + tip, "maxPriorityFeePerGas": tip}


@contextmanager
def asking() -> Iterator[None]:
    """Everything that web3, its transport or the in-process chain raises becomes `ChainError` or `Reverted`."""
    try:
        yield
    except LedgerError:
        raise
    except (
        Exception
    ) as error:  # web3 lets through its own errors, those of requests, and whatever nonsense breaks in it
        raise _translate(error) from error


def _translate(error: Exception) -> ChainError:
    data = _revert_data(error)
    if data is not None:
        name, arguments = _decode(data)
        told = ", ".join(f"{key}={_shown(value)}" for key, value in arguments.items())
        return Reverted(f"the contract refused: {name}({told})" if name else "the contract refused", name=name,
                        arguments=arguments)  # fmt: skip
    return ChainError(f"the node gave no usable answer: {type(error).__name__}: {_first_line(error)}")


def _revert_data(error: Exception) -> bytes | None:
    """The bytes a call reverted with; None if it is no revert at all."""
    if isinstance(error, ContractLogicError):
        data = error.data if isinstance(error.data, str) else ""
        try:
            return bytes.fromhex(data.removeprefix("0x"))
        except ValueError:
            return b""
    if type(error).__name__ != "TransactionFailed":
        return None
    try:
        data = ast.literal_eval(str(error).removeprefix("execution reverted: "))
    except (ValueError, SyntaxError):
        return b""
    return data if isinstance(data, bytes) else b""


def _decode(data: bytes) -> tuple[str, dict[str, Any]]:
    known = custom_errors().get(data[:4])
    if known is None:
        return "", {}
    name, inputs = known
    try:
        values = decode([kind for _, kind in inputs], data[4:])
    except DecodingError:
        return name, {}
    return name, dict(zip((argument for argument, _ in inputs), values, strict=True))


def _shown(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:300]
