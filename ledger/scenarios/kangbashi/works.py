"""What the town does beyond points for everybody: hazards reported, grid workers rated, issues grabbed, benefits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ledger.core.encoding import JSON
from ledger.scenarios.actors import Actor
from ledger.scenarios.kangbashi.story import Story

PART: Final = 99
"""Most parties that one part of a rating names."""
UPGRADES_MONTH: Final = 8
"""Before the school year begins."""


def report_hazards(story: Story, month: int) -> None:
    """Hazards declared by phone, or by a helper for somebody without one; reviewed by others; awarded."""
    story.scribe.phase = f"month {month:02}: hazards"
    size = story.year.size
    for number in range(month - 1, size.hazard_reports, 12):
        resident = 1 + number * (size.residents - 1) // size.hazard_reports
        phone = story.people.residents[resident]
        declarer = phone if number % 3 else story.office.officer("helper", number)
        day = story.year.day(month, 3 + number % 12)
        _declare(story, declarer, phone.party, "hazard_report", day, number)


def rate_grid_workers(story: Story, month: int) -> None:
    """The monthly tiers of all grid workers, in parts; the gold ones are awarded."""
    story.scribe.phase = f"month {month:02}: grid workers"
    tiers = {story.party(place): _tier(place, month) for place in range(1, 1 + story.year.size.grid_workers)}
    ordered = sorted(tiers.items())
    rating, day = story.scribe.new_id(), story.year.day(month, 28)
    for start in range(0, len(ordered), PART):
        rated: list[JSON] = [{"party": party, "tier": tier} for party, tier in ordered[start : start + PART]]
        body: dict[str, JSON] = {
            "issuer": story.people.centre.party,
            "period": day[:7],
            "rating": rating,
            "tiers": rated,
        }
        community = story.office.officer("community", month)
        rule = story.office.named("grid_worker")
        story.scribe.write("rating_published", [community], body, day=day, rule=rule)
    for party, tier in ordered:
        if tier == "gold":
            story.office.award(party, "grid_award", day, {"matter": story.title("grid_award", month)})


def _tier(place: int, month: int) -> str:
    found = (place * 7 + month * 3) % 10
    return "gold" if found == 0 else "silver" if found < 7 else "bronze"


def grab_issues(story: Story, month: int) -> None:
    """Issues of the communities' list: two departments grab each, the first has it, solves it and is awarded."""
    story.scribe.phase = f"month {month:02}: issue list"
    departments = story.people.departments
    for number in range(month - 1, story.year.size.issues, 12):
        day = story.year.day(month, 8)
        task = story.office.publish(
            "issue_solved",
            day=day,
            starts_on=day,
            ends_on=story.year.day(month, 24),
            capacity=1,
            claimants="organisation",
            title=story.title("issue_solved", number),
        )
        first, second = (departments[(number + step) % len(departments)] for step in (0, 3))
        _grab(story, first, task, day, f"grab {number} first")
        with story.scribe.expecting("no_place_left"):
            _grab(story, second, task, day, f"grab {number} second")
        _declare(story, first, first.party, "issue_solved", story.year.day(month, 14), number, task=task)


def _grab(story: Story, department: Actor, task: str, day: str, mark: str) -> None:
    body: dict[str, JSON] = {
        "action": "claim",
        "claimant": department.party,
        "issuer": story.people.centre.party,
        "task": task,
    }
    story.scribe.write("task_claimed", [department], body, day=day, mark=mark)


def _declare(
    story: Story, declarer: Actor, subject: str, rule: str, day: str, number: int, *, task: str | None = None
) -> None:
    """An act is declared, approved by a reviewer, and awarded."""
    issuer, matter = story.people.centre.party, {"matter": story.title(rule, number)}
    body: dict[str, JSON] = {"issuer": issuer, "quantity": 1, "subject": subject}
    if task is not None:
        body["task"] = task
    named = story.office.named(rule)
    claim = story.scribe.write("claim_declared", [declarer], body, day=day, private=matter, rule=named)
    review: dict[str, JSON] = {"claim": claim, "issuer": issuer, "outcome": "approve", "subject": subject}
    story.scribe.write("claim_reviewed", [story.office.officer("reviewer", number)], review, day=day)
    story.office.award(subject, rule, day, matter, task=task, claim=claim)


def raise_school_places(story: Story) -> Iterator[None]:
    """A school place raised from 2-A to 1-A for fifteen families: offered, accepted by phone, granted by a person."""
    story.scribe.phase = "school places"
    families = story.found.plan.stated.school_upgrades
    decider = story.office.officer("decider")
    for number in range(families):
        phone = story.people.residents[1 + number * (len(story.people.residents) - 1) // families]
        terms = {"terms": "入学批次由二甲升为一甲，仅限本学年"}
        offer = _benefit(story, decider, phone, "offer", 5, terms)
        _benefit(story, phone, phone, "accept", 12, {}, offer)
        _benefit(story, decider, phone, "grant", 20, {"reason": "按积分排序并经居民代表会议评议"}, offer)
    yield


def _benefit(
    story: Story,
    signer: Actor,
    subject: Actor,
    action: str,
    day: int,
    private: Mapping[str, JSON],
    offer: str | None = None,
) -> str:
    body: dict[str, JSON] = {
        "action": action,
        "issuer": story.people.centre.party,
        "product": "school_place",
        "subject": subject.party,
    }
    if offer is not None:
        body["benefit"] = offer
    when = story.year.day(UPGRADES_MONTH, day)
    return story.scribe.write("benefit_changed", [signer], body, day=when, private=private)
