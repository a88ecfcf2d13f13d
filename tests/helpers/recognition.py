"""Ratings, honours, benefits, posts and erasures, as submissions of a village in memory."""

from __future__ import annotations

from typing import Any

from ledger.core.disclosure import digest, make
from tests.helpers.village import Event, Village, person, rule_ref
from tests.helpers.village_rules import BOOK

RATING = "00000000-0000-4000-8000-00000000aaaa"
OFFICES = ("community", "decider", "helper", "department", "data_officer", "village")


def _rule(identifier: str, kind: str, **fields: Any) -> Event:
    names = {"name_zh": "规则", "name_en": identifier}
    return {"id": identifier, "type": kind, "category": "star", "target": "household", **names, **fields}


TIERS = [{"id": name, "name_zh": "等级", "name_en": name} for name in ("excellent", "good", "fair")]
RULES = [
    _rule("monthly", "rate", target="person", tiers=TIERS),
    _rule("grid_work", "rate", target="organisation", tiers=TIERS, approvals=1),
    _rule("clean", "honour"),
    _rule("filial", "honour"),
    _rule("lawful", "honour"),
    _rule("reader", "honour", category="culture"),
    _rule("pacesetter", "honour", category="pacesetter", needs_honours={"category": "star", "count": 3}),
    _rule("good_neighbour", "honour", target="person"),
    _rule("solemn", "honour", approvals=1, evidence=["citation"]),
]


def village_of_honours() -> Village:
    """A village with offices for all of this, a third resident, an organisation to refer to, and rules without points.

    Version 2 of its book is in force from 2021-02-01 on.
    """
    village = Village.founded()
    for office in OFFICES:
        village.must(village.role(f"{office} one", office))
    village.must(village.role("council two", "council"))
    village.must(village.party("register", "wang", type="resident", day="2021-06-01"))
    village.must(village.party("register", "forestry", type="organisation", day="2021-01-01"))
    book = {**BOOK, "version": 2, "rules": [*BOOK["rules"], *RULES]}
    village.must(village.adopt(book, "2021-02-01", day="2021-01-30"))
    return village


def private(**texts: Any) -> dict[str, str]:
    """The digests of private details."""
    return {name: digest(make(bytes(16), name, value)) for name, value in texts.items()}


def rate(village: Village, tiers: dict[str, str], *, rule: str = "monthly", **more: Any) -> bytes:
    """`rating_published` for November 2021: names of parties with their tiers, sorted unless ``body`` says how."""
    rated = [{"party": person(name).party, "tier": tier} for name, tier in tiers.items()]
    body = {
        "issuer": person("coop").party,
        "period": "2021-11",
        "rating": RATING,
        "tiers": sorted(rated, key=lambda one: one["party"]),
        **more.pop("body", {}),
    }
    signers = more.pop("signers", ("community one",))
    return village.make("rating_published", body, *signers, rule=rule_ref(rule, more.pop("version", 2)), **more)


def honour(
    village: Village, rule: str, subject: str = "house", action: str = "grant", valid_to: str | None = None, **more: Any
) -> bytes:
    """`honour_changed` by the council."""
    body = {"action": action, "issuer": person("coop").party, "subject": person(subject).party}
    body |= {"valid_to": valid_to} if valid_to else {}
    signers = more.pop("signers", ("council",))
    ref = rule_ref(rule, more.pop("version", 2))
    return village.make("honour_changed", body | more.pop("body", {}), *signers, rule=ref, **more)


def benefit(village: Village, action: str, offer: str | None = None, subject: str = "zhang", **more: Any) -> bytes:
    """`benefit_changed`: decided by the decider with what must be stated, answered with zhang's card."""
    stated = {"offer": private(terms="四折"), "grant": private(reason="够格"), "revoke": private(reason="已搬走")}
    if action in stated:
        more.setdefault("private", stated[action])
    body = {
        "action": action,
        "issuer": person("coop").party,
        "product": "school_place",
        "subject": person(subject).party,
        **({"benefit": offer} if offer else {}),
        **more.pop("body", {}),
    }
    signers = more.pop("signers", ("decider one",) if action in stated else ("zhang/card",))
    fields = {name: value for name, value in more.items() if value is not None}
    return village.make("benefit_changed", body, *signers, **fields)


def post(village: Village, kind: str, poster: str, signer: str, **more: Any) -> bytes:
    """`civic_posted` under a name."""
    stated = private(goods="土豆") if kind == "listing" else private(text="路灯坏了")
    body = {"poster": person(poster).party, "type": kind, **more.pop("body", {})}
    fields = {"private": stated} | more
    return village.make("civic_posted", body, signer, **{k: v for k, v in fields.items() if v is not None})


def anonymous(village: Village, name: str, kind: str = "suggestion", **more: Any) -> bytes:
    """`civic_posted` by a party that nobody knows, called ``name``, with the key of that name for this one post."""
    trade = {"trade": "offer"} if kind == "listing" else {}
    body = {"one_time": person(name).ref(), **trade, **more.pop("body", {})}
    return post(village, kind, name, more.pop("signer", name), body=body, **more)


def erase(village: Village, subject: str, basis: str = "request", *signers: str) -> bytes:
    """`personal_data_erased` by the data officer."""
    body = {"basis": basis, "subject": person(subject).party}
    return village.make("personal_data_erased", body, *(signers or ("data_officer one",)))


def behind(village: Village, officer: str, resident: str) -> None:
    """State the resident behind an officer's key, with a grant of a role that these tests do not ask for."""
    one = person(officer)
    body = {"action": "grant", "party": one.party, "role": "finance", "scope": "*", "key": one.ref()}
    village.must(village.make("role_changed", {**body, "person": person(resident).party}, "mayor"))
