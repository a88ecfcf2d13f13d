"""What the log adds up to: the facts that deciding an event may read and change.

A fact has a key, ``<type>:<id>``, and a value of that type. Folding the log from entry 0 gives every fact; a stored
fact is only a projection. `Account`, `Key` and `Score` are also the values of the state map, in exactly these fields
(formats §7).
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import UNSET, Struct, UnsetType

from ledger.domain.fields import Act, encode
from ledger.errors import StateError


class Fact(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """Base of all facts."""


class Account(Fact, frozen=True):
    """Balances by unit (hundredths), and the binding of the exact list of entries that concern the party."""

    balances: dict[str, int]
    count: int
    head: str
    last: int
    party: str


class Grant(Fact, frozen=True):
    """A role of a key: valid for an entry s when from < s and (until absent or s < until)."""

    role: str
    scope: str
    from_: int = msgspec.field(name="from")
    until: int | UnsetType = UNSET


class Key(Fact, frozen=True):
    """A key, the one party it belongs to for ever, and its grants in order of ``from``."""

    grants: list[Grant]
    key: str
    party: str
    public: str
    suite: str


class Score(Fact, frozen=True):
    """The newest score snapshot of a party."""

    party: str
    snapshot: int


class Ledger(Fact, frozen=True):
    """What entry 0 said. ``threshold`` parties of the root authority sign an act of theirs."""

    origin: str
    party: str
    profile: str
    units: list[str]
    threshold: int


class Membership(Fact, frozen=True):
    """A stay in a household, half-open in time: [from, to)."""

    household: str
    from_: str = msgspec.field(name="from")
    to: str | UnsetType = UNSET


class PartyFact(Fact, frozen=True):
    """A registered party. ``status`` is active, moved_out, deceased or merged; ``group`` is a household's."""

    type: str
    status: str
    since: str
    memberships: list[Membership] = []
    merged_into: str | UnsetType = UNSET
    group: str | UnsetType = UNSET


class Members(Fact, frozen=True):
    """The residents who are members of a household now, sorted."""

    residents: list[str]


class Person(Fact, frozen=True):
    """The resident behind an officer's key."""

    party: str


class Credential(Fact, frozen=True):
    """A card or phone that carries a key, or a door code. ``status`` is active, revoked, lost or replaced."""

    medium: str
    party: str
    status: str
    daily_cap_units: int | UnsetType = UNSET


class BookVersion(Fact, frozen=True):
    version: int
    effective_on: str
    seq: int


class BookHistory(Fact, frozen=True):
    """The adopted versions of one rule book, oldest first."""

    versions: list[BookVersion]


class Task(Fact, frozen=True):
    """A published activity, how many places are taken, and how much of its budget is used (hundredths).

    ``claimants`` is the type of party that claims a place first; without it an award takes the place.
    """

    issuer: str
    book: str
    rule: str
    capacity: int
    taken: int
    starts_on: str
    ends_on: str
    used_units: int
    budget_units: int | UnsetType = UNSET
    claimants: str | UnsetType = UNSET


class Claim(Fact, frozen=True):
    """A declared act. ``status`` is declared, approved, rejected, returned or awarded.

    ``declarer`` is the party that declared, ``person`` the resident behind its key, or the party itself.
    """

    book: str
    declarer: str
    issuer: str
    occurred_on: str
    person: str
    quantity: int
    rule: str
    status: str
    subject: str
    version: int
    task: str | UnsetType = UNSET


class Lot(Fact, frozen=True):
    """Points of one entry (hundredths of `spend`) that lapse on ``expires_on``, as far as they are not used."""

    expires_on: str
    seq: int
    issuer: str
    units: int


class Lots(Fact, frozen=True):
    """A party's lots in the order in which they are used: by (``expires_on``, ``seq``).

    What the party has beyond them never lapses. Also what an entry drew from them, under the entry's event id.
    """

    lots: list[Lot]


class LapseNotice(Fact, frozen=True):
    """That a party was told, on ``told_on`` in entry ``seq``, of its lots of an issuer that lapse until ``due_on``.

    Lots until ``taken_until`` have lapsed since: what came later, or came back, was not told of.
    """

    told_on: str
    due_on: str
    seq: int
    taken_until: str = ""

    def tells_of(self, lot: Lot) -> bool:
        """Whether the notice was about a lot."""
        return lot.seq < self.seq and self.taken_until < lot.expires_on <= self.due_on


class Till(Fact, frozen=True):
    """What a shop took in for an issuer and what of it was settled, since the first entry (hundredths).

    ``owed_units`` is what the issuer gave back for the shop, to be netted in its next settlement; ``through_seq`` is
    the place up to which it was settled.
    """

    taken_units: int
    settled_units: int
    owed_units: int
    through_seq: int


class Figures(Fact, frozen=True):
    """What the entries of one kind, of one rule and year where it has a rule, add up to, by unit in hundredths.

    ``moved`` is what they moved, ``returned`` what reversals took back of it, ``issuer`` the issuers' balance of both.
    """

    entries: int
    reversed: int
    moved: dict[str, int]
    returned: dict[str, int]
    issuer: dict[str, int]


class Honour(Fact, frozen=True):
    """An honour by a rule's id and category, granted in entry ``seq``: it stands from ``since`` to ``valid_to``."""

    category: str
    rule: str
    seq: int
    since: str
    valid_to: str | UnsetType = UNSET


class Honours(Fact, frozen=True):
    """The honours of a party that were not withdrawn, in order of ``seq``; some may have run out."""

    honours: list[Honour]


class Benefit(Fact, frozen=True):
    """A benefit offered. ``status``, since the day ``since``, is offered, accepted, declined, granted or revoked.

    ``answered_by`` are the party that accepted it and the person behind its key.
    """

    issuer: str
    product: str
    since: str
    status: str
    subject: str
    answered_by: list[str] = []


class Tally(Fact, frozen=True):
    """A running total: of a cap's period, of a card's day."""

    units: int


class Mark(Fact, frozen=True):
    """Something that may happen once, and the entry in which it did; without ``seq`` after that was reversed."""

    seq: int | UnsetType = UNSET


class Recorded(Fact, frozen=True):
    """An entry, as later events need to see it. Read from the log itself, never stored as a fact.

    ``holder`` is the party it is about, ``issuer`` the one whose points it moves, ``act`` what it counted against.
    """

    seq: int
    kind: str
    occurred_on: str
    parties: list[str]
    postings: list[tuple[str, int]]
    reversible: bool
    holder: str | None
    issuer: str | UnsetType = UNSET
    act: Act | UnsetType = UNSET


# `Rule` joins this table in `ledger.domain.rules`, which owns it.
TYPES: Final[dict[str, type[Fact]]] = {
    "account": Account,
    "key": Key,
    "score": Score,
    "ledger": Ledger,
    "party": PartyFact,
    "credential": Credential,
    "book": BookHistory,
    "task": Task,
    "tally": Tally,
    "takings": Tally,
    "mark": Mark,
    "members": Members,
    "person": Person,
    "claim": Claim,
    "lots": Lots,
    "draw": Lots,
    "notice": LapseNotice,
    "till": Till,
    "figures": Figures,
    "honours": Honours,
    "benefit": Benefit,
}

MAP_TYPES: Final = frozenset({"account", "key", "score"})
"""The fact types that the state map holds (formats §7)."""
MAP_PREFIXES: Final = tuple(f"{kind}:" for kind in sorted(MAP_TYPES))
"""How their keys begin."""
LEDGER: Final = "ledger:"
RECORDED_PREFIX: Final = "entry:"
"""Keys with this prefix are answered from the log itself."""

_decoders: dict[str, msgspec.json.Decoder[Fact]] = {}


def stands(fact: Fact | None) -> bool:
    """Whether a mark is set, and what it marks was not reversed."""
    return isinstance(fact, Mark) and fact.seq is not UNSET


def fact_type(key: str) -> str:
    """The type part of a fact key."""
    return key.partition(":")[0]


def encode_fact(fact: Fact) -> bytes:
    """Canonical JSON of a fact; for map types, the map's value (formats §7)."""
    return encode(fact)


def decode_fact(key: str, data: bytes) -> Fact:
    """The fact stored under a key. Raises `StateError` if the projection is damaged."""
    kind = fact_type(key)
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(TYPES[kind])
    try:
        return decoder.decode(data)
    except msgspec.DecodeError as error:
        raise StateError(f"stored fact cannot be read: {error}; run `gongfen audit`", field=key) from error
