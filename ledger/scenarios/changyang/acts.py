"""Acts as they are declared, reviewed and awarded, one by one; and what costs points."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.scenarios.changyang.deeds import Deed
from ledger.scenarios.changyang.stage import Stage


def tell_deeds(stage: Stage, phase: str, deeds: Sequence[Deed]) -> None:
    """Each act is declared with a photo, reviewed by somebody else, and awarded. Projects are published before."""
    stage.office.scribe.phase = phase
    tasks: dict[int, str] = {}
    for deed in deeds:
        if deed.project is not None and deed.project not in tasks:
            tasks[deed.project] = _publish(stage, deed)
        _tell_deed(stage, deed, None if deed.project is None else tasks[deed.project])


def _publish(stage: Stage, deed: Deed) -> str:
    day = deed.day.isoformat()
    return stage.office.publish(
        deed.rule,
        day=day,
        starts_on=day,
        ends_on=day,
        capacity=stage.found.plan.split.households_per_project,
        title=deed.matter,
        place=deed.place,
    )


def _tell_deed(stage: Stage, deed: Deed, task: str | None) -> None:
    office, details = stage.office, stage.office.details(deed)
    first = deed is stage.year.spring[0]
    if first and stage.size.returns:
        claim = office.declare(deed, details, task=task)
        office.review(deed, claim, "return", "照片看不清，请补拍后重新申报")
    claim = office.declare(deed, details, task=task)
    _try_to_review(stage, deed, claim)
    if first and stage.tries("not reviewed"):
        with office.scribe.expecting("claim_not_approved"):
            office.reward(deed, claim, details, task=task, mark="awarded without review")
    office.review(deed, claim)
    office.reward(deed, claim, details, task=task)


def _try_to_review(stage: Stage, deed: Deed, claim: str) -> None:
    """A reviewer tries to review what is about the own person."""
    reviewer = stage.village.reviewers[0]
    if deed.subject == reviewer.person.actor and stage.tries("own act"):
        with stage.office.scribe.expecting("own_case"):
            stage.office.review(deed, claim, reviewer=reviewer.actor, mark="own act reviewed")


def leave_one_open(stage: Stage) -> None:
    """The last declaration of the year waits: the helper who made it is a reviewer, too, and must not review it.

    As it stays open, it is refused for the same reason when the story is sent again.
    """
    if not stage.tries("own declaration"):
        return
    office, reviewer = stage.office, stage.village.reviewers[0]
    office.scribe.phase = "left open"
    deed = stage.year.open
    claim = office.declare(deed, office.details(deed))
    with office.scribe.expecting("own_claim"):
        office.review(deed, claim, reviewer=reviewer.actor, mark="own declaration reviewed")


def vote_again(stage: Stage) -> None:
    """A second version of the book; acts of before it that are declared only now are judged by the first."""
    office = stage.office
    office.scribe.phase = "a second book"
    stage.vote(1)
    for deed in stage.year.late:
        details = office.details(deed)
        claim = office.declare(deed, details, version=1)
        office.review(deed, claim)
        with office.scribe.expecting("rule_not_in_force"):
            office.reward(deed, claim, details, version=2, mark="old act by the new rule")
        office.reward(deed, claim, details, version=1, mark="old act")


def tell_fines(stage: Stage) -> None:
    """Deductions after a notice; one is appealed and taken back."""
    office = stage.office
    for place, fine in enumerate(stage.year.fines):
        if place == 0 and stage.tries("short appeal"):
            with office.scribe.expecting("bad_days"):
                office.deduct(fine, days_to_appeal=14, mark="no time to appeal")
        deduction = office.deduct(fine)
        if fine.appealed:
            office.take_back(fine, deduction, "经复核，当日为自家院内熏制腊肉，不属于露天焚烧，申诉成立")
