"""Every refusal of the domain, by its stable code: what provokes it, and that it names field, expected and got."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from ledger.core.disclosure import digest, make
from ledger.core.types import MAX_INT
from ledger.domain.bookread import parse_book
from ledger.domain.entries import check_submitted, parse_entry, parse_event, parse_submission
from ledger.errors import LedgerError
from tests.helpers.provoke import (
    NOT_UTF8,
    NOWHERE,
    OFFICER_KEY,
    OTHER_PLACE,
    PLACE,
    PRIVATE,
    SALT,
    SMALL_ORDER,
    Refused,
    award_body,
    before_any_book,
    booking,
    captured,
    change_effects,
    commitment,
    conflicting,
    disclosing,
    disordered,
    doubled_key,
    forged,
    founding,
    merit_only,
    not_nfc,
    raw_award,
    reading,
    refuse,
    repeat_id,
    replayed,
    reversed_reversal,
    reversed_twice,
    reversing,
    rule_twice,
    submitting,
    swap_entries,
    taking,
    tasked,
    two_keys,
    undo_of,
    voting,
    weak_founder,
)
from tests.helpers.village import TODAY, Village, founding_body, person, rule_ref, sign
from tests.helpers.village_rules import BOOK

REFUSED = [
    # Reading ------------------------------------------------------------------------------------------------------
    Refused("bytes that are not JSON", "not_json", "submission", lambda v: parse_submission(b"{")),
    Refused("bytes that are not UTF-8", "not_json", "submission", lambda v: parse_submission(NOT_UTF8)),
    Refused("a body that is too large", "too_large", "submission", lambda v: parse_submission(b" " * (2 << 20))),
    Refused("an entry that is too large", "too_large", "entry", lambda v: parse_entry(b" " * 60_001)),
    Refused("an entry with a space", "not_canonical", "entry", lambda v: parse_entry(v.entries[0] + b" ")),
    Refused("a key twice", "repeated_key", "v", lambda v: parse_event(doubled_key(v))),
    Refused("a null", "bad_field", "occurred_on", reading(occurred_on=None)),
    Refused("an unknown kind", "bad_field", "kind", reading(kind="points_invented")),
    Refused("an unknown field", "bad_field", "", reading(extra=1)),
    Refused("a missing field", "bad_field", "body", reading(body={})),
    Refused("a value out of range", "bad_field", "body.quantity", reading(body={**award_body(), "quantity": 0})),
    Refused("a number too large", "bad_field", "body.quantity", reading(body={**award_body(), "quantity": 2**53})),
    Refused("a text that is not NFC", "not_nfc", "event.body.reason", lambda v: check_submitted(not_nfc(v))),
    # Disclosures --------------------------------------------------------------------------------------------------
    Refused("a disclosure missing", "disclosure_missing", "disclosures", disclosing(PRIVATE)),
    Refused("a disclosure too many", "disclosure_superfluous", "disclosures.0", disclosing(PRIVATE, OTHER_PLACE)),
    Refused("a disclosure twice", "disclosure_doubled", "disclosures.1", disclosing(PRIVATE, PLACE, PLACE)),
    Refused(
        "a misnamed disclosure", "disclosure_misnamed", "disclosures.0", disclosing({"time": digest(PLACE)}, PLACE)
    ),
    Refused(
        "a disclosure of a kind that has none",
        "unknown_private",
        "private.weather",
        disclosing({"weather": digest(make(SALT, "weather", "x"))}, make(SALT, "weather", "x")),
    ),
    Refused(
        "an ill-typed disclosure",
        "bad_private",
        "private.place",
        disclosing({"place": digest(make(SALT, "place", 7))}, make(SALT, "place", 7)),
    ),
    # Who signs ----------------------------------------------------------------------------------------------------
    Refused(
        "an actor who did not sign first",
        "not_actor",
        "signatures",
        submitting(
            lambda v: sign(v.event("points_awarded", "clerk", award_body(), rule=rule_ref("volunteer")), "issuer")
        ),
    ),
    Refused("a party that signs twice", "signed_twice", "signatures", two_keys),
    Refused(
        "a key without the role", "not_authorised", "signatures", submitting(lambda v: v.role("x", "clerk", "clerk"))
    ),
    Refused(
        "one clerk where two must sign",
        "not_enough_signers",
        "signatures",
        submitting(lambda v: v.party("register", "wang", type="resident", signers=("clerk",))),
    ),
    Refused(
        "a key that nobody holds", "unknown_key", "signatures", submitting(lambda v: v.role("x", "clerk", "stranger"))
    ),
    Refused("signatures out of order", "bad_order", "signatures", lambda v: refuse(v, disordered(v))),
    Refused("a signature that does not hold", "bad_signature", "signatures.0", lambda v: refuse(v, forged(v))),
    # Form ---------------------------------------------------------------------------------------------------------
    Refused("an event for another ledger", "wrong_ledger", "ledger", submitting(lambda v: raw_award(v, ledger="a/b"))),
    Refused(
        "a day that is none",
        "not_a_day",
        "event.occurred_on",
        submitting(lambda v: raw_award(v, occurred_on="2021-02-30")),
    ),
    Refused(
        "a day to come", "future_dated", "occurred_on", submitting(lambda v: raw_award(v, occurred_on="2021-11-21"))
    ),
    Refused("an award without a rule", "missing_field", "rule", submitting(lambda v: raw_award(v, rule=None))),
    Refused(
        "a kind that reverses nothing",
        "superfluous_field",
        "reverses",
        submitting(lambda v: raw_award(v, reverses=NOWHERE)),
    ),
    Refused(
        "a private field of another kind",
        "unknown_private",
        "private",
        submitting(lambda v: raw_award(v, private={"weather": digest(PLACE)})),
    ),
    Refused(
        "a cause that is no entry", "unknown_entry", "causes", submitting(lambda v: raw_award(v, causes=[NOWHERE]))
    ),
    Refused(
        "a capture that came before",
        "captured_before",
        "device.seq",
        submitting(lambda v: captured(v, 7), lambda v: captured(v, 7)),
    ),
    Refused("another event under an id", "id_conflict", "event.id", submitting(conflicting)),
    Refused(
        "an event before entry 0", "not_created", "kind", lambda v: refuse(Village(), v.award("zhang", "volunteer"))
    ),
    # Balances -----------------------------------------------------------------------------------------------------
    Refused(
        "more than there is", "insufficient_balance", "body.amount_units", submitting(lambda v: v.redeem("zhang", 1))
    ),
    Refused(
        "a balance out of range",
        "overflow",
        "body.amount_units",
        submitting(lambda v: v.carry("zhang", MAX_INT), lambda v: v.award("zhang", "volunteer")),
    ),
    Refused("a unit the ledger lacks", "unknown_unit", "body", lambda v: merit_only()),
    # ledger_created -----------------------------------------------------------------------------------------------
    Refused("a second entry 0", "already_created", "kind", submitting(lambda v: v.found())),
    Refused(
        "a founder twice",
        "bad_founding",
        "body.root.keys",
        founding(root={"threshold": 1, "keys": [person("mayor").holder()] * 2}),
    ),
    Refused(
        "a threshold above the keys",
        "bad_founding",
        "body.root.threshold",
        founding(root={**founding_body()["root"], "threshold": 3}),
    ),
    Refused("units out of order", "bad_founding", "body.units", founding(units=["spend", "merit"])),
    Refused("a log key that is none", "bad_founding", "body.log_key", founding(log_key="x")),
    Refused("a founding key of small order", "bad_key", "body.root.keys", lambda v: weak_founder()),
    # role_changed, credential_changed -----------------------------------------------------------------------------
    Refused("a key of small order", "bad_key", "body.key", submitting(lambda v: v.role("x", "clerk", key=SMALL_ORDER))),
    Refused("another's key", "key_taken", "body.party", submitting(lambda v: v.role("x", "clerk", key=OFFICER_KEY))),
    Refused("a role held already", "role_held", "body.role", submitting(lambda v: v.role("issuer", "issuer"))),
    Refused(
        "a role that is not held",
        "role_not_held",
        "body.role",
        submitting(lambda v: v.role("issuer", "clerk", action="revoke")),
    ),
    Refused(
        "revoking an unknown key",
        "unknown_key",
        "body.key",
        submitting(lambda v: v.role("x", "clerk", action="revoke")),
    ),
    Refused(
        "a key that ends its own authority",
        "own_key",
        "signatures",
        submitting(lambda v: v.role("mayor", "township", "mayor", action="revoke")),
    ),
    Refused("a role for a resident", "wrong_party", "body.party", submitting(lambda v: v.role("zhang", "issuer"))),
    Refused(
        "a card without a cap", "missing_field", "body.daily_cap_units", submitting(lambda v: v.card("li/card", cap=0))
    ),
    Refused("a card again", "key_taken", "body.key", submitting(lambda v: v.card("zhang/card"))),
    Refused("another's card", "unknown_key", "body.key", submitting(lambda v: v.card("li/card", action="lost"))),
    Refused(
        "a card that ended",
        "credential_ended",
        "body.key",
        submitting(lambda v: v.card("zhang/card", action="lost"), lambda v: v.card("zhang/card", action="revoke")),
    ),
    # party_changed ------------------------------------------------------------------------------------------------
    Refused(
        "a party twice", "party_exists", "body.party", submitting(lambda v: v.party("register", "li", type="resident"))
    ),
    Refused("a party without a type", "missing_field", "body.type", submitting(lambda v: v.party("register", "wang"))),
    Refused(
        "a field too many",
        "superfluous_field",
        "body.other",
        submitting(lambda v: v.party("leave", "li", other="coop")),
    ),
    Refused("an unknown party", "unknown_party", "body.party", submitting(lambda v: v.party("death", "wang"))),
    Refused(
        "a party that is gone",
        "inactive_party",
        "body.subject",
        submitting(lambda v: v.party("death", "zhang"), lambda v: v.award("zhang", "volunteer")),
    ),
    Refused(
        "an act before the register",
        "not_yet_registered",
        "occurred_on",
        submitting(
            lambda v: v.party("register", "wang", type="resident"),
            lambda v: v.award("wang", "volunteer", day="2021-11-19"),
        ),
    ),
    Refused(
        "leaving another household",
        "not_a_member",
        "body.household",
        submitting(lambda v: v.party("leave", "li", household="house")),
    ),
    Refused(
        "overlapping memberships",
        "wrong_order",
        "occurred_on",
        submitting(
            lambda v: v.party("join", "li", household="house"),
            lambda v: v.party("leave", "li", household="house", day="2021-11-01"),
        ),
    ),
    # rulebook_adopted, balance_carried ------------------------------------------------------------------------------
    Refused("a version skipped", "wrong_version", "body.book.version", submitting(lambda v: v.adopt(BOOK, TODAY))),
    Refused(
        "a law that reaches back",
        "wrong_order",
        "body.effective_on",
        submitting(lambda v: v.adopt({**BOOK, "version": 2}, "2021-11-19")),
    ),
    Refused(
        "no day to take effect",
        "not_a_day",
        "body.effective_on",
        submitting(lambda v: v.adopt({**BOOK, "version": 2}, "2021-11-31")),
    ),
    *(
        Refused(f"votes: {code}", code, field, voting(votes))
        for code, field, votes in (
            ("bad_votes", "body.votes", {"present": 11}),
            ("bad_votes", "body.votes", {"against": 2}),
            ("no_quorum", "body.votes.present", {"present": 5, "in_favour": 4}),
            ("no_majority", "body.votes.in_favour", {"in_favour": 4}),
        )
    ),
    Refused("a book that is not TOML", "bad_rulebook", "line 1: book", lambda v: parse_book(b"=")),
    Refused("a book of other types", "bad_rulebook", "line 1: book.version", lambda v: parse_book(b'book = "points"')),
    Refused("a rule twice", "bad_rulebook", "book.rules", rule_twice),
    *(
        Refused(f"rule: {field}", "bad_rulebook", f"book.rules.odd.{field}", booking(**changes))
        for field, changes in (
            ("points_units", {"points_units": None}),
            ("units_per_yuan", {"units_per_yuan": 5}),
            ("legal_basis", {"type": "deduct", "appeal_days": 15}),
            ("caps", {"caps": {}}),
            ("caps", {"type": "redeem", "caps": {"day_units": 5}}),
            ("units", {"units": ["spend", "merit"]}),
            ("units", {"type": "redeem", "units": ["merit", "spend"]}),
            ("valid_from", {"valid_from": "2021-02-30"}),
            ("valid_to", {"valid_from": "2021-03-01", "valid_to": "2021-02-01"}),
        )
    ),
    Refused(
        "an opening balance twice",
        "carried_before",
        "body.subject",
        submitting(lambda v: v.carry("zhang", 5), lambda v: v.carry("zhang", 5)),
    ),
    # task_published, points_awarded -------------------------------------------------------------------------------
    Refused("a task that ends first", "bad_days", "body.ends_on", submitting(lambda v: v.task(ends_on="2021-10-01"))),
    Refused(
        "another version",
        "rule_not_in_force",
        "rule.version",
        submitting(lambda v: v.award("zhang", "volunteer", version=2)),
    ),
    Refused("before any version", "rule_not_in_force", "rule.version", before_any_book),
    Refused(
        "a rule out of season", "rule_not_in_force", "occurred_on", submitting(lambda v: v.award("zhang", "seasonal"))
    ),
    Refused(
        "a rule the book lacks", "unknown_rule", "rule.id", submitting(lambda v: raw_award(v, rule=rule_ref("no_such")))
    ),
    Refused(
        "a rule of another type", "wrong_rule", "rule.id", submitting(lambda v: raw_award(v, rule=rule_ref("exchange")))
    ),
    Refused(
        "the rule's units",
        "wrong_units",
        "body.units",
        submitting(lambda v: v.award("zhang", "volunteer", body={"units": ["spend"]})),
    ),
    Refused(
        "the rule's amount",
        "wrong_amount",
        "body.amount_units",
        submitting(lambda v: v.award("zhang", "volunteer", body={"amount_units": 201})),
    ),
    Refused("no evidence", "evidence_missing", "private", submitting(lambda v: v.award("zhang", "evident"))),
    Refused("no approval", "not_enough_signers", "signatures", submitting(lambda v: v.award("zhang", "approved"))),
    Refused(
        "a cap",
        "cap_exceeded",
        "body.amount_units",
        submitting(lambda v: v.award("zhang", "capped", 2), lambda v: v.award("zhang", "capped")),
    ),
    Refused(
        "no such task",
        "unknown_task",
        "body.task",
        submitting(lambda v: v.award("zhang", "volunteer", body={"task": NOWHERE})),
    ),
    Refused("another rule's task", "wrong_task", "body.task", tasked("merit_only")),
    Refused("a day outside the task", "wrong_task", "occurred_on", tasked(day="2021-10-31")),
    Refused("a task rewarded twice", "counted_before", "body.subject", taking("zhang", capacity=2)),
    Refused("a task that is full", "no_place_left", "body.task", taking("li")),
    Refused("a budget used up", "no_budget_left", "body.task", taking("li", capacity=2, budget_units=300)),
    # points_redeemed, entry_reversed, state_committed --------------------------------------------------------------
    Refused(
        "redeeming offline",
        "online_only",
        "device",
        submitting(lambda v: v.redeem("zhang", 1, device={"id": "a", "seq": 1, "captured_at": 1})),
    ),
    Refused(
        "more than the bill",
        "bill_cap_exceeded",
        "body.amount_units",
        submitting(lambda v: v.carry("zhang", 500), lambda v: v.redeem("zhang", 101, body={"bill_fen": 100})),
    ),
    Refused(
        "more than the card may",
        "card_cap_exceeded",
        "body.amount_units",
        submitting(lambda v: v.carry("zhang", 900), lambda v: v.redeem("zhang", 501)),
    ),
    Refused("reversing what is not there", "unknown_entry", "reverses", submitting(lambda v: v.reverse(NOWHERE))),
    Refused("reversing twice", "reversed_before", "reverses", reversed_twice),
    Refused("reversing a reversal", "not_reversible", "reverses", reversed_reversal),
    *(
        Refused(f"reversal: {field}", "wrong_target", f"body.{field}", reversing(body={field: value}))
        for field, value in (
            ("undo", undo_of(("coop", 5), ("zhang", -5))),
            ("subject", person("li").party),
            ("act", {"occurred_on": TODAY, "rule": rule_ref("capped")}),
        )
    ),
    Refused("a commitment from outside", "not_authorised", "kind", commitment(given=False)),
    Refused("a commitment of another size", "wrong_size", "body.size", commitment(size=3)),
    Refused("a forged root", "wrong_root", "body.root", commitment(root="00" * 32)),
    # Replaying ----------------------------------------------------------------------------------------------------
    Refused("entries swapped", "bad_chain", "chain.seq", replayed(swap_entries)),
    Refused("an id twice", "bad_chain", "event.id", replayed(repeat_id)),
    Refused("other effects", "bad_effects", "effects", replayed(change_effects)),
]


def codes_in_source() -> set[str]:
    """Every ``code="…"`` that the domain's source states."""
    found = set()
    for path in sorted(Path("ledger/domain").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.keyword) and node.arg == "code":
                constants = {n.value for n in ast.walk(node.value) if isinstance(n, ast.Constant)}
                found |= {value for value in constants if isinstance(value, str)}
    return found


INHERITED = {"bad_signature", "not_json"} | {
    f"disclosure_{how}" for how in ("missing", "superfluous", "doubled", "misnamed")
}
"""Codes that come up from the core or the class of the error."""


ONE_SIDED = {"bad_field", "not_canonical", "repeated_key"}
"""Codes that may tell only what was expected, or only what came."""


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_is_refused_with_its_code_and_says_where_and_why(case: Refused) -> None:
    with pytest.raises(LedgerError) as caught:
        case.provoke(Village.founded())
    error = caught.value
    assert (error.code, error.field or "") == (case.code, case.field), error
    assert error.expected is not None or error.got is not None, error
    if error.code not in ONE_SIDED:
        assert None not in (error.expected, error.got), error


def codes_in_tests() -> set[str]:
    """Every text that a test of the domain states on its own: the codes among them are those it looks for."""
    trees = [ast.parse(path.read_text()) for path in sorted(Path("tests/unit/domain").glob("*.py"))]
    nodes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return {node.value for node in nodes if isinstance(node.value, str)}


def test_every_code_in_the_source_is_looked_for_by_a_test() -> None:
    assert {case.code for case in REFUSED} <= codes_in_source() | INHERITED
    assert codes_in_source() <= codes_in_tests()
