"""A server that answers with a ledger in memory, for reading scenarios back without a process."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx

PAGE = 100
Change = Callable[[dict[str, int]], None]


class Server:
    """Answers with the entries of a ledger in memory, and with balances that a test may change."""

    def __init__(self, entries: list[bytes], change: Change = lambda _: None, anchors: int = 0) -> None:
        self.entries = entries
        self.anchors = anchors
        self.balances: dict[str, int] = {}
        for entry in map(json.loads, entries):
            for posting in entry["effects"]["postings"]:
                account = posting["account"]
                self.balances[account] = self.balances.get(account, 0) + posting["delta"]
        change(self.balances)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.split("/", 4)[4]
        if path.startswith("entries/"):
            return httpx.Response(200, content=self.entries[int(path.removeprefix("entries/"))])
        if path == "entries":
            return self.page(int(request.url.params["first"]))
        if path == "anchors":
            chain = {"chain_id": 1, "contract": "0x", "state": "final"}
            found = [{**chain, "batch": batch, "size": 1} for batch in range(self.anchors)]
            return httpx.Response(200, json={"anchors": [*found, {**chain, "batch": 99, "state": "sent"}]})
        party = path.removeprefix("accounts/")
        held = {unit: self.balances.get(f"{party}/{unit}", 0) for unit in ("merit", "spend")}
        return httpx.Response(200, json={"balances": held})

    def page(self, first: int) -> httpx.Response:
        until = min(first + PAGE, len(self.entries))
        more = {"next": until} if until < len(self.entries) else {}
        entries = b",".join(self.entries[first:until])
        return httpx.Response(200, content=b'{"first":%d,"entries":[%b]%b}' % (first, entries, _next(more)))


def _next(more: dict[str, int]) -> bytes:
    return b"".join(b',"%b":%d' % (name.encode(), value) for name, value in more.items())
