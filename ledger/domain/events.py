"""Events and entries as types (formats §3, §4): the parts that are the same for every kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from ledger.core.signature import MAX_SIGNATURES
from ledger.core.types import DIGEST_HEX_PATTERN, MAX_INT, Digest
from ledger.domain.facts import Fact, Key
from ledger.domain.fields import (
    Account,
    Act,
    Base64Of32,
    Count,
    Delta,
    EventRef,
    Moment,
    Name,
    OwnDay,
    OwnId,
    Party,
    RuleRef,
    Strict,
)
from ledger.domain.roles import Requirement, Signer

EVENT_MAX_BYTES: Final = 32_000
ENTRY_MAX_BYTES: Final = 60_000
PARTIES_MAX: Final = 100
SIGNATURES_MAX: Final = MAX_SIGNATURES

Facts = Mapping[str, Fact | None]
"""Every fact that a kind's ``needs`` named: its value, or None where there is none."""


class Device(Strict, frozen=True):
    """Where and when an event was captured before it was synced; ``captured_at`` in ms since 1970 UTC."""

    id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$(?!\n)", max_length=64)]
    seq: Count
    captured_at: Moment


class Context(Struct, frozen=True, gc=False):
    """What the ledger adds to an event when it decides it."""

    seq: int
    at_ms: int
    today: str
    signers: Sequence[Signer]
    map_root: Digest | None = None


class Decision(Struct, frozen=True, gc=False):
    """What an event does: ``postings`` as (account, delta in hundredths), sorted; new values of facts."""

    postings: list[tuple[str, int]]
    changes: dict[str, Fact]


class Body(Strict, frozen=True):
    """Base of the bodies of all kinds; a kind is a subclass.

    ``private`` names the disclosures a kind may carry with their types (``text``, ``integer``, ``digest``).
    """

    kind: ClassVar[str]
    title: ClassVar[str]
    privacy: ClassVar[str]
    private: ClassVar[Mapping[str, str]] = {}
    takes_rule: ClassVar[bool] = False
    takes_reverses: ClassVar[bool] = False
    reversible: ClassVar[bool] = False

    def parties(self) -> list[str]:
        """Every party the event is about, sorted, without repeats (formats §3)."""
        return []

    def holder(self) -> str | None:
        """The party that the event's disclosures are about, or None where the kind carries none."""
        return None

    def decides_about(self) -> Sequence[str]:
        """Whom the event decides about: neither they nor the members of such a household sign it (`own_case`)."""
        return ()

    def bearer(self) -> str | UnsetType:
        """The party whose account may be negative in this event, because it issues points."""
        issuer: str | UnsetType = getattr(self, "issuer", UNSET)
        return issuer

    def own_keys(self, event: Event, seq: int) -> Mapping[str, Key] | None:
        """Keys that the event brings itself, by fact key, for an entry ``seq``; None where the log must know them."""
        return None

    def counted(self, event: Event) -> Act | UnsetType:
        """What the event counts against, so that a reversal can give it back."""
        return UNSET

    def requirements(self) -> tuple[Requirement, ...]:
        """Which roles must have signed, as far as kind and body tell."""
        raise NotImplementedError  # pragma: no cover - every kind defines it; a test walks all kinds

    def needs(self, event: Event, keys: Sequence[str], today: str) -> list[str]:
        """The keys of the facts that `decide` reads, beyond the signers' keys and the parties' accounts. Never raises.

        ``keys`` are the ids of the signers' keys, ``today`` the day of the ledger's clock.
        """
        return []

    def decide(self, event: Event, facts: Facts, context: Context) -> Decision:
        """The event's effects. Raises `RefusalError` if the facts do not allow it."""
        return Decision([], {})

    def check_postings(self, postings: list[tuple[str, int]]) -> bool:
        """Whether postings are what kind and body allow without knowing any state (formats §9, step effects)."""
        return not postings


class Event(Strict, frozen=True, tag_field="kind"):
    """What somebody signs (formats §3). Each kind has a subclass with its own ``body`` (`ledger.domain.entries`)."""

    v: Literal[1]
    ledger: Annotated[str, Meta(max_length=128)]
    id: OwnId
    occurred_on: OwnDay
    actor: Party
    rule: RuleRef | UnsetType = UNSET
    private: Annotated[dict[Name, Base64Of32], Meta(min_length=1, max_length=16)] | UnsetType = UNSET
    causes: Annotated[list[EventRef], Meta(min_length=1, max_length=8)] | UnsetType = UNSET
    reverses: EventRef | UnsetType = UNSET
    device: Device | UnsetType = UNSET

    body: ClassVar[Body]

    @property
    def named_rule(self) -> RuleRef:
        """The rule of a kind that takes one; `ledger.domain.judge` checks that it is there."""
        assert not isinstance(self.rule, UnsetType), "judging checked that the event names its rule"
        return self.rule


class Signature(Strict, frozen=True):
    """One signature over an event: key id in hex, 64 bytes in base64url.

    The key id is held against the keys of the log, the signature is read strictly when it is verified.
    """

    key: Annotated[str, Meta(min_length=64, max_length=64)]
    suite: Literal["ed25519"]
    sig: Annotated[str, Meta(min_length=86, max_length=86)]


class Chain(Strict, frozen=True):
    """The place of an entry: its seq, the leaf hash of the entry before, the ledger's clock in ms since 1970 UTC."""

    seq: Annotated[int, Meta(ge=0, le=MAX_INT)]
    prev: Annotated[str, Meta(min_length=64, max_length=64, extra_json_schema={"pattern": DIGEST_HEX_PATTERN})]
    at: Moment


class Posting(Strict, frozen=True):
    """One side of a movement: account ``<party>/<unit>``, delta in hundredths, never 0."""

    account: Annotated[str, Meta(max_length=34)]
    delta: Delta


class Undo(Posting, frozen=True):
    """A posting in a body, where nothing else says which accounts there are."""

    account: Account


class Effects(Strict, frozen=True):
    """Whom an entry concerns and what it moves; both sorted, without repeats.

    Whoever reads them holds them against what the event itself says, so texts need no pattern here.
    """

    parties: Annotated[list[Annotated[str, Meta(max_length=28)]], Meta(max_length=PARTIES_MAX)]
    postings: Annotated[list[Posting], Meta(max_length=4 * PARTIES_MAX)]


def transfer(giver: str, taker: str, unit: str, units: int) -> list[tuple[str, int]]:
    """Points of one unit from one party to another, as sorted postings."""
    return sorted([(f"{giver}/{unit}", -units), (f"{taker}/{unit}", units)])


def pairs(postings: Sequence[Posting]) -> list[tuple[str, int]]:
    """Postings as (account, delta)."""
    return [(posting.account, posting.delta) for posting in postings]
