"""Kinds that set the rules and carry the old books over: `rulebook_adopted`, `balance_carried`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from ledger.domain.bookcheck import check_book
from ledger.domain.events import Body, Context, Decision, Event, Facts, transfer
from ledger.domain.facts import BookHistory, BookVersion, Fact, Key, Mark, stands
from ledger.domain.fields import Amount, Count, Day, DigestHex, Party, Positive, RuleRef, Strict, Unit
from ledger.domain.register import active_party, check_day
from ledger.domain.roles import Requirement, authorise
from ledger.domain.rules import Book, book_key, rule_key
from ledger.errors import RefusalError

VOTE: Final = (Requirement(("council",)), Requirement(("oversight",)))
"""Who signs that a book was voted."""
SIGNERS: Final = (*VOTE, Requirement(("township",), at_least=0))
REACHING_BACK: Final = (*VOTE, Requirement(("township",)))
"""Who signs where the book changes what days before the entry counted for."""


class Votes(Strict, frozen=True):
    """How the villagers' assembly voted. ``in_favour`` and ``against`` are at most ``present``."""

    eligible: Positive
    present: Count
    in_favour: Count
    against: Count


class RulebookAdopted(Body, frozen=True):
    """A whole rule book becomes law from ``effective_on`` on, by a vote with a quorum.

    Quorum: more than half of those eligible were present, and more than half of those present were in favour. Where
    ``effective_on`` lies before the day of the entry, the township signs as well.
    """

    kind: ClassVar[str] = "rulebook_adopted"
    title: ClassVar[str] = "规则表决"
    privacy: ClassVar[str] = "P0"

    book: Book
    effective_on: Day
    votes: Votes

    def requirements(self) -> tuple[Requirement, ...]:
        return SIGNERS

    def needs(self, event: Event, keys: Sequence[str], today: str) -> list[str]:
        return [book_key(self.book.book)]

    def decide(self, event: Event, facts: Facts, context: Context) -> Decision:
        self.check()
        history = facts[book_key(self.book.book)]
        versions = list(history.versions) if isinstance(history, BookHistory) else []
        if self.book.version != len(versions) + 1:
            raise RefusalError(
                "versions of a book follow one another",
                code="wrong_version",
                field="body.book.version",
                expected=str(len(versions) + 1),
                got=str(self.book.version),
            )
        if versions:
            self._check_order(versions[-1], event.occurred_on)
        if self.effective_on < context.today:
            _check_township(event, facts, context)
        versions.append(BookVersion(version=self.book.version, effective_on=self.effective_on, seq=context.seq))
        changes: dict[str, Fact] = {book_key(self.book.book): BookHistory(versions)}
        for rule in self.book.rules:
            changes[rule_key(RuleRef(book=self.book.book, version=self.book.version, id=rule.id))] = rule
        return Decision([], changes)

    def check(self) -> None:
        """What can be told without the log: a sound book, a vote with a quorum and a majority, a day.

        Raises `FormatError` or `RefusalError`.
        """
        check_book(self.book)
        self._check_votes()
        check_day(self.effective_on, "body.effective_on")

    def _check_order(self, before: BookVersion, voted_on: str) -> None:
        """A change of the rules never reaches back. The first version may: it writes down what held before the log."""
        if self.effective_on <= before.effective_on or self.effective_on < voted_on:
            raise RefusalError(
                "a new version takes effect after the one before, and not before the vote",
                code="wrong_order",
                field="body.effective_on",
                expected=f"after {before.effective_on}, not before {voted_on}",
                got=self.effective_on,
            )

    def _check_votes(self) -> None:
        votes = self.votes
        if votes.present > votes.eligible or votes.in_favour + votes.against > votes.present:
            raise RefusalError(
                "the votes do not add up",
                code="bad_votes",
                field="body.votes",
                expected="in_favour + against ≤ present ≤ eligible",
                got=f"{votes.in_favour} + {votes.against}, {votes.present}, {votes.eligible}",
            )
        if votes.present * 2 <= votes.eligible:
            raise RefusalError(
                "no quorum",
                code="no_quorum",
                field="body.votes.present",
                expected=f"more than half of {votes.eligible}",
                got=str(votes.present),
            )
        if votes.in_favour * 2 <= votes.present:
            raise RefusalError(
                "no majority",
                code="no_majority",
                field="body.votes.in_favour",
                expected=f"more than half of {votes.present}",
                got=str(votes.in_favour),
            )


def _check_township(event: Event, facts: Facts, context: Context) -> None:
    """Refuse signers of whom none is the township's beside the council and the oversight. Raises `RefusalError`."""
    keys = [key for signer in context.signers if isinstance(key := facts[f"key:{signer.key}"], Key)]
    try:
        authorise(REACHING_BACK, keys, actor=event.actor, seq=context.seq)
    except RefusalError as error:
        raise RefusalError(
            "a book that reaches back needs the township as well",
            code="not_enough_signers",
            field="signatures",
            expected="a township key, as the book takes effect before the day it is entered",
            got=f"{len(keys)} signature(s)",
        ) from error


class BalanceCarried(Body, frozen=True):
    """An opening balance from the old books, issuer → subject in ``unit``, once per party and unit.

    ``book_digest`` is the SHA-256 of the old book.
    """

    kind: ClassVar[str] = "balance_carried"
    title: ClassVar[str] = "期初结转"
    privacy: ClassVar[str] = "P2"
    private: ClassVar[dict[str, str]] = {"source": "text"}
    reversible: ClassVar[bool] = True

    amount_units: Amount
    book_digest: DigestHex
    issuer: Party
    subject: Party
    unit: Unit

    def parties(self) -> list[str]:
        return sorted({self.issuer, self.subject})

    def holder(self) -> str:
        return self.subject

    def decides_about(self) -> Sequence[str]:
        return (self.subject,)

    def requirements(self) -> tuple[Requirement, ...]:
        return (Requirement(("issuer",), scope=self.issuer), Requirement(("oversight",), scope=self.issuer))

    def needs(self, event: Event, keys: Sequence[str], today: str) -> list[str]:
        return [f"party:{self.issuer}", f"party:{self.subject}", carried_key(self.subject, self.unit)]

    def decide(self, event: Event, facts: Facts, context: Context) -> Decision:
        day, mark = event.occurred_on, carried_key(self.subject, self.unit)
        active_party(facts, self.issuer, "body.issuer", "organisation", day=day)
        active_party(facts, self.subject, "body.subject", "resident", "household", day=day)
        if stands(facts[mark]):
            raise RefusalError(
                "the opening balance of this party and unit was carried before",
                code="carried_before",
                field="body.subject",
                expected="no entry that carried it, or its reversal",
                got=self.subject,
            )
        return Decision(self._postings(), {mark: Mark(context.seq)})

    def _postings(self) -> list[tuple[str, int]]:
        return transfer(self.issuer, self.subject, self.unit, self.amount_units)

    def check_postings(self, postings: list[tuple[str, int]]) -> bool:
        return postings == self._postings()


def carried_key(subject: str, unit: str) -> str:
    """The fact key of the mark that an opening balance was carried."""
    return f"mark:carried/{subject}/{unit}"
