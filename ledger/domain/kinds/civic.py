"""The kind by which people speak up: `civic_posted`, under their own name or unlinkably under none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final, Literal

from msgspec import UNSET, UnsetType

from ledger.domain.events import Body, Context, Decision, Event, Facts
from ledger.domain.facts import RECORDED_PREFIX, Grant, Key, PartyFact, Recorded
from ledger.domain.fields import ANYWHERE, EventRef, KeyRef, Party
from ledger.domain.kinds.founding import check_fit, ref_key_id
from ledger.domain.register import active_party
from ledger.domain.roles import CARRIED_ROLES, ONE_TIME_ROLE, Requirement
from ledger.errors import RefusalError

PERSONAL: Final = ("suggestion", "listing")
"""What residents and households post, with their name or without."""
OFFICIAL_ROLES: Final = ("village", "department", "community", "council")
LISTED: Final = ("goods", "quantity", "measure")
"""Private details that only a listing has."""
MUST: Final = {
    "suggestion": set[str](),
    "reply": {"about"},
    "notice": set[str](),
    "listing": {"trade"},
    "referral": {"about", "to"},
}
MAY: Final = {
    "suggestion": {"about", "one_time"},
    "reply": {"to"},
    "notice": {"about"},
    "listing": {"about", "one_time"},
    "referral": set[str](),
}
"""For each type of post: fields that it must have, and fields that it may have besides."""


class CivicPosted(Body, frozen=True):
    """A suggestion, a listing of farm goods, or what an organisation says: a reply, a notice, a referral.

    A suggestion or listing may be without a name: ``one_time`` is then the post's own key, good for this entry alone,
    and actor and ``poster`` are one fresh party. Nothing in it, no device, no cause, no time in its id, ties it to
    another post or to a person. ``about`` is an earlier post; a referral goes ``to`` an organisation, a reply ``to``
    the poster of what it is about.
    """

    kind: ClassVar[str] = "civic_posted"
    title: ClassVar[str] = "建议/公示/农货"
    privacy: ClassVar[str] = "P2"
    private: ClassVar[dict[str, str]] = {
        "title": "text",
        "text": "text",
        "goods": "text",
        "quantity": "integer",
        "measure": "text",
    }

    poster: Party
    type: Literal["suggestion", "reply", "notice", "listing", "referral"]
    about: EventRef | UnsetType = UNSET
    one_time: KeyRef | UnsetType = UNSET
    to: Party | UnsetType = UNSET
    trade: Literal["offer", "want"] | UnsetType = UNSET

    def parties(self) -> list[str]:
        return sorted({self.poster, self.to}) if self.to else [self.poster]

    def holder(self) -> str:
        return self.poster

    def requirements(self) -> tuple[Requirement, ...]:
        if self.one_time:
            return (Requirement((ONE_TIME_ROLE,), scope=self.poster, party=self.poster, at_most=1),)
        if self.type in PERSONAL:
            return (Requirement(CARRIED_ROLES, scope=self.poster, party=self.poster),)
        return (Requirement(OFFICIAL_ROLES, scope=self.poster),)

    def own_keys(self, event: Event, seq: int) -> dict[str, Key] | None:
        """The one-time key, in force for entry ``seq`` alone (formats §7). Before entry 0 nobody posts."""
        if isinstance(self.one_time, UnsetType) or not seq:
            return None
        identifier = ref_key_id(self.one_time)
        key = Key(
            grants=[Grant(role=ONE_TIME_ROLE, scope=ANYWHERE, from_=seq - 1, until=seq + 1)],
            key=identifier,
            party=event.actor,
            public=self.one_time.public,
            suite=self.one_time.suite,
        )
        return {f"key:{identifier}": key}

    def needs(self, event: Event, keys: Sequence[str], today: str) -> list[str]:
        named = [f"party:{party}" for party in self.parties()]
        if self.one_time:
            named += [f"key:{ref_key_id(self.one_time)}", f"account:{self.poster}"]
        return [*named, f"{RECORDED_PREFIX}{self.about}"] if self.about else named

    def decide(self, event: Event, facts: Facts, context: Context) -> Decision:
        self._check_fields()
        self._check_private(event)
        if self.about:
            self._check_thread(facts[f"{RECORDED_PREFIX}{self.about}"])
        if self.type == "referral":
            active_party(facts, str(self.to), "body.to", "organisation", day=event.occurred_on)
        if self.one_time:
            self._check_unlinkable(event, facts, self.one_time)
            once = PartyFact(type="poster", status="active", since=event.occurred_on)
            return Decision([], {**(self.own_keys(event, context.seq) or {}), f"party:{self.poster}": once})
        types = ("resident", "household") if self.type in PERSONAL else ("organisation",)
        active_party(facts, self.poster, "body.poster", *types, day=event.occurred_on)
        return Decision([], {})

    def _check_fields(self) -> None:
        must, may = MUST[self.type], MAY[self.type]
        for name in ("about", "one_time", "to", "trade"):
            given = getattr(self, name) is not UNSET
            if name in must and not given:
                raise _missing(f"body.{name}", f"{name}, in a {self.type}", "nothing")
            if given and name not in must | may:
                raise _superfluous(f"body.{name}", f"no {name} in a {self.type}", name)

    def _check_private(self, event: Event) -> None:
        private = event.private or {}
        listing = self.type == "listing"
        if (needed := "goods" if listing else "text") not in private:
            raise _missing(f"private.{needed}", f"{needed}, in a {self.type}", ", ".join(private) or "nothing")
        for name in LISTED:
            if name in private and not listing:
                raise _superfluous(f"private.{name}", "a listing", self.type)

    def _check_thread(self, about: object) -> None:
        if not isinstance(about, Recorded) or about.kind != self.kind:
            raise RefusalError(
                "no such post",
                code="unknown_entry",
                field="body.about",
                expected=f"the id of an earlier {self.kind}",
                got=about.kind if isinstance(about, Recorded) else self.about,
            )
        if self.type == "reply" and self.to and self.to != about.holder:
            raise RefusalError(
                "a reply goes to whom it answers",
                code="wrong_target",
                field="body.to",
                expected=about.holder,
                got=self.to,
            )

    def _check_unlinkable(self, event: Event, facts: Facts, one_time: KeyRef) -> None:
        """Refuse an anonymous post with anything in it that was seen before, or will be again."""
        check_fit(one_time, "body.one_time")
        identifier = ref_key_id(one_time)
        if facts[f"key:{identifier}"] is not None:
            raise RefusalError(
                "this key was used before",
                code="key_taken",
                field="body.one_time",
                expected="a new key for every post",
                got=identifier,
            )
        if facts[f"party:{self.poster}"] is not None or facts[f"account:{self.poster}"] is not None:
            raise RefusalError(
                "the log knows this party",
                code="party_exists",
                field="body.poster",
                expected="a new random party for every post",
                got=self.poster,
            )
        # a UUID of version 7 holds the time at which the poster's device made it
        for field, linked in (("device", event.device), ("causes", event.causes), ("id", event.id[14] == "7")):
            if linked:
                raise RefusalError(
                    "this would tie an anonymous post to somebody's other acts",
                    code="linked",
                    field=field,
                    expected="a random UUID, version 4" if field == "id" else "nothing",
                    got=event.id if field == "id" else field,
                )


def _missing(field: str, expected: str, got: str) -> RefusalError:
    return RefusalError("the post lacks something", code="missing_field", field=field, expected=expected, got=got)


def _superfluous(field: str, expected: str, got: str) -> RefusalError:
    return RefusalError(
        "the post has something of another type of post",
        code="superfluous_field",
        field=field,
        expected=expected,
        got=got,
    )
