"""Reading the anchor contract over JSON-RPC, for verifiers: read-only, httpx alone, every answer bounded.

A node is asked for current state only, since not every node keeps old state; the contract itself stores its history.
Whatever a node does wrong (silence, nonsense, an error) makes it a `Silence`: a node that fails proves nothing.
"""

from __future__ import annotations

from contextlib import suppress
from types import TracebackType
from typing import Any, Final

import httpx
import msgspec
from Crypto.Hash import keccak

from ledger.core.encoding import check_nesting
from ledger.core.types import MAX_INT, Digest
from ledger.errors import ChainError, FormatError
from ledger.verify.chain import AnchorRecord, Answer, BatchRecord, ChainAnswers, HeadRecord, Question, Silence
from ledger.verify.trust import TrustedChain

TIMEOUT_S: Final = 10.0
RESPONSE_MAX_BYTES: Final = 4 << 20
"""A block of a few ten thousand transaction hashes."""
WORD: Final = 32
ANCHORS_MAX: Final = 1 << 40
"""Anchors of one ledger; a contract that claims more is not believed."""

SELECTORS: Final[dict[str, str]] = {
    "head(bytes32)": "f339e3b2",
    "anchorAt(bytes32,uint256)": "9a7ce8ee",
    "lastBatch()": "48aa4108",
    "batch(uint64)": "857553cc",
}
"""First 4 bytes of the keccak-256 of each signature; a test recomputes them and compares with the contract's ABI."""


class Node:
    """One JSON-RPC node. Every method raises `ChainError` if the node does not answer as it should."""

    def __init__(self, client: httpx.Client, url: str) -> None:
        self._client = client
        self._url = url
        self._id = 0

    def chain_id(self) -> int:
        """The id of the node's chain."""
        return _quantity(self._call("eth_chainId"))

    def latest(self) -> int:
        """The number of the newest block."""
        return _quantity(self._call("eth_blockNumber"))

    def code(self, contract: str) -> bytes:
        """The runtime code that stands at an address; empty if there is none."""
        return _data(self._call("eth_getCode", contract, "latest"))

    def transactions(self, block: int) -> tuple[str, ...] | None:
        """The hashes of the transactions in a block; None if the node has no such block."""
        found = self._call("eth_getBlockByNumber", hex(block), False)
        if found is None:
            return None
        hashes = found.get("transactions") if isinstance(found, dict) else None
        if not isinstance(hashes, list) or not all(isinstance(text, str) for text in hashes):
            raise ChainError("not a block with transaction hashes")
        return tuple(text.lower() for text in hashes)

    def words(self, contract: str, signature: str, *arguments: int | bytes, count: int) -> list[bytes]:
        """Call a view function; answers its ``count`` words of 32 bytes. Arguments are uints or bytes32."""
        data = "0x" + SELECTORS[signature] + b"".join(map(_word, arguments)).hex()
        found = _data(self._call("eth_call", {"to": contract, "data": data}, "latest"))
        if len(found) != count * WORD:
            raise ChainError(f"{signature} answered another number of words", expected=count, got=len(found) / WORD)
        return [found[start : start + WORD] for start in range(0, len(found), WORD)]

    def _call(self, method: str, *params: object) -> Any:
        self._id += 1
        request = {"jsonrpc": "2.0", "id": self._id, "method": method, "params": list(params)}
        answer = self._post(msgspec.json.encode(request))
        if not isinstance(answer, dict) or answer.get("id") != self._id:
            raise ChainError(f"{method}: not an answer to what was asked")
        if "error" in answer or "result" not in answer:
            raise ChainError(f"{method}: refused", got=repr(answer.get("error")))
        return answer["result"]

    def _post(self, body: bytes) -> Any:
        headers = {"content-type": "application/json", "accept": "application/json"}
        try:
            with self._client.stream("POST", self._url, content=body, headers=headers) as response:
                if response.status_code != httpx.codes.OK:
                    raise ChainError("the node refused", expected="HTTP 200", got=f"HTTP {response.status_code}")
                return _decoded(_bounded(response))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ChainError(f"no connection: {type(error).__name__}") from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, FormatError) as error:
            raise ChainError("the answer is not JSON") from error


class RpcReader:
    """Asks every node of a trusted chain (`ledger.verify.chain.ChainReader`). Close it, or use it in a ``with``."""

    def __init__(self, *, client: httpx.Client | None = None, timeout_s: float = TIMEOUT_S) -> None:
        self._client = client or httpx.Client(timeout=timeout_s, follow_redirects=False)

    def __enter__(self) -> RpcReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def ask(self, chain: TrustedChain, question: Question) -> ChainAnswers:
        """The answer, or the silence, of each node that the trust file lists."""
        return [self._ask(url, chain.contract, question) for url in chain.rpc]

    def _ask(self, url: str, contract: str, question: Question) -> Answer | Silence:
        node = Node(self._client, url)
        try:
            return _answer(node, url, contract, question)
        except ChainError as error:
            return Silence(url, str(error))


def find_anchor(node: Node, contract: str, ledger: Digest, size: int, count: int) -> AnchorRecord | None:
    """The anchor of a ledger at ``size`` among its ``count``, found by halving: their sizes strictly ascend."""
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        found = _anchor_at(node, contract, ledger, middle)
        if found.size == size:
            return found
        if found.size < size:
            low = middle + 1
        else:
            high = middle
    return None


def keccak_256(data: bytes) -> bytes:
    """Keccak-256 as Ethereum has it (not SHA3-256)."""
    return keccak.new(digest_bits=256, data=data).digest()


def _answer(node: Node, url: str, contract: str, question: Question) -> Answer:
    chain_id, latest = node.chain_id(), node.latest()
    code = node.code(contract)
    transactions = node.transactions(question.block)
    head, batch, anchor = HeadRecord(0, Digest(bytes(WORD)), 0, 0), None, None
    if code:
        head = _head(node, contract, question.ledger)
        batch = _batch(node, contract, question.batch)
        anchor = find_anchor(node, contract, question.ledger, question.size, head.anchors)
    code_hash = keccak_256(code).hex() if code else ""
    return Answer(url, chain_id, code_hash, latest, head, batch, anchor, transactions)


def _head(node: Node, contract: str, ledger: Digest) -> HeadRecord:
    size, root, batch, count = node.words(contract, "head(bytes32)", ledger, count=4)
    anchors = _number(count)
    if anchors > ANCHORS_MAX:
        raise ChainError("more anchors than there can be", expected=f"at most {ANCHORS_MAX}", got=anchors)
    return HeadRecord(_number(size), Digest(root), _number(batch), anchors)


def _batch(node: Node, contract: str, batch: int) -> BatchRecord | None:
    last, _ = node.words(contract, "lastBatch()", count=2)
    if not 0 < batch <= _number(last):
        return None
    root, chained, time_s, epoch = node.words(contract, "batch(uint64)", batch, count=4)
    return BatchRecord(Digest(root), Digest(chained), _number(time_s), _number(epoch))


def _anchor_at(node: Node, contract: str, ledger: Digest, place: int) -> AnchorRecord:
    size, root, batch, time_s, block = node.words(contract, "anchorAt(bytes32,uint256)", ledger, place, count=5)
    return AnchorRecord(_number(size), Digest(root), _number(batch), _number(time_s), _number(block))


def _decoded(data: bytes) -> Any:
    check_nesting(data)
    return msgspec.json.decode(data)


def _bounded(response: httpx.Response) -> bytes:
    data = bytearray()
    for part in response.iter_bytes():
        data += part
        if len(data) > RESPONSE_MAX_BYTES:
            raise ChainError("the answer is too long", expected=f"at most {RESPONSE_MAX_BYTES} bytes")
    return bytes(data)


def _word(argument: int | bytes) -> bytes:
    return argument.to_bytes(WORD, "big") if isinstance(argument, int) else argument


def _number(word: bytes) -> int:
    number = int.from_bytes(word, "big")
    if number > MAX_INT:
        raise ChainError("number out of range", expected="at most 2^53-1")
    return number


def _quantity(value: object) -> int:
    if isinstance(value, str) and value.startswith("0x") and 3 <= len(value) <= 16 and value[2:].isalnum():
        with suppress(ValueError):
            return int(value, 16)
    raise ChainError("not a quantity", expected="0x and hex", got=repr(value))


def _data(value: object) -> bytes:
    if isinstance(value, str) and value.startswith("0x"):
        with suppress(ValueError):
            return bytes.fromhex(value[2:])
    raise ChainError("not data", expected="0x and pairs of hex digits", got=repr(value))
