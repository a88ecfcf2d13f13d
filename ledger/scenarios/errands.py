"""What a story has done beside sending events of its own, such as importing a spreadsheet, as an office would."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from ledger.client import LedgerClient
from ledger.errors import LedgerError


class Desk(Protocol):
    """What an errand asks of one ledger; answers are as `ledger.client.LedgerClient` gives them."""

    def entries(self) -> Iterator[bytes]:
        """Every entry, in order."""

    def check(self, submissions: Sequence[bytes]) -> Sequence[dict[str, Any] | LedgerError]:
        """What would become of events; none is appended."""

    def submit(self, submissions: Sequence[bytes]) -> Iterator[dict[str, Any] | LedgerError]:
        """Send events, in order."""

    def commit(self) -> None:
        """Have the state committed, so that every receipt so far is whole."""


class Errand(NamedTuple):
    """Something to do at its place in a story, when all before it is answered and nothing after it is made.

    Done again, it must change nothing, as a story may be told to a ledger that has it already.
    """

    run: Callable[[Desk], None]


class ClientDesk:
    """One ledger of a server."""

    def __init__(self, client: LedgerClient, name: str) -> None:
        self._client = client
        self._name = name

    def entries(self) -> Iterator[bytes]:
        return self._client.entries(self._name)

    def check(self, submissions: Sequence[bytes]) -> Sequence[dict[str, Any] | LedgerError]:
        return self._client.check(self._name, submissions)

    def submit(self, submissions: Sequence[bytes]) -> Iterator[dict[str, Any] | LedgerError]:
        return self._client.submit_many(self._name, submissions)

    def commit(self) -> None:
        self._client.commit_state(self._name)
