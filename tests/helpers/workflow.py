"""Tasks that are claimed first, declared acts and their reviews, as submissions of a village in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ledger.core.disclosure import digest, make
from tests.helpers.village import Village, person, rule_ref
from tests.helpers.village_rules import BOOK, rule

KEYS = {"zhang": "zhang/card", "li": "li/phone", "house": "house/card", "wang": "wang/card"}
"""The key that each resident and household acts with; an organisation acts with its own."""
TEXT = {name: digest(make(bytes(16), name, "修水渠")) for name in ("matter", "place", "time")}
PHOTO = {"photo": digest(make(bytes(16), "photo", "ab" * 32))}
REASON = {"reason": digest(make(bytes(16), "reason", "照片不清楚"))}


def working_village() -> Village:
    """A village with a third resident, two departments, helpers, and a rule that rewards organisations."""
    village = Village.founded()
    village.must(village.party("register", "wang", type="resident", day="2021-01-01"))
    village.must(village.card("wang/card"))
    for name in ("forestry", "water"):
        village.must(village.party("register", name, type="organisation", day="2021-01-01"))
        village.must(village.role(name, "department", scope=person(name).party))
    for name in ("helper", "helper two", "reviewer"):
        village.must(village.role(name, "helper"))
    village.must(village.role("reviewer two", "reviewer"))
    rules = [*BOOK["rules"], rule("grabbed", target="organisation")]
    village.must(village.adopt({**BOOK, "version": 2, "rules": rules}, "2021-11-01", day="2021-10-30"))
    return village


def task(village: Village, claimants: str | None = "resident", rule_id: str = "volunteer", **body: Any) -> str:
    """A task of the cooperative that lasts from 2021-11-10 to 2021-11-30; answers its id."""
    whole = {
        "capacity": 1,
        "starts_on": "2021-11-10",
        "ends_on": "2021-11-30",
        "issuer": person("coop").party,
        **({"claimants": claimants} if claimants else {}),
        **body,
    }
    made = village.make("task_published", whole, "village", rule=rule_ref(rule_id, 2))
    return village.must(made).event_id


def claim(village: Village, task_id: str, who: str = "zhang", action: str = "claim", **more: Any) -> bytes:
    """`task_claimed` by the party's own key, unless ``signers`` are given; ``body`` changes the body."""
    body = {
        "action": action,
        "claimant": person(who).party,
        "issuer": person("coop").party,
        "task": task_id,
        **more.pop("body", {}),
    }
    return village.make("task_claimed", body, *more.pop("signers", (KEYS.get(who, who),)), **more)


def declare(village: Village, subject: str = "zhang", task_id: str | None = None, **more: Any) -> bytes:
    """`claim_declared` by the subject's own key, unless ``signers`` are given; ``rule`` is a rule's id."""
    body = {
        "issuer": person("coop").party,
        "quantity": 1,
        "subject": person(subject).party,
        **({"task": task_id} if task_id else {}),
        **more.pop("body", {}),
    }
    ref = rule_ref(more.pop("rule", "volunteer"), more.pop("version", 2))
    return village.make("claim_declared", body, *more.pop("signers", (KEYS.get(subject, subject),)), rule=ref, **more)


def review(village: Village, claim_id: str, outcome: str = "approve", subject: str = "zhang", **more: Any) -> bytes:
    """`claim_reviewed` by the second reviewer, with a reason unless it is an approval."""
    body = {
        "claim": claim_id,
        "issuer": person("coop").party,
        "outcome": outcome,
        "subject": person(subject).party,
        **more.pop("body", {}),
    }
    if outcome != "approve":
        more.setdefault("private", REASON)
    signers: Sequence[str] = more.pop("signers", ("reviewer two",))
    return village.make("claim_reviewed", body, *signers, **{k: v for k, v in more.items() if v is not None})


def reward(village: Village, claim_id: str, subject: str = "zhang", task_id: str | None = None, **more: Any) -> bytes:
    """`points_awarded` for an approved declaration."""
    body = {"claim": claim_id, **({"task": task_id} if task_id else {})}
    return village.award(subject, more.pop("rule", "volunteer"), version=2, body=body, **more)


def behind(village: Village, name: str, resident: str) -> None:
    """States the resident behind an officer's key; it is stated with a grant, here of a role that reviews nothing."""
    one = person(name)
    body = {"action": "grant", "party": one.party, "role": "data_officer", "scope": "*", "key": one.ref()}
    village.must(village.make("role_changed", {**body, "person": person(resident).party}, "mayor"))
