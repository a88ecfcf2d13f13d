"""What an import needs to know of a ledger, folded from its entries: rule books, parties, roles, what was done before.

This is a reader's view, for telling a clerk early what is wrong. Whether an event is taken, only the ledger decides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final, NamedTuple

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from ledger.domain.facts import BookVersion
from ledger.domain.fields import ANYWHERE, RuleRef
from ledger.domain.kinds.books import BalanceCarried, RulebookAdopted
from ledger.domain.kinds.founding import LedgerCreated, RoleChanged, ref_key_id
from ledger.domain.kinds.parties import PartyChanged
from ledger.domain.kinds.points import PointsAwarded, PointsDeducted
from ledger.domain.rules import Rule
from ledger.errors import FormatError

_ENDED: Final = {"move_out": "moved_out", "death": "deceased", "merge": "merged"}


class _Chain(Struct):
    seq: int


class _Event(Struct):
    id: str
    kind: str
    occurred_on: str
    body: Raw
    rule: RuleRef | UnsetType = UNSET
    reverses: str | UnsetType = UNSET


class _Entry(Struct):
    chain: _Chain
    event: _Event


class Standing(NamedTuple):
    """A registered party: its type, status, the day it was registered, its household or group."""

    type: str
    status: str
    since: str
    household: str | None
    group: str | None


class Deed(NamedTuple):
    """What makes two awards or deductions look alike: texts stand in disclosures, which a reader does not see."""

    kind: str
    subject: str
    rule: str
    day: str
    quantity: int


class Done(NamedTuple):
    """An entry that stands: its seq, its event's id, the hundredths it is about."""

    seq: int
    id: str
    units: int


_decoder: Final = msgspec.json.Decoder(_Entry)
_decode: Final = msgspec.json.decode


class LogView:
    """The view after some entries. ``origin`` is empty before entry 0."""

    def __init__(self) -> None:
        self.origin = ""
        self.size = 0
        self.versions: list[BookVersion] = []
        self.rules: dict[tuple[int, str], Rule] = {}
        self.parties: dict[str, Standing] = {}
        self._grants: set[tuple[str, str, str]] = set()
        self._deeds: defaultdict[Deed, list[Done]] = defaultdict(list)
        self._carried: defaultdict[tuple[str, str], list[Done]] = defaultdict(list)
        self._reversed: set[str] = set()

    @classmethod
    def of(cls, entries: Iterable[bytes]) -> LogView:
        """The view after all of these. Raises `FormatError` if one is no entry."""
        view = cls()
        for data in entries:
            view.add(data)
        return view

    def add(self, data: bytes) -> None:
        """Take up the next entry."""
        try:
            entry = _decoder.decode(data)
            self._take(entry.chain.seq, entry.event)
        except msgspec.DecodeError as error:
            raise FormatError(f"the server sent something else than an entry: {error}") from error
        self.size = entry.chain.seq + 1

    def deeds(self, deed: Deed) -> list[Done]:
        """The entries that say this and were not taken back."""
        return [one for one in self._deeds.get(deed, ()) if one.id not in self._reversed]

    def carried(self, subject: str, unit: str) -> Done | None:
        """The opening balance of a party that stands."""
        return next((one for one in self._carried.get((subject, unit), ()) if one.id not in self._reversed), None)

    def issuers_of(self, key: str) -> list[str]:
        """The organisations whose points a key may give, sorted; `ANYWHERE` among them if it may give all."""
        return sorted(scope for holder, role, scope in self._grants if holder == key and role == "issuer")

    def version_on(self, day: str) -> int | None:
        """The version of the points book that was in force on a day."""
        return next((one.version for one in reversed(self.versions) if one.effective_on <= day), None)

    def rules_of(self, version: int) -> list[Rule]:
        """The rules of a version, in the order of the book."""
        return [rule for (of, _), rule in self.rules.items() if of == version]

    def _take(self, seq: int, event: _Event) -> None:
        if event.kind == PointsAwarded.kind or event.kind == PointsDeducted.kind:
            self._deed(seq, event)
        elif event.kind == PartyChanged.kind:
            self._party(event.occurred_on, _decode(event.body, type=PartyChanged))
        elif event.kind == BalanceCarried.kind:
            carried = _decode(event.body, type=BalanceCarried)
            self._carried[carried.subject, carried.unit].append(Done(seq, event.id, carried.amount_units))
        elif event.kind == RoleChanged.kind:
            self._role(_decode(event.body, type=RoleChanged))
        elif event.kind == RulebookAdopted.kind:
            self._book(seq, _decode(event.body, type=RulebookAdopted))
        elif event.kind == LedgerCreated.kind:
            self.origin = _decode(event.body, type=LedgerCreated).origin
        elif event.reverses is not UNSET:
            self._reversed.add(str(event.reverses))

    def _deed(self, seq: int, event: _Event) -> None:
        body: PointsAwarded | PointsDeducted
        if event.kind == PointsAwarded.kind:
            body = _decode(event.body, type=PointsAwarded)
        else:
            body = _decode(event.body, type=PointsDeducted)
        rule = event.rule.id if event.rule else ""
        deed = Deed(event.kind, body.subject, rule, event.occurred_on, body.quantity)
        self._deeds[deed].append(Done(seq, event.id, body.amount_units))

    def _party(self, day: str, body: PartyChanged) -> None:
        if body.action == "register":
            self.parties[body.party] = Standing(
                str(body.type), "active", day, body.household or None, body.group or None
            )
            return
        before = self.parties[body.party]
        home = body.household if body.action == "join" else None
        status = _ENDED.get(body.action, before.status)
        self.parties[body.party] = before._replace(status=status, household=home or None)
        for member in body.members or ():
            self.parties[member] = self.parties[member]._replace(household=body.other or None)

    def _role(self, body: RoleChanged) -> None:
        grant = (ref_key_id(body.key), str(body.role), body.scope)
        if body.action == "grant":
            self._grants.add(grant)
        else:
            self._grants.discard(grant)

    def _book(self, seq: int, body: RulebookAdopted) -> None:
        version = body.book.version
        self.versions.append(BookVersion(version=version, effective_on=body.effective_on, seq=seq))
        self.rules.update({(version, rule.id): rule for rule in body.book.rules})


def only_issuer(scopes: list[str]) -> str | None:
    """The one organisation among the scopes of an issuer's key, or None where it must be named."""
    return scopes[0] if len(scopes) == 1 and scopes[0] != ANYWHERE else None
