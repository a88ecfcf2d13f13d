"""Random histories: valid and invalid events of every kind, written one at a time."""

from __future__ import annotations

import copy
from collections import defaultdict
from functools import cache
from typing import Any

from ledger.domain.append import Appended, Outcome
from ledger.domain.entries import parse_entry
from tests.helpers import recognition
from tests.helpers.recognition import anonymous, benefit, erase, honour, post, rate
from tests.helpers.village import TODAY, Village, person, sign
from tests.helpers.village_rules import BOOK, rule
from tests.helpers.workflow import KEYS as CLAIM_KEYS
from tests.helpers.workflow import claim, declare, review

SUBJECTS = ("zhang", "li", "house", "wang", "coop", "nobody")
AWARDS = ("volunteer", "capped", "helping", "lapsing", "dated", "lapsing", "merit_only", "budgeted")
KEYS = ("zhang/card", "zhang/second", "li/phone", "house/card")
DAYS = ("2021-11-20", "2021-11-19", "2021-10-31", "2021-08-01", "2020-12-31", "2021-11-30")
PARTY_ACTS = ("register", "join", "leave", "move_out", "death", "merge")
CLAIMANTS = ("zhang", "li", "house", "forestry", "water")
ALL_RULES = [*BOOK["rules"], *recognition.RULES, rule("grabbed", target="organisation")]
BARRIERS = {"tick", "commit"}
OFTEN = ("award", "award", "redeem", "redeem", "reverse", "reverse", "carry", "deduct", "settle", "lapse")
WORK = ("task", "task", "claim", "claim", "claim", "declare", "declare", "review", "review", "reward", "task_award")
RARE = (
    *("party", "party", "role", "card", "book", "captured", "tick", "commit", "false_commit", "again", "conflict"),
    *("honour", "rating", "benefit", "post", "erase"),
)
_EVERY_STEP = [
    (name, *numbers)
    for name in dict.fromkeys((*OFTEN, *WORK, *RARE))
    for numbers in ((0, 0, 0), (1, 0, 1), (0, 1, 0), (2, 2, 2), (4, 3, 5))
]
_GRABBED = [("task", 2, 0, 4), ("claim", 3, 0, 0), ("declare", 3, 0, 1), ("review", 0, 0, 0), ("reward", 0, 0, 0)]
_LAPSING = [("award", 0, 3, 0), ("lapse", 0, 0, 1), ("lapse", 0, 1, 4)]
SCRIPTS = ([*_GRABBED, *_EVERY_STEP, *_EVERY_STEP], _LAPSING)
"""Steps by which every kind is accepted somewhere, and much is refused."""


class History:
    """Writes a history, one event at a time; ``script`` is what was done: (what, the submission).

    ``of`` are the ids of accepted events by kind.
    """

    def __init__(self) -> None:
        self.village = whole_village()
        self.script: list[tuple[str, bytes]] = []
        self.outcomes: list[Outcome] = []
        self.accepted: list[Appended] = []
        self.of: dict[str, list[str]] = defaultdict(list)
        self.books = 2

    def take(self, step: tuple[str, int, int, int]) -> None:
        """One step; a step that has nothing to work on does nothing."""
        name, *numbers = step
        if name == "tick":
            self.village.tomorrow()
            self.script.append((name, b""))
        elif name == "commit":
            self.accepted.append(self.village.commit())
            self.script.append((name, b""))
        elif (submission := getattr(self, f"_{name}")(*numbers)) is not None:
            self._submit(name, submission)

    def _submit(self, name: str, submission: bytes) -> None:
        village = self.village
        before = (village.head, dict(village.facts))
        outcome = village.submit(submission)[0]
        if isinstance(outcome, Appended):
            self.accepted.append(outcome)
            self.of[parse_entry(outcome.data).event.body.kind].append(outcome.event_id)
            self.books += name == "book"
        else:
            assert (village.head, village.facts) == before, "what is refused or came again leaves no trace"
        self.script.append((name, submission))
        self.outcomes.append(outcome)

    def _award(self, a: int, b: int, c: int) -> bytes:
        body = {"amount_units": 150} if c == 7 else {}
        signers = ("issuer", "reviewer") if c % 2 else ("issuer",)
        target = SUBJECTS[2] if AWARDS[b] == "helping" and c % 4 else SUBJECTS[a % 6]
        day = DAYS[c - 2] if 1 < c < 7 else TODAY
        return self.village.award(target, AWARDS[b], 1 + a % 3, body=body, signers=signers, day=day)

    def _redeem(self, a: int, b: int, c: int) -> bytes:
        key = KEYS[a % 4]
        subject = key.split("/")[0]
        changed = {"bill_fen": 1} if c == 7 else {}
        way = "house_exchange" if subject == "house" else "exchange"
        shop = ("shop", "market", "coop")[c % 3]
        return self.village.redeem(subject, 1 + 97 * b, key=key, shop=shop, rule=way, body=changed)

    def _reverse(self, a: int, b: int, c: int) -> bytes | None:
        if not self.accepted:
            return None
        target = self.accepted[-1 - (a * 8 + b) % min(12, len(self.accepted))]
        changed = {"subject": person("li").party} if c == 7 else {}
        return self.village.reverse(target, give_back=c % 2 == 0, body=changed)

    def _carry(self, a: int, b: int, c: int) -> bytes:
        return self.village.carry(SUBJECTS[a % 6], 1 + 100 * b, ("merit", "spend")[c % 2])

    def _again(self, a: int, b: int, c: int) -> bytes | None:
        done = [submission for _, submission in self.script if submission]
        return done[(a * 8 + b) % len(done)] if done else None

    def _conflict(self, a: int, b: int, c: int) -> bytes | None:
        if not self.accepted:
            return None
        village = self.village
        body = {"action": "register", "party": person(f"new{a}").party, "type": "resident"}
        taken = self.accepted[(a * 8 + b) % len(self.accepted)].event_id
        return sign(village.event("party_changed", "clerk", body, id=taken), "clerk", "clerk two")

    def _party(self, a: int, b: int, c: int) -> bytes:
        action, name = PARTY_ACTS[a % 6], ("wang", "zhang", "li", "barn", "house")[b % 5]
        fields: dict[str, Any] = {"day": DAYS[c % 4]}
        if action == "register":
            fields["type"] = "household" if name in ("barn", "house") else "resident"
        if action in ("join", "leave") or (action == "register" and c > 5):
            fields["household"] = ("house", "barn")[c % 2]
        if action == "merge":
            fields["other"] = ("house", "barn")[c % 2]
        return self.village.party(action, name, **fields)

    def _role(self, a: int, b: int, c: int) -> bytes:
        name = ("issuer", "issuer/second", "reviewer", "deputy")[a % 4]
        role = ("issuer", "reviewer", "township")[b % 3]
        action = ("grant", "revoke")[c % 2]
        signer = ("mayor", "deputy")[c // 2 % 2]
        return self.village.role(name, role, signer, action=action)

    def _card(self, a: int, b: int, c: int) -> bytes:
        medium = "phone" if KEYS[a % 4].endswith("phone") else "card"
        return self.village.card(KEYS[a % 4], action=("issue", "revoke", "lost")[b % 3], medium=medium, cap=200 + c)

    def _book(self, a: int, b: int, c: int) -> bytes:
        rules = [*(one for one in ALL_RULES if one["id"] != "volunteer"), rule("volunteer", points_units=100 + a)]
        book = {**BOOK, "version": self.books + 1 + (b == 7), "rules": rules}
        soon = ("2022-03-01", "2022-03-05", "2022-04-01", "2021-11-01")[c % 4]
        return self.village.adopt(book, "2021-11-21" if c == 7 else soon)

    def _task(self, a: int, b: int, c: int) -> bytes:
        budget = {"budget_units": 200 * b} if b else {}
        claimed = {"claimants": ("resident", "household", "organisation")[a % 3]} if c > 3 else {}
        name = ("volunteer", "helping", "grabbed")[a % 3] if c > 3 else ("volunteer", "capped")[c % 2]
        return self.village.task(name, capacity=1 + a % 3, **budget, **claimed)

    def _one(self, kind: str, number: int) -> str | None:
        """The id of an accepted event of a kind."""
        found = self.of[kind]
        return found[number % len(found)] if found else None

    def _task_award(self, a: int, b: int, c: int) -> bytes | None:
        if (task := self._one("task_published", b)) is None:
            return None
        return self.village.award(
            ("zhang", "li")[a % 2], ("volunteer", "capped")[c % 2], 1 + c % 2, body={"task": task}
        )

    def _claim(self, a: int, b: int, c: int) -> bytes | None:
        if (task := self._one("task_published", b)) is None:
            return None
        return claim(self.village, task, CLAIMANTS[a % 5], ("claim", "claim", "claim", "release")[c % 4])

    def _declare(self, a: int, b: int, c: int) -> bytes:
        subject = CLAIMANTS[a % 5]
        name = {"house": "helping", "forestry": "grabbed", "water": "grabbed"}.get(subject, "volunteer")
        task = self._one("task_published", b) if c % 2 else None
        signers = ("helper",) if c == 6 else ("reviewer",) if c == 7 else (CLAIM_KEYS.get(subject, subject),)
        return declare(self.village, subject, task, rule=name, signers=signers)

    def _review(self, a: int, b: int, c: int) -> bytes | None:
        if (found := self._one("claim_declared", b)) is None:
            return None
        outcome = ("approve", "approve", "approve", "reject", "return")[c % 5]
        signers = ("reviewer",) if a > 5 else ("reviewer two",)
        return review(self.village, found, outcome, subject="zhang", signers=signers, body=self._of_claim(found))

    def _of_claim(self, declared: str) -> dict[str, Any]:
        fact: Any = self.village.facts[f"claim:{declared}"]
        return {"subject": fact.subject}

    def _reward(self, a: int, b: int, c: int) -> bytes | None:
        """A declared act is rewarded; sometimes another than was declared."""
        if (found := self._one("claim_declared", b)) is None:
            return None
        fact: Any = self.village.facts[f"claim:{found}"]
        body = {"claim": found, **({"task": fact.task} if fact.task else {}), "subject": fact.subject}
        if c == 7:
            body["subject"] = person("li").party
        return self.village.award("zhang", fact.rule, fact.quantity + (c == 6), body=body)

    def _deduct(self, a: int, b: int, c: int) -> bytes:
        signers = ("issuer",) if c == 7 else ("issuer", "reviewer two")
        return self.village.deduct(SUBJECTS[a % 6], quantity=1 + b, signers=signers)

    def _settle(self, a: int, b: int, c: int) -> bytes | None:
        """A shop is settled up to some redemption or reversal, for what the till says, or for something else."""
        changed = [one for one in self.accepted if b"points_redeemed" in one.data or b"entry_reversed" in one.data]
        shop = ("shop", "market")[a % 2]
        till: Any = self.village.facts.get(f"till:{person(shop).party}/{person('coop').party}")
        if not changed or till is None:
            return None
        through = changed[-1 - b % min(3, len(changed))].seq
        taken: Any = self.village.facts.get(f"takings:{person(shop).party}/{person('coop').party}/{through}")
        amount = (taken.units if taken else 0) - till.settled_units + (c == 7)
        return self.village.settle(max(1, amount), through, max(0, min(till.owed_units, amount)), shop=shop)

    def _lapse(self, a: int, b: int, c: int) -> bytes:
        subject = ("zhang", "li")[a % 2]
        lots: Any = self.village.facts.get(f"lots:{person(subject).party}")
        due = [lot for lot in lots.lots if lot.expires_on <= "2022-01-10"] if lots else []
        amount = sum(lot.units for lot in due) + (c == 7)
        if c == 4:
            for _ in range(60):
                self.take(("tick", 0, 0, 0))
        return self.village.lapse(("notice", "expire")[b % 2], subject, max(1, amount), "2022-01-10")

    def _honour(self, a: int, b: int, c: int) -> bytes:
        name = ("clean", "filial", "lawful", "pacesetter")[b % 4]
        return honour(self.village, name, ("house", "barn")[a % 2], ("grant", "grant", "withdraw")[c % 3])

    def _rating(self, a: int, b: int, c: int) -> bytes:
        tiers = dict.fromkeys(("zhang", "li", "wang")[: 1 + a % 3], ("excellent", "good", "awful")[b % 3])
        return rate(self.village, tiers, body={"period": f"2021-{1 + c:02}"})

    def _benefit(self, a: int, b: int, c: int) -> bytes:
        action = ("offer", "accept", "decline", "grant", "revoke")[a % 5]
        return benefit(self.village, action, None if action == "offer" else self._one("benefit_changed", b))

    def _post(self, a: int, b: int, c: int) -> bytes:
        if c % 2:
            return anonymous(self.village, f"nobody {a}", ("suggestion", "listing")[b % 2])
        about = self._one("civic_posted", b)
        if about and a % 2:
            return post(self.village, "reply", "coop", "village", body={"about": about})
        return post(self.village, "suggestion", "zhang", KEYS[b % 4])

    def _erase(self, a: int, b: int, c: int) -> bytes:
        return erase(self.village, SUBJECTS[a % 6])

    def _captured(self, a: int, b: int, c: int) -> bytes:
        device = {"id": f"phone-{a % 2}", "seq": b % 3, "captured_at": c}
        return self.village.award("zhang", "volunteer", device=device)

    def _false_commit(self, a: int, b: int, c: int) -> bytes:
        body = {"root": self.village.map_root().hex(), "size": self.village.head.size}
        return self.village.make("state_committed", body, "ledger" if a % 2 else "mayor")


@cache
def _whole() -> Village:
    village = Village.founded()
    for office in (*recognition.OFFICES, "helper two"):
        village.must(village.role(f"{office} one" if office != "helper two" else office, office.split()[0]))
    for name in ("helper", "reviewer"):
        village.must(village.role(name, "helper"))
    village.must(village.role("reviewer two", "reviewer"))
    for name in ("forestry", "water"):
        village.must(village.party("register", name, type="organisation", day="2021-01-01"))
        village.must(village.role(name, "department", scope=person(name).party))
    book = {**BOOK, "version": 2, "rules": ALL_RULES}
    village.must(village.adopt(book, "2021-01-02", day="2021-01-01"))
    village.version = 2
    return village


def whole_village() -> Village:
    """A village with every office, two departments, and a book with rules of every type: version 2, from 2021-01-02."""
    return copy.deepcopy(_whole())
