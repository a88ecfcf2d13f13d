"""An in-memory village for tests of the domain: parties with keys, signed events, a ledger driven by `Planner`.

    village = Village.founded()
    village.must(village.award("zhang", "volunteer"))
    error = village.refusal(village.redeem("zhang", 999_999))

The planner is given exactly the facts that `needs` named, so a fact that a kind reads without naming it is a `KeyError`
here. Everything is deterministic: keys and ids come from names and counters. Nothing here is secret.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from typing import Any, NamedTuple

from nacl.signing import SigningKey

from ledger.core import ed25519, statemap
from ledger.core.encoding import canonical, encode_base64url
from ledger.core.hashing import key_id
from ledger.core.note import VerifierKey
from ledger.core.signature import sign_event_bytes
from ledger.core.types import party_of
from ledger.domain.append import EMPTY, Appended, Candidate, Head, Known, Outcome, Planner
from ledger.domain.entries import check_submitted, event_bytes, parse_entry, parse_submission
from ledger.domain.facts import MAP_TYPES, RECORDED_PREFIX, Fact, encode_fact, fact_type
from ledger.domain.fields import DAY_MS, day_of
from ledger.domain.judge import needs
from ledger.domain.state import map_key, record_of
from ledger.errors import LedgerError
from tests.helpers.village_rules import BOOK, RULES

ORIGIN = "gongfen.example/foshan-village"
NOON_MS = 1_637_380_800_000
"""2021-11-20 12:00 in Shanghai."""
TODAY = day_of(NOON_MS)
VOTES = {"eligible": 10, "present": 8, "in_favour": 7, "against": 1}
OFFICERS = ("clerk", "clerk two", "issuer", "oversight", "reviewer", "council", "village", "finance")
Event = dict[str, Any]


class Person(NamedTuple):
    """A party and one of its keys."""

    party: str
    seed: bytes
    public: str
    key: str

    def ref(self) -> dict[str, str]:
        """The key as bodies name it."""
        return {"public": self.public, "suite": "ed25519"}

    def holder(self) -> dict[str, str]:
        """Party and key as entry 0 lists them."""
        return {"party": self.party, **self.ref()}


@cache
def person(name: str) -> Person:
    """The party called ``name``; ``zhang/card`` is another key of the party ``zhang``."""
    seed = sha256(b"seed of " + name.encode()).digest()
    raw = ed25519.public_key(seed)
    party = party_of(sha256(name.partition("/")[0].encode()).digest()[:16])
    return Person(party, seed, encode_base64url(raw), key_id(raw))


@cache
def _signing_key(seed: bytes) -> SigningKey:
    return SigningKey(seed)


def sign(event: Event, *signers: str, disclosures: Sequence[str] = ()) -> bytes:
    """A submission: the event signed by the named keys, the first of them first."""
    data = canonical(event)
    people = [person(name) for name in signers]
    signatures = [
        {"key": p.key, "suite": "ed25519", "sig": encode_base64url(_sign(data, p.seed))}
        for p in [people[0], *sorted(people[1:], key=lambda one: one.key)]
    ]
    return canonical({"event": event, "signatures": signatures, "disclosures": list(disclosures)})


def _sign(data: bytes, seed: bytes) -> bytes:
    return sign_event_bytes(data, _signing_key(seed))  # type: ignore[arg-type]


class Village:
    """A ledger in memory. ``facts`` are what a store would hold, ``entries`` the bytes by seq.

    ``version`` is that of the book which events name unless they say otherwise.
    """

    def __init__(self) -> None:
        self.entries: list[bytes] = []
        self.facts: dict[str, Fact] = {}
        self.known: dict[str, Known] = {}
        self.head: Head = EMPTY
        self.now_ms = NOON_MS
        self.count = 0
        self.version = 1

    @classmethod
    def founded(cls) -> Village:
        """Officers, the issuing organisation ``coop``, two shops, residents and a household with keys, a rule book."""
        return copy.deepcopy(_founded())

    # Submitting ---------------------------------------------------------------------------------------------------

    def submit(self, *submissions: bytes, root: bytes | None = None, verified: bool = False) -> list[Outcome]:
        """Plan one group and take up what was accepted."""
        candidates = []
        for data in submissions:
            read = parse_submission(data)
            event_data = event_bytes(read.event)
            check_submitted(event_data)
            candidates.append(Candidate(read.event, event_data, read.signatures, verified))
        today = day_of(max(self.now_ms, self.head.at_ms))
        named = [
            key
            for one in candidates
            for key in needs(one.event, [signature.key for signature in one.signatures], today)
        ]
        known = {one.event.id: self.known[one.event.id] for one in candidates if one.event.id in self.known}
        planner = Planner(self.head, {key: self.fact(key) for key in named}, known, now_ms=self.now_ms)
        plan = planner.plan(candidates, map_root=root)  # type: ignore[arg-type]
        self.head = plan.head
        self.facts.update(plan.changes)
        for one, outcome in zip(candidates, plan.outcomes, strict=True):
            if isinstance(outcome, Appended):
                self.entries.append(outcome.data)
                self.known[one.event.id] = Known(outcome.seq, outcome.leaf, outcome.at_ms, one.event_data)
        return plan.outcomes

    def fact(self, key: str) -> Fact | None:
        """A fact as a store would answer it."""
        if not key.startswith(RECORDED_PREFIX):
            return self.facts.get(key)
        known = self.known.get(key.removeprefix(RECORDED_PREFIX))
        return record_of(parse_entry(self.entries[known.seq])) if known else None

    def must(self, submission: bytes) -> Appended:
        """Append; raises what refuses it."""
        outcome = self.submit(submission)[0]
        if isinstance(outcome, LedgerError):
            raise outcome
        assert isinstance(outcome, Appended), outcome
        return outcome

    def refusal(self, submission: bytes) -> LedgerError:
        """The refusal of a submission, which leaves no trace."""
        before = (self.head, dict(self.facts), list(self.entries))
        outcome = self.submit(submission)[0]
        assert isinstance(outcome, LedgerError), outcome
        assert before == (self.head, self.facts, self.entries), "a refused event left a trace"
        return outcome

    def commit(self) -> Appended:
        """The ledger commits its state."""
        root = self.map_root()
        event = self.event("state_committed", "ledger", {"root": root.hex(), "size": self.head.size})
        outcome = self.submit(sign(event, "ledger"), root=root)[0]
        assert isinstance(outcome, Appended), outcome
        return outcome

    def map_root(self) -> bytes:
        """The root of the state map, the slow and plain way."""
        return statemap.root_of(
            {map_key(key): encode_fact(fact) for key, fact in self.facts.items() if fact_type(key) in MAP_TYPES}
        )

    def balance(self, name: str, unit: str = "spend") -> int:
        """What a party has, in hundredths."""
        fact: Any = self.facts.get(f"account:{person(name).party}")
        return fact.balances[unit] if fact else 0

    def tomorrow(self) -> None:
        """A day passes."""
        self.now_ms += DAY_MS

    # Events -------------------------------------------------------------------------------------------------------

    def event(self, kind: str, actor: str, body: Event, **fields: Any) -> Event:
        """An event with a fresh id; ``day`` is its `occurred_on`."""
        self.count += 1
        return {
            "v": 1,
            "ledger": ORIGIN,
            "id": f"00000000-0000-4000-8000-{self.count:012x}",
            "kind": kind,
            "occurred_on": fields.pop("day", day_of(self.now_ms)),
            "actor": person(actor).party,
            "body": body,
            **fields,
        }

    def make(self, kind: str, body: Event, *signers: str, **fields: Any) -> bytes:
        """A signed event; the first signer is its actor."""
        return sign(self.event(kind, signers[0], body, **fields), *signers)

    def found(self, **changes: Any) -> bytes:
        """Entry 0: two township keys, of which one may act, and the ledger's own."""
        signers = changes.pop("signers", ("mayor", "deputy", "ledger"))
        return self.make("ledger_created", founding_body(**changes), *signers)

    def role(self, name: str, role: str, *signers: str, action: str = "grant", scope: str = "*", **more: Any) -> bytes:
        """Grant or revoke a role of a key; ``person`` is the name of the resident behind it."""
        one = person(name)
        body = {
            "action": action,
            "party": more.pop("party", one.party),
            "role": role,
            "scope": scope,
            "key": more.pop("key", one.ref()),
            **({"person": person(more.pop("person")).party} if "person" in more else {}),
        }
        return self.make("role_changed", body, *(signers or ("mayor",)), **more)

    def party(self, action: str, name: str, *, signers: Sequence[str] = ("clerk", "clerk two"), **body: Any) -> bytes:
        """`party_changed`; ``household``, ``other`` and ``group`` are names, ``day`` is `occurred_on`.

        The household that is left and the members that a merge moves are those of now; None leaves a field out.
        """
        fields = {"day": body.pop("day")} if "day" in body else {}
        body |= {key: person(body[key]).party for key in ("household", "other", "group") if body.get(key)}
        whole = {"action": action, "party": person(name).party, **self._standing(action, name), **body}
        stated = {key: value for key, value in whole.items() if value is not None}
        return self.make("party_changed", stated, *signers, **fields)

    def _standing(self, action: str, name: str) -> Event:
        """What a change must state of the household that a party is in, or that it is."""
        fact: Any = self.facts.get(f"party:{person(name).party}")
        left = {"join": "other", "move_out": "household", "death": "household"}.get(action)
        if left and fact and fact.memberships and not fact.memberships[-1].to:
            return {left: fact.memberships[-1].household}
        members: Any = self.facts.get(f"members:{person(name).party}")
        return {"members": members.residents} if action == "merge" and members and members.residents else {}

    def card(self, name: str, *, action: str = "issue", medium: str = "card", cap: int | None = 500) -> bytes:
        """`credential_changed` for the key ``name``, such as ``zhang/card``."""
        one = person(name)
        body: Event = {"action": action, "party": one.party, "medium": medium, "key": one.ref()}
        if cap and action == "issue" and medium == "card":
            body["daily_cap_units"] = cap
        return self.make("credential_changed", body, *(("clerk", "clerk two") if medium == "phone" else ("clerk",)))

    def adopt(self, book: Event, effective_on: str, **changes: Any) -> bytes:
        """`rulebook_adopted`; the mayor signs where it reaches back. ``votes``, ``signers`` and fields may be given."""
        votes = VOTES | changes.pop("votes", {})
        body = {"book": book, "effective_on": effective_on, "votes": votes}
        reaches_back = effective_on < day_of(max(self.now_ms, self.head.at_ms))
        signers = changes.pop("signers", ("council", "oversight", *(("mayor",) if reaches_back else ())))
        return self.make("rulebook_adopted", body, *signers, **changes)

    def task(self, rule: str = "volunteer", **body: Any) -> bytes:
        """`task_published` by the cooperative."""
        fields = {"day": body.pop("day")} if "day" in body else {}
        whole = {
            "capacity": 1,
            "starts_on": "2021-11-01",
            "ends_on": "2021-12-31",
            "issuer": person("coop").party,
            **body,
        }
        return self.make("task_published", whole, "village", rule=rule_ref(rule, self.version), **fields)

    def award(self, subject: str, rule: str, quantity: int = 1, **more: Any) -> bytes:
        """`points_awarded` by the rule of the village's book; ``body`` changes the body, ``version`` the book's."""
        signers = more.pop("signers", ("issuer",))
        known = RULES.get(rule, RULES["volunteer"])
        body = {
            "amount_units": quantity * int(known.get("points_units", 1)),
            "issuer": person("coop").party,
            "quantity": quantity,
            "subject": person(subject).party,
            "units": known["units"],
            **more.pop("body", {}),
        }
        return self.make(
            "points_awarded", body, *signers, rule=rule_ref(rule, more.pop("version", self.version)), **more
        )

    def redeem(self, subject: str, amount: int, **more: Any) -> bytes:
        """`points_redeemed` at ``shop`` with the subject's ``key``; ``bill_fen`` is the amount at 1 fen a hundredth."""
        shop, key = more.pop("shop", "shop"), more.pop("key", f"{subject}/card")
        signers = more.pop("signers", (shop, key))
        body = {
            "amount_units": amount,
            "bill_fen": amount,
            "issuer": person("coop").party,
            "shop": person(shop).party,
            "subject": person(subject).party,
            **more.pop("body", {}),
        }
        ref = rule_ref(more.pop("rule", "exchange"), more.pop("version", self.version))
        return self.make("points_redeemed", body, *signers, rule=ref, **more)

    def deduct(self, subject: str, rule: str = "burning", quantity: int = 1, **more: Any) -> bytes:
        """`points_deducted`, noticed on the day of the act, open to appeal for a month."""
        signers, day = more.pop("signers", ("issuer", "reviewer")), more.pop("day", day_of(self.now_ms))
        known = RULES[rule]
        body = {
            "amount_units": quantity * int(known["points_units"]),
            "appeal_until": day_of(self.now_ms + 60 * DAY_MS),
            "issuer": person("coop").party,
            "noticed_on": day,
            "quantity": quantity,
            "subject": person(subject).party,
            "units": known["units"],
            **more.pop("body", {}),
        }
        version = more.pop("version", self.version)
        return self.make("points_deducted", body, *signers, day=day, rule=rule_ref(rule, version), **more)

    def settle(self, amount: int, through: Appended | int, netted: int = 0, **more: Any) -> bytes:
        """`merchant_settled` of ``shop`` with the cooperative."""
        shop = more.pop("shop", "shop")
        signers = more.pop("signers", (shop, "finance"))
        body = {
            "amount_units": amount,
            "issuer": person("coop").party,
            "shop": person(shop).party,
            "through_seq": through if isinstance(through, int) else through.seq,
            **({"netted_units": netted} if netted else {}),
            **more.pop("body", {}),
        }
        return self.make("merchant_settled", body, *signers, **more)

    def lapse(self, action: str, subject: str, amount: int, due_on: str, **more: Any) -> bytes:
        """`points_expired`, which the ledger itself signs."""
        body = {
            "action": action,
            "amount_units": amount,
            "due_on": due_on,
            "issuer": person("coop").party,
            "subject": person(subject).party,
            **more.pop("body", {}),
        }
        return self.make("points_expired", body, *more.pop("signers", ("ledger",)), **more)

    def carry(self, subject: str, amount: int, unit: str = "spend", **more: Any) -> bytes:
        """`balance_carried` from the old books."""
        body = {
            "amount_units": amount,
            "book_digest": "ab" * 32,
            "issuer": person("coop").party,
            "subject": person(subject).party,
            "unit": unit,
        }
        signers = more.pop("signers", ("issuer", "oversight"))
        return self.make("balance_carried", body | more.pop("body", {}), *signers, **more)

    def reverse(self, target: Appended | str, *, give_back: bool = True, **more: Any) -> bytes:
        """`entry_reversed` of an accepted entry, or of an id, with everything that its body must state."""
        target_id = target if isinstance(target, str) else target.event_id
        fact: Any = self.fact(RECORDED_PREFIX + target_id)
        body: Event = {"issuer": person("coop").party, "reason": "mistake", "subject": person("zhang").party}
        body["undo"] = [{"account": person("coop").party + "/spend", "delta": 1}] * 2
        if fact:
            body["undo"] = [{"account": account, "delta": -delta} for account, delta in fact.postings] or body["undo"]
            body["subject"] = fact.holder or body["subject"]
            if give_back and fact.act:
                body["act"] = _plain(fact.act)
        signers = more.pop("signers", ("issuer", "oversight"))
        return self.make("entry_reversed", body | more.pop("body", {}), *signers, reverses=target_id, **more)


def _plain(act: Any) -> Event:
    rule = {"book": act.rule.book, "version": act.rule.version, "id": act.rule.id}
    named = {name: getattr(act, name) for name in ("task", "claim") if getattr(act, name)}
    return {"occurred_on": act.occurred_on, "rule": rule, **named}


def rule_ref(rule: str, version: int = 1) -> Event:
    """A rule of the village's book."""
    return {"book": "points", "version": version, "id": rule}


def founding_body(**changes: Any) -> Event:
    """The body of entry 0."""
    return {
        "origin": ORIGIN,
        "log_key": str(VerifierKey.of(name=ORIGIN, key=person("log").seed)),
        "profile": "foshan",
        "units": ["merit", "spend"],
        "ledger": person("ledger").holder(),
        "root": {"threshold": 1, "keys": [person("mayor").holder(), person("deputy").holder()]},
        **changes,
    }


@cache
def _founded() -> Village:
    village = Village()
    village.must(village.found())
    for name in OFFICERS:
        village.must(village.role(name, name.split()[0]))
    for name, kind in (
        ("coop", "organisation"),
        ("shop", "shop"),
        ("market", "shop"),
        ("house", "household"),
        ("zhang", "resident"),
        ("li", "resident"),
    ):
        village.must(village.party("register", name, type=kind, day="2021-01-01"))
    for name in ("shop", "market"):
        village.must(village.role(name, "shop", scope=person(name).party))
    village.must(village.card("zhang/card"))
    village.must(village.card("li/phone", medium="phone"))
    village.must(village.card("house/card"))
    village.must(village.adopt(BOOK, "2021-01-01"))
    return village
