"""What is kept of a village's entries while they are read back, for the sentences that must hold."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Final, NamedTuple

from msgspec import UnsetType

from ledger.domain.entries import Entry
from ledger.domain.events import Body
from ledger.domain.fields import KeyRef
from ledger.domain.kinds.benefits import BenefitChanged
from ledger.domain.kinds.books import RulebookAdopted
from ledger.domain.kinds.credentials import CredentialChanged
from ledger.domain.kinds.founding import RoleChanged, ref_key_id
from ledger.domain.kinds.parties import PartyChanged
from ledger.domain.kinds.points import PointsAwarded
from ledger.domain.kinds.recognition import HonourChanged
from ledger.domain.kinds.spending import PointsRedeemed
from ledger.domain.kinds.workflow import ClaimDeclared, ClaimReviewed
from ledger.domain.rules import Book
from ledger.scenarios.office import points_of

LIVES: Final = ("register", "join")
"""What says in which household a resident lives."""


class Sale(NamedTuple):
    """An exchange: whose points, and what the account held before and after it, by unit."""

    subject: str
    before: Counter[str]
    after: Counter[str]


class Claim(NamedTuple):
    """A declaration: who stands behind it, and whom it is about."""

    declarers: frozenset[str]
    subject: str


class Watch:
    """The watcher of one village.

    ``own_reviews`` counts reviews by somebody who declared the act, is its subject, or lives in that household;
    ``unreviewed`` awards without an approved declaration; ``misjudged`` awards by another version, or with other
    points, than were in force on the day of the act. ``old_acts`` are places of awards by a version that another one
    had followed. ``pacesetters`` have so many stars, ``granted`` a benefit.
    """

    def __init__(self) -> None:
        self.helpers: set[str] = set()
        self.declared = self.reviews = self.own_reviews = self.unreviewed = self.misjudged = 0
        self.books: list[tuple[str, Book]] = []
        self.old_acts: set[int] = set()
        self.sales: dict[int, Sale] = {}
        self.pacesetters: dict[str, int] = {}
        self.granted: set[str] = set()
        self._behind: dict[str, set[str]] = defaultdict(set)
        self._homes: dict[str, str] = {}
        self._claims: dict[str, Claim] = {}
        self._approved: set[str] = set()
        self._stars: dict[str, set[str]] = defaultdict(set)
        self._deciders: set[str] = set()
        self._held: dict[str, Counter[str]] = defaultdict(Counter)

    def see(self, entry: Entry) -> None:
        """The next entry."""
        body = entry.event.body
        if isinstance(body, RulebookAdopted):
            self.books.append((body.effective_on, body.book))
        elif isinstance(body, ClaimDeclared | ClaimReviewed):
            self._see_claim(entry, body)
        elif isinstance(body, PointsAwarded):
            self._see_award(entry, body)
        elif isinstance(body, HonourChanged | BenefitChanged):
            self._see_reward(entry, body)
        else:
            self._see_people(body)
        self._move(entry)

    def _see_people(self, body: Body) -> None:
        """Whose keys there are, who is behind them, who lives where."""
        if isinstance(body, PartyChanged) and body.action in LIVES and not isinstance(body.household, UnsetType):
            self._homes[body.party] = body.household
        if isinstance(body, RoleChanged | CredentialChanged) and isinstance(body.key, KeyRef):
            self._behind[ref_key_id(body.key)].add(body.party)
        if isinstance(body, RoleChanged):
            if not isinstance(body.person, UnsetType):
                self._behind[ref_key_id(body.key)].add(body.person)
            if body.role == "helper":
                self.helpers.add(body.party)
            if body.role == "decider":
                self._deciders.add(ref_key_id(body.key))

    def _signers(self, entry: Entry) -> frozenset[str]:
        """Everybody behind the signatures: parties and persons."""
        return frozenset[str]().union(*(self._behind[one.key] for one in entry.signatures))

    def _see_claim(self, entry: Entry, body: ClaimDeclared | ClaimReviewed) -> None:
        signers = self._signers(entry)
        if isinstance(body, ClaimDeclared):
            self.declared += 1
            self._claims[entry.event.id] = Claim(signers, body.subject)
            return
        claim = self._claims[body.claim]
        barred = claim.declarers | {claim.subject}
        at_home = {self._homes.get(one) for one in signers}
        self.reviews += 1
        self.own_reviews += bool(barred & signers) or claim.subject in at_home or not signers
        if body.outcome == "approve":
            self._approved.add(body.claim)

    def _see_award(self, entry: Entry, body: PointsAwarded) -> None:
        self.unreviewed += body.claim not in self._approved
        rule, day = entry.event.named_rule, entry.event.occurred_on
        book = [book for effective, book in self.books if effective <= day][-1]
        gives = next(points_of(one) for one in book.rules if one.id == rule.id)
        self.misjudged += rule.version != book.version or body.amount_units != body.quantity * gives
        if rule.version < len(self.books):
            self.old_acts.add(entry.chain.seq)

    def _see_reward(self, entry: Entry, body: HonourChanged | BenefitChanged) -> None:
        if isinstance(body, BenefitChanged):
            if body.action == "grant" and self._deciders >= {one.key for one in entry.signatures}:
                self.granted.add(body.subject)
            return
        rule = entry.event.named_rule.id
        if rule == "pacesetter":
            self.pacesetters[body.subject] = len(self._stars[body.subject])
        elif body.action == "grant":
            self._stars[body.subject].add(rule)
        else:
            self._stars[body.subject].discard(rule)

    def _move(self, entry: Entry) -> None:
        """Move the balances, and keep those around an exchange."""
        body = entry.event.body
        before = Counter(self._held[body.subject]) if isinstance(body, PointsRedeemed) else Counter[str]()
        for posting in entry.effects.postings:
            self._held[posting.account[:28]][posting.account[29:]] += posting.delta
        if isinstance(body, PointsRedeemed):
            self.sales[entry.chain.seq] = Sale(body.subject, before, Counter(self._held[body.subject]))
