"""The JSON-RPC reader against a small contract in memory, and against nodes that misbehave."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from ledger.rpc import RESPONSE_MAX_BYTES, SELECTORS, Node, RpcReader, find_anchor, keccak_256
from ledger.verify import TrustedChain
from ledger.verify.chain import Answer, Question, Silence
from tests.helpers.fake_chain import FakeChain
from tests.helpers.receipts import sample

ABI = Path(__file__).parents[2] / "contracts" / "abi" / "LedgerAnchor.json"
URL = "http://node.example:8545"
CODE = b"\x60\x00"
Json = dict[str, Any]


def word(value: int | bytes) -> str:
    return (value.to_bytes(32, "big") if isinstance(value, int) else value).hex()


class FakeNode:
    """Answers JSON-RPC as a node with the contract of a `FakeChain` would; ``edit`` alters each result."""

    def __init__(self, chain: FakeChain, edit: Callable[[str, Any], Any] = lambda _, result: result) -> None:
        self.chain = chain
        self.edit = edit
        self.code = CODE
        self.calls = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        call = json.loads(request.content)
        self.calls += 1
        result = self.edit(call["method"], getattr(self, call["method"])(*call["params"]))
        return httpx.Response(200, json={"jsonrpc": "2.0", "id": call["id"], "result": result})

    def eth_chainId(self) -> str:  # noqa: N802
        return hex(self.chain.chain_id)

    def eth_blockNumber(self) -> str:  # noqa: N802
        return hex(self.chain.latest)

    def eth_getCode(self, address: str, block: str) -> str:  # noqa: N802
        assert block == "latest"
        return "0x" + (self.code.hex() if address == self.chain.contract else "")

    def eth_getBlockByNumber(self, block: str, full: bool) -> Json | None:  # noqa: N802
        assert full is False
        number = int(block, 16)
        if number > self.chain.latest:
            return None
        return {"number": block, "transactions": [self.chain.transaction(number).upper().replace("X", "x")]}

    def eth_call(self, call: Json, block: str) -> str:
        assert (call["to"], block) == (self.chain.contract, "latest")
        selector, arguments = call["data"][2:10], bytes.fromhex(call["data"][10:])
        name = next(name for name, known in SELECTORS.items() if known == selector).partition("(")[0]
        return "0x" + "".join(word(value) for value in getattr(self, name)(arguments))

    def head(self, data: bytes) -> list[int | bytes]:
        anchors = self.chain.anchors.get(data, [])  # type: ignore[call-overload]
        if not anchors:
            return [0, bytes(32), 0, 0]
        return [anchors[-1].size, anchors[-1].root, anchors[-1].batch, len(anchors)]

    def anchorAt(self, data: bytes) -> list[int | bytes]:  # noqa: N802
        record = self.chain.anchors[data[:32]][int.from_bytes(data[32:], "big")]  # type: ignore[index]
        return [record.size, record.root, record.batch, record.time_s, record.block]

    def lastBatch(self, data: bytes) -> list[int | bytes]:  # noqa: N802
        return [len(self.chain.batches), self.chain.batches[-1].hash]

    def batch(self, data: bytes) -> list[int | bytes]:
        return list(self.chain.batches[int.from_bytes(data, "big") - 1])


def reader(answer: Callable[[httpx.Request], httpx.Response]) -> RpcReader:
    return RpcReader(client=httpx.Client(transport=httpx.MockTransport(answer)))


def trusted(*urls: str) -> TrustedChain:
    chain = sample().chain
    return TrustedChain(id=chain.chain_id, contract=chain.contract, rpc=list(urls or (URL,)))


def question(size: int | None = None, batch: int = 2, block: int = 102) -> Question:
    s = sample()
    return Question(s.ledger.id, size or s.size, batch, block)


def test_selectors_are_those_of_the_committed_abi() -> None:
    functions = {
        f"{item['name']}({','.join(value['type'] for value in item['inputs'])})": item["outputs"]
        for item in json.loads(ABI.read_text())["abi"]
        if item["type"] == "function"
    }
    for signature, selector in SELECTORS.items():
        assert selector == keccak_256(signature.encode()).hex()[:8]
        assert all(value["type"] in {"uint64", "uint256", "bytes32"} for value in functions[signature])
    words = {signature: len(functions[signature]) for signature in SELECTORS}
    assert words == {"head(bytes32)": 4, "anchorAt(bytes32,uint256)": 5, "lastBatch()": 2, "batch(uint64)": 4}


def test_keccak_is_ethereums_and_not_sha3() -> None:
    assert keccak_256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"


def test_a_node_that_answers_gives_what_the_chain_holds() -> None:
    s = sample()
    with reader(FakeNode(s.chain)) as rpc:
        (answer,) = rpc.ask(trusted(), question())
    expected = s.chain.answer(question(), URL)
    assert answer == expected._replace(code_hash=keccak_256(CODE).hex())


def test_a_receipt_is_genuine_by_json_rpc() -> None:
    s = sample()
    trust = s.ledger.trust(chains=[s.chain], code_hash=keccak_256(CODE).hex(), rpc=[URL, URL + "/second"])
    assert s.judge(s.receipt(), trust=trust, chain=reader(FakeNode(s.chain))).verdict == "genuine"


def test_one_silent_node_leaves_the_receipt_pending() -> None:
    s = sample()
    node = FakeNode(s.chain)

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/second":
            raise httpx.ConnectTimeout("too slow", request=request)
        return node(request)

    trust = s.ledger.trust(chains=[s.chain], code_hash=keccak_256(CODE).hex(), rpc=[URL, URL + "/second"])
    report = s.judge(s.receipt(), trust=trust, chain=reader(answer))
    assert report.verdict == "pending"
    assert "/second did not answer" in report.missing[0]


def test_what_the_contract_does_not_hold_is_none_and_no_error() -> None:
    s = sample()
    rpc = reader(FakeNode(s.chain))
    (answer,) = rpc.ask(trusted(), question(size=3, batch=9, block=5000))
    assert isinstance(answer, Answer)
    assert (answer.batch, answer.anchor, answer.transactions) == (None, None, None)
    (answer,) = rpc.ask(trusted(), Question(s.ledger.origin.encode().ljust(32)[:32], 5, 0, 1))  # type: ignore[arg-type]
    assert isinstance(answer, Answer)
    assert (answer.batch, answer.anchor, answer.head.anchors) == (None, None, 0)


def test_where_no_code_stands_nothing_is_asked_of_it() -> None:
    node = FakeNode(sample().chain)
    node.code = b""
    (answer,) = reader(node).ask(trusted(), question())
    assert isinstance(answer, Answer)
    assert (answer.code_hash, answer.batch, answer.anchor) == ("", None, None)


def test_the_anchor_of_any_size_is_found_by_halving() -> None:
    chain = FakeChain()
    s = sample()
    sizes = list(range(3, 3 + 7 * 40, 7))
    for size in sizes:
        chain.anchor([(s.ledger.id, size, s.ledger.leaves[0])], others=0)  # type: ignore[list-item]
    fake = FakeNode(chain)
    node = Node(httpx.Client(transport=httpx.MockTransport(fake)), URL)
    for size in range(1, 300):
        found = find_anchor(node, chain.contract, s.ledger.id, size, len(sizes))
        assert (found.size if found else None) == (size if size in sizes else None)
    assert fake.calls <= 299 * 6


def result(method: str, value: Any) -> FakeNode:
    """A node that answers one method with another value."""
    return FakeNode(sample().chain, lambda called, answer: value if called == method else answer)


def plain(status: int = 200, **options: Any) -> Callable[[httpx.Request], httpx.Response]:
    return lambda request: httpx.Response(status, **options)


def breaks(error: type[httpx.HTTPError]) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error("x")

    return answer


def many(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, stream=Endless())


class Endless(httpx.SyncByteStream):
    """More bytes than anybody should read."""

    def __iter__(self) -> Any:
        for _ in range(RESPONSE_MAX_BYTES // 1024 + 2):
            yield b" " * 1024


SILENT: dict[str, tuple[Callable[[httpx.Request], httpx.Response], str]] = {
    "no connection": (breaks(httpx.ConnectError), "no connection"),
    "a time-out": (breaks(httpx.ReadTimeout), "ReadTimeout"),
    "an error of HTTP": (plain(503), "HTTP 503"),
    "a redirection": (plain(302, headers={"location": "http://elsewhere.example"}), "HTTP 302"),
    "no JSON": (plain(text="<html>"), "not JSON"),
    "deep JSON": (plain(content=b"[" * 100_000), "not JSON"),
    "a list": (plain(json=[]), "not an answer"),
    "another id": (plain(json={"jsonrpc": "2.0", "id": 99, "result": "0x1"}), "not an answer"),
    "an error": (plain(json={"jsonrpc": "2.0", "id": 1, "error": {"code": -32601}}), "refused"),
    "no result": (plain(json={"jsonrpc": "2.0", "id": 1}), "refused"),
    "too much": (many, "too long"),
    "a chain id in decimal": (result("eth_chainId", "31337"), "quantity"),
    "a chain id that is a number": (result("eth_chainId", 31337), "quantity"),
    "a chain id with a sign": (result("eth_chainId", "0x-1"), "quantity"),
    "a chain id that is no hex": (result("eth_chainId", "0xzz"), "quantity"),
    "a huge block number": (result("eth_blockNumber", "0x" + "f" * 64), "quantity"),
    "code that is no hex": (result("eth_getCode", "0xabc"), "not data"),
    "code that is nothing": (result("eth_getCode", None), "not data"),
    "a block of whole transactions": (result("eth_getBlockByNumber", {"transactions": [{}]}), "not a block"),
    "a block that is a text": (result("eth_getBlockByNumber", "0x1"), "not a block"),
    "no words": (result("eth_call", "0x"), "another number of words"),
    "too many words": (result("eth_call", "0x" + "00" * 32 * 9), "another number of words"),
    "numbers beyond all bounds": (result("eth_call", "0x" + "ff" * 32 * 4), "out of range"),
    "more anchors than there can be": (
        result("eth_call", "0x" + "00" * 96 + word((1 << 40) + 1)),
        "more anchors",
    ),
}


@pytest.mark.parametrize("name", SILENT)
def test_a_node_that_misbehaves_is_silent(name: str) -> None:
    node, reason = SILENT[name]
    (answer,) = reader(node).ask(trusted(), question())
    assert isinstance(answer, Silence)
    assert answer.rpc == URL
    assert reason in answer.reason


def test_an_address_that_is_no_url_is_a_silent_node() -> None:
    (answer,) = RpcReader().ask(trusted("no url"), question())
    assert isinstance(answer, Silence)
    (answer,) = RpcReader().ask(trusted("http://[::1"), question())
    assert isinstance(answer, Silence)
