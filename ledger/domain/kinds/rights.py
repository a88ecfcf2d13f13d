"""The kind by which a person's private details are erased: `personal_data_erased`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final, Literal

from ledger.domain.events import Body, Context, Decision, Event, Facts
from ledger.domain.facts import Account, Mark
from ledger.domain.fields import Party
from ledger.domain.roles import Requirement
from ledger.errors import RefusalError

ERASED_PREFIX: Final = "mark:erased/"


class PersonalDataErased(Body, frozen=True):
    """Every private detail about ``subject`` in the entries before this one is erased, by destroying its key.

    Whoever the log knows can be the subject, moved away, deceased or a poster without a name. What stays is the
    pseudonym, kinds, amounts, and receipts already handed out. Details recorded later have a new key, and the erasure
    may come again.
    """

    kind: ClassVar[str] = "personal_data_erased"
    title: ClassVar[str] = "删除"
    privacy: ClassVar[str] = "P2"

    basis: Literal["request", "retention", "withdrawn_consent", "error"]
    subject: Party

    def parties(self) -> list[str]:
        return [self.subject]

    def requirements(self) -> tuple[Requirement, ...]:
        return (Requirement(("data_officer",)),)

    def needs(self, event: Event, keys: Sequence[str], today: str) -> list[str]:
        return [f"account:{self.subject}", erased_key(self.subject)]

    def decide(self, event: Event, facts: Facts, context: Context) -> Decision:
        if not isinstance(facts[f"account:{self.subject}"], Account):
            raise RefusalError(
                "no entry concerns this party",
                code="unknown_party",
                field="body.subject",
                expected="a party that the log knows",
                got=self.subject,
            )
        return Decision([], {erased_key(self.subject): Mark(context.seq)})


def erased_key(subject: str) -> str:
    """The fact key of the mark of a party's newest erasure."""
    return f"{ERASED_PREFIX}{subject}"
