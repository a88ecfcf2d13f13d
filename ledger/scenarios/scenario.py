"""What a scenario is: its ledgers with their stories, the figures it lands on, and the sentences that must hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol

from ledger.core.types import short_name
from ledger.domain.entries import Entry
from ledger.scenarios.actors import Actor
from ledger.scenarios.drive import Answered
from ledger.scenarios.errands import Errand
from ledger.scenarios.scribe import Signed

if TYPE_CHECKING:
    from ledger.scenarios.reading import Found

Answers = Mapping[str, Answered]
"""What became of the marked events so far, by mark; of several with one mark, the last."""
Told = Iterator[Signed | Errand | None]
"""Submissions in order, made while they are asked for. None: nothing after it is made before all answers are there.

Errands are done in their place (`ledger.scenarios.errands`).
"""


class Chronicle(NamedTuple):
    """One ledger of a scenario. ``roots`` sign entry 0, all of them; the ledger itself is made by the server.

    ``tell`` begins the story anew at each call. It may look up the answers to marked events, such as a place in the
    log that a later event names.
    """

    origin: str
    profile: str
    roots: list[Actor]
    tell: Callable[[Answers], Told]

    @property
    def name(self) -> str:
        """The ledger's short name, under which the server has it."""
        return short_name(self.origin)

    def submissions(self) -> list[Signed]:
        """The whole story at once, for stories that are short and look up no answer."""
        return [signed for signed in self.tell({}) if isinstance(signed, Signed)]


class Watcher(Protocol):
    """Sees every entry of one ledger, in order, while it is read back; what it keeps is for the musts."""

    def see(self, entry: Entry) -> None:
        """The next entry."""


class Blind:
    """A `Watcher` that keeps nothing."""

    def see(self, entry: Entry) -> None:
        """Nothing is kept."""


class Must(NamedTuple):
    """A sentence that must hold after the run. ``holds`` is None where it needs a part that is not built yet.

    It answers None where the run was not asked for what the sentence is about, such as anchors without a chain.
    """

    says: str
    holds: Callable[[Found], bool | None] | None = None


class Scenario(NamedTuple):
    """A scenario, ready to be driven.

    ``lands`` are figures of the report (`ledger.scenarios.report`) that must come out exactly; ``further`` gives more
    figures, and those that this system counts in another way than the report does.
    """

    name: str
    seed: int
    scale: float
    chronicles: list[Chronicle]
    musts: list[Must]
    lands: Mapping[str, int]
    watch: Callable[[Chronicle], Watcher] = lambda _: Blind()
    further: Callable[[Found], Mapping[str, int]] = lambda _: {}
