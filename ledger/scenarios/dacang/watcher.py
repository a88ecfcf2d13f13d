"""What is kept of every entry while the ledger is read back, for the musts and the figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

from msgspec import UNSET, UnsetType

from ledger.core.encoding import decode_base64url
from ledger.core.hashing import key_id
from ledger.domain.entries import Entry


class Award(NamedTuple):
    """An award: its place in the log, whose, the day of the act, the hundredths of merit that it gave."""

    seq: int
    subject: str
    day: str
    merit_units: int


class Left(NamedTuple):
    """Somebody left a household on a day: for ``other``, or for good."""

    party: str
    home: str
    day: str
    action: str
    other: str


class Post(NamedTuple):
    """A post. ``one_time`` is the public key of one without a name, empty otherwise; ``alone``: nothing ties it."""

    id: str
    seq: int
    type: str
    poster: str
    about: str
    to: str
    trade: str
    one_time: str
    alone: bool


class Carried(NamedTuple):
    """An opening balance as it was posted: hundredths, and the digest of the old book."""

    units: int
    digest: str


class Watcher:
    """Sees every entry. Parties are named by id, days are ISO texts.

    ``homes`` is the household that each resident lives in at the end, ``groups`` the group of each household that
    stands; ``merged`` are those that ended.
    """

    def __init__(self) -> None:
        self.log_key = ""
        self.awards: dict[str, Award] = {}
        self.reversed: set[str] = set()
        self.deducted_units = 0
        self.left: list[Left] = []
        self.homes: dict[str, str] = {}
        self.groups: dict[str, str] = {}
        self.merged: set[str] = set()
        self.carried: dict[tuple[str, str], Carried] = {}
        self.posts: dict[str, Post] = {}
        self.plates: dict[str, str] = {}
        self.erased: list[str] = []
        self.honours = 0
        self._kinds: dict[str, Callable[[Entry, Any], None]] = {
            "ledger_created": self._created,
            "party_changed": self._party,
            "points_awarded": self._award,
            "points_deducted": self._deduction,
            "balance_carried": self._carry,
            "credential_changed": self._credential,
            "civic_posted": self._post,
            "honour_changed": self._honour,
            "personal_data_erased": self._erase,
        }

    def see(self, entry: Entry) -> None:
        """The next entry."""
        found = self._kinds.get(entry.event.body.kind)
        if found is not None:
            found(entry, entry.event.body)
        if not isinstance(entry.event.reverses, UnsetType):
            self.reversed.add(entry.event.reverses)

    @property
    def standing(self) -> list[Award]:
        """The awards that were not taken back."""
        return [award for event, award in self.awards.items() if event not in self.reversed]

    @property
    def anonymous(self) -> list[Post]:
        """The posts without a name."""
        return [post for post in self.posts.values() if post.one_time]

    def answers_to(self, event: str, type_: str) -> list[Post]:
        """The posts of a type that are about another."""
        return [post for post in self.posts.values() if post.about == event and post.type == type_]

    def households(self) -> Counter[int]:
        """How many households have so many residents at the end."""
        return Counter(Counter(self.homes.values()).values())

    def _created(self, entry: Entry, body: Any) -> None:
        self.log_key = body.log_key

    def _party(self, entry: Entry, body: Any) -> None:
        day, party = entry.event.occurred_on, body.party
        if body.action == "register" and body.type == "household":
            self.groups[party] = body.group
        elif body.action == "merge":
            self.merged.add(party)
            self.groups.pop(party)
            for member in body.members or ():
                self._leave(member, party, day, body.action, body.other)
        elif body.action in ("move_out", "death"):
            self._leave(party, body.household, day, body.action, "")
        elif body.action == "join" and body.other:
            self._leave(party, body.other, day, body.action, body.household)
        elif body.household:
            self.homes[party] = body.household

    def _leave(self, party: str, home: str, day: str, action: str, other: str) -> None:
        self.left.append(Left(party, home, day, action, other))
        self.homes.pop(party)
        if other:
            self.homes[party] = other

    def _award(self, entry: Entry, body: Any) -> None:
        merit = _posted(entry, body.subject, "merit")
        self.awards[entry.event.id] = Award(entry.chain.seq, body.subject, entry.event.occurred_on, merit)

    def _deduction(self, entry: Entry, body: Any) -> None:
        self.deducted_units -= _posted(entry, body.subject, "merit")

    def _carry(self, entry: Entry, body: Any) -> None:
        self.carried[body.subject, body.unit] = Carried(_posted(entry, body.subject, body.unit), body.book_digest)

    def _credential(self, entry: Entry, body: Any) -> None:
        if body.medium != "door":
            return
        for ended in (body.replaces, body.token_digest if body.action in ("revoke", "lost") else UNSET):
            if ended:
                self.plates.pop(ended)
        if body.action in ("issue", "rotate"):
            self.plates[body.token_digest] = body.party

    def _post(self, entry: Entry, body: Any) -> None:
        event = entry.event
        one_time = body.one_time.public if body.one_time else ""
        own = key_id(decode_base64url(one_time)) if one_time else ""
        alone = (
            [signature.key for signature in entry.signatures] == [own]
            and event.actor == body.poster
            and event.device is UNSET
            and event.causes is UNSET
        )
        self.posts[event.id] = Post(
            id=event.id,
            seq=entry.chain.seq,
            type=body.type,
            poster=body.poster,
            about=body.about or "",
            to=body.to or "",
            trade=body.trade or "",
            one_time=one_time,
            alone=alone,
        )

    def _honour(self, entry: Entry, body: Any) -> None:
        self.honours += 1 if body.action == "grant" else -1

    def _erase(self, entry: Entry, body: Any) -> None:
        self.erased.append(body.subject)


def _posted(entry: Entry, party: str, unit: str) -> int:
    """What an entry posted to an account."""
    return sum(posting.delta for posting in entry.effects.postings if posting.account == f"{party}/{unit}")
