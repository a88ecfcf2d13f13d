"""Every way in which a claim, a declaration or a review is refused, with its code and its field."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ledger.errors import LedgerError
from tests.helpers.provoke import NOWHERE, Refused
from tests.helpers.village import Village, person, rule_ref
from tests.helpers.workflow import PHOTO, REASON, claim, declare, review, task, working_village

Step = Callable[[Village], object]


def claiming(who: str = "li", action: str = "claim", *before: Step, **more: Any) -> Callable[[Village], None]:
    """A task of two places for residents, of which zhang has one; then this."""

    def provoke(v: Village) -> None:
        given = dict(more)
        body = {"capacity": 2, **({"ends_on": given.pop("ends_on")} if "ends_on" in given else {})}
        claimants = given.pop("claimants", "resident")
        job = task(v, claimants, given.pop("of", "volunteer"), **body)
        if claimants == "resident":
            v.must(claim(v, job, "zhang", day="2021-11-18"))
        for step in before:
            step(v)
        raise v.refusal(claim(v, given.pop("task", job), who, action, **given))

    return provoke


def declaring(subject: str = "zhang", **more: Any) -> Callable[[Village], None]:
    """A task of two places for residents, of which zhang has one, until the day before yesterday; then this."""

    def provoke(v: Village) -> None:
        given = {"day": "2021-11-18", **more}
        job = task(v, "resident", given.pop("of", "volunteer"), capacity=2, ends_on="2021-11-18")
        v.must(claim(v, job, "zhang", day="2021-11-18"))
        raise v.refusal(declare(v, subject, given.pop("task", job), **given))

    return provoke


def reviewing(outcome: str = "approve", **more: Any) -> Callable[[Village], None]:
    """zhang declares; then this."""

    def provoke(v: Village) -> None:
        made = v.must(declare(v)).event_id
        raise v.refusal(review(v, more.get("claim", made), outcome, **{k: w for k, w in more.items() if k != "claim"}))

    return provoke


def moved_out(name: str) -> Step:
    return lambda v: v.must(v.party("move_out", name))


def department_for_all(v: Village) -> None:
    v.must(v.role("anywhere", "department"))


def newly(name: str, kind: str, **more: Any) -> Callable[[Village], None]:
    """A party that is registered today; then an act of yesterday that names it."""

    def provoke(v: Village) -> None:
        v.must(v.party("register", name, type=kind))
        raise v.refusal(declare(v, day="2021-11-19", signers=("helper",), **more))

    return provoke


FORESTRY = {"issuer": person("forestry").party}
REFUSED = [
    # task_claimed -------------------------------------------------------------------------------------------------
    Refused("a place of no task", "unknown_task", "body.task", claiming(task=NOWHERE)),
    Refused("a place from another issuer", "wrong_task", "body.issuer", claiming(body=FORESTRY)),
    Refused(
        "a place back from another issuer", "wrong_task", "body.issuer", claiming("zhang", "release", body=FORESTRY)
    ),
    Refused("a place where none is claimed", "wrong_task", "body.task", claiming(claimants=None)),
    Refused("a place after the end", "wrong_task", "occurred_on", claiming(ends_on="2021-11-19")),
    Refused("a second place", "claimed_before", "body.claimant", claiming("zhang")),
    Refused("a household for a resident", "wrong_party", "body.claimant", claiming("house")),
    Refused("an organisation for a resident", "wrong_party", "body.claimant", claiming("water")),
    Refused(
        "a resident for a household", "wrong_party", "body.claimant", claiming(claimants="household", of="helping")
    ),
    Refused(
        "a resident for an organisation",
        "wrong_party",
        "body.claimant",
        claiming(claimants="organisation", of="grabbed"),
    ),
    Refused("a claimant who moved out", "inactive_party", "body.claimant", claiming("li", "claim", moved_out("li"))),
    Refused("a day before the register", "not_yet_registered", "occurred_on", claiming(day="2020-12-31")),
    Refused("back what one never had", "not_claimed", "body.claimant", claiming("li", "release")),
    Refused("a place for another", "not_authorised", "signatures", claiming(signers=("zhang/card",))),
    Refused(
        "a place back for another", "not_authorised", "signatures", claiming("zhang", "release", signers=("li/phone",))
    ),
    Refused("a place through a helper", "not_authorised", "signatures", claiming(signers=("helper",))),
    Refused(
        "a place through another department", "not_authorised", "signatures", claiming("water", signers=("forestry",))
    ),
    Refused("a place with a rule", "superfluous_field", "rule", claiming(rule=rule_ref("volunteer", 2))),
    Refused("a place with a private field", "unknown_private", "private", claiming(private=REASON)),
    Refused(
        "a place that two sign for",
        "not_enough_signers",
        "signatures",
        claiming("li", "claim", department_for_all, signers=("li/phone", "anywhere")),
    ),
    Refused("a third action", "bad_field", "event.body.action", claiming(action="grab")),
    # claim_declared -----------------------------------------------------------------------------------------------
    Refused("an act for no task", "unknown_task", "body.task", declaring(task=NOWHERE)),
    Refused("an act for another rule's task", "wrong_task", "body.task", declaring(rule="capped")),
    Refused("an act for another issuer's task", "wrong_task", "body.task", declaring(body=FORESTRY)),
    Refused("an act before the task", "wrong_task", "occurred_on", declaring(day="2021-11-09")),
    Refused("an act after the task", "wrong_task", "occurred_on", declaring(day="2021-11-19")),
    Refused("an act without a place", "not_claimed", "body.subject", declaring("li")),
    Refused("an act of nobody", "unknown_party", "body.subject", declaring("nobody", signers=("helper",))),
    Refused("an act of a household by a rule for persons", "wrong_party", "body.subject", declaring("house")),
    Refused(
        "an act for a resident as issuer", "wrong_party", "body.issuer", declaring(body={"issuer": person("li").party})
    ),
    Refused(
        "an act before its subject was there",
        "not_yet_registered",
        "occurred_on",
        newly("zhao", "resident", subject="zhao"),
    ),
    Refused(
        "an act before its issuer was there",
        "not_yet_registered",
        "occurred_on",
        newly("clinic", "organisation", body={"issuer": person("clinic").party}),
    ),
    Refused(
        "an act of the issuer itself",
        "own_points",
        "body.subject",
        declaring("coop", rule="grabbed", signers=("helper",)),
    ),
    Refused("an act by a deduction", "wrong_rule", "rule.id", declaring(rule="burning")),
    Refused("an act by a rule for shops", "wrong_rule", "rule.id", declaring(rule="exchange")),
    Refused("an act by no rule", "unknown_rule", "rule.id", declaring(rule="whatever")),
    Refused("an act by a version to come", "rule_not_in_force", "rule.version", declaring(version=3)),
    Refused("an act out of season", "rule_not_in_force", "occurred_on", declaring(rule="seasonal")),
    Refused("an act without evidence", "evidence_missing", "private", declaring(rule="evident", of="evident")),
    Refused("an act of a neighbour", "not_authorised", "signatures", declaring(signers=("li/phone",))),
    Refused("an act through an issuer", "not_authorised", "signatures", declaring(signers=("issuer",))),
    Refused("an act through a department", "not_authorised", "signatures", declaring(signers=("water",))),
    Refused("an act that two declare", "not_enough_signers", "signatures", declaring(signers=("zhang/card", "helper"))),
    Refused("an act of no quantity", "bad_field", "event.body.quantity", declaring(body={"quantity": 0})),
    Refused("an act with a reason", "unknown_private", "private", declaring(private=REASON)),
    Refused("an act of tomorrow", "future_dated", "occurred_on", declaring(day="2021-11-21")),
    # claim_reviewed -----------------------------------------------------------------------------------------------
    Refused("a review of nothing", "unknown_claim", "body.claim", reviewing(claim=NOWHERE)),
    Refused("a review for another subject", "wrong_target", "body.subject", reviewing(subject="li")),
    Refused("a review by another issuer", "wrong_target", "body.issuer", reviewing(body=FORESTRY)),
    Refused("a review before the act", "wrong_order", "occurred_on", reviewing(day="2021-11-01")),
    Refused("a rejection without a reason", "evidence_missing", "private", reviewing("reject", private=None)),
    Refused("a return without a reason", "evidence_missing", "private", reviewing("return", private=None)),
    Refused("a review through an issuer", "not_authorised", "signatures", reviewing(signers=("issuer",))),
    Refused("a review through a helper", "not_authorised", "signatures", reviewing(signers=("helper",))),
    Refused("a review through the subject", "not_authorised", "signatures", reviewing(signers=("zhang/card",))),
    Refused("a review with a photo", "unknown_private", "private", reviewing(private=PHOTO)),
    Refused("a fourth outcome", "bad_field", "event.body.outcome", reviewing("forget")),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_is_refused_with_its_code_and_says_where_and_why(case: Refused) -> None:
    with pytest.raises(LedgerError) as caught:
        case.provoke(working_village())
    error = caught.value
    assert (error.code, error.field or "") == (case.code, case.field), error
    assert error.expected is not None or error.got is not None, error
    if error.code != "bad_field":
        assert None not in (error.expected, error.got), error
