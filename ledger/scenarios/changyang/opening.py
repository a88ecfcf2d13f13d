"""How a village opens its ledger: officers, the book by vote, people, and what they sign with."""

from __future__ import annotations

from ledger.scenarios.changyang.stage import Stage


def open_ledger(stage: Stage) -> None:
    """All that is there before the first act."""
    _open_office(stage)
    _register(stage)
    _hand_out(stage)


def _open_office(stage: Stage) -> None:
    """Powers first, then the book, the committee and its shop. Reviewers wait until they are registered."""
    office, village, day = stage.office, stage.village, stage.days.founded.isoformat()
    office.scribe.phase = "office"
    scopes = {"*": "*", "organisation": village.committee.party}
    for post in stage.found.profile.officers:
        if post.role not in ("township", "reviewer"):
            for officer in village.officers[post.role]:
                office.grant(officer, post.role, scopes[post.scope], day)
    stage.vote(0)
    office.register_party(village.committee, "organisation", day)
    office.open_shop(village.shop, day)


def _register(stage: Stage) -> None:
    """Groups, households and residents, each by two clerks."""
    office, village, day = stage.office, stage.village, stage.days.founded.isoformat()
    office.scribe.phase = "people"
    for group in village.groups:
        office.register_party(group, "group", day)
    for home in village.households:
        office.register_party(home.actor, "household", day, group=home.group.party, address=home.address)
    for one in village.residents:
        office.register_party(one.actor, "resident", day, household=one.household.actor.party, number=one.number)


def _hand_out(stage: Stage) -> None:
    """A card for every household and old person, a phone's key for every householder; then reviewers and helpers."""
    office, village, day = stage.office, stage.village, stage.days.founded.isoformat()
    office.scribe.phase = "cards and posts"
    for home in village.households:
        office.issue_card(home.actor, day)
    for holder in village.householders:
        office.issue_phone(holder.actor, day)
    for reviewer in village.reviewers:
        person = reviewer.person.actor.party
        office.grant(reviewer.actor, "reviewer", village.committee.party, day, person=person)
    for helper in village.helpers:
        office.issue_card(helper.elder.actor, day)
        person = helper.post.person.actor.party
        office.grant(helper.post.actor, "helper", helper.elder.actor.party, day, person=person)
