"""Who belongs to which household, from when to when, and what moves when two households become one."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from ledger.domain.entries import parse_entry, parse_submission
from ledger.domain.events import Body, pairs
from ledger.domain.facts import Account, Lots, Members, PartyFact
from ledger.domain.register import HOUSEHOLD_MAX
from ledger.domain.state import Replay
from ledger.errors import FormatError
from tests.helpers.people import peopled
from tests.helpers.village import TODAY, Village, person, rule_ref
from tests.helpers.village_rules import BOOK, rule
from tests.helpers.workflow import behind

ANN, BO, ZHANG = (person(name).party for name in ("ann", "bo", "zhang"))
HOUSE, BARN, GROUP = (person(name).party for name in ("house", "barn", "group"))
PAIR = sorted([ANN, BO])


@pytest.fixture
def village() -> Village:
    return peopled()


def party(village: Village, name: str) -> PartyFact:
    fact = village.facts[f"party:{person(name).party}"]
    assert isinstance(fact, PartyFact)
    return fact


def stays(village: Village, name: str) -> list[tuple[str, str, str | None]]:
    return [(stay.household, stay.from_, stay.to or None) for stay in party(village, name).memberships]


def members(village: Village, name: str) -> list[str]:
    fact = village.facts.get(f"members:{person(name).party}")
    return fact.residents if isinstance(fact, Members) else []


def check_register(village: Village) -> None:
    """Whoever has an open membership is a member, once; memberships follow each other."""
    homes: dict[str, list[str]] = defaultdict(list)
    for key, fact in village.facts.items():
        if isinstance(fact, PartyFact):
            for earlier, later in zip(fact.memberships, fact.memberships[1:], strict=False):
                assert earlier.to, "only the last membership is open"
                assert earlier.from_ <= earlier.to <= later.from_, "memberships overlap"
            if fact.memberships and not fact.memberships[-1].to:
                assert fact.status == "active"
                homes[fact.memberships[-1].household].append(key.removeprefix("party:"))
    stated = {
        key.removeprefix("members:"): fact.residents for key, fact in village.facts.items() if isinstance(fact, Members)
    }
    assert {home: residents for home, residents in stated.items() if residents} == {
        home: sorted(residents) for home, residents in homes.items()
    }


# Living in households -------------------------------------------------------------------------------------------------


def test_a_household_belongs_to_a_registered_group(village: Village) -> None:
    assert party(village, "barn").group == GROUP
    assert not party(village, "house").group
    told = parse_entry(village.must(village.party("register", "hut", type="household", group="group")).data)
    assert GROUP in told.effects.parties


def test_a_resident_joins_moves_and_leaves_without_gaps_or_overlaps(village: Village) -> None:
    village.must(village.party("register", "wang", type="resident", household="house", day="2021-02-01"))
    moved = village.must(village.party("join", "wang", household="barn", other="house", day="2021-03-01"))
    assert moved.parties == sorted([person("wang").party, HOUSE, BARN]), "the household that is left is concerned"
    village.must(village.party("leave", "wang", household="barn", day="2021-04-01"))
    village.must(village.party("join", "wang", household="house", day="2021-04-01"))
    assert stays(village, "wang") == [
        (HOUSE, "2021-02-01", "2021-03-01"),
        (BARN, "2021-03-01", "2021-04-01"),
        (HOUSE, "2021-04-01", None),
    ]
    check_register(village)


def test_the_members_of_a_household_are_those_of_now_in_order(village: Village) -> None:
    assert members(village, "barn") == PAIR
    village.must(village.party("join", "ann", household="house"))
    village.must(village.party("join", "zhang", household="house"))
    assert (members(village, "barn"), members(village, "house")) == ([BO], sorted([ANN, ZHANG]))
    village.must(village.party("leave", "ann", household="house"))
    village.must(village.party("death", "bo"))
    assert (members(village, "barn"), members(village, "house")) == ([], [ZHANG])
    check_register(village)


@pytest.mark.parametrize(("action", "status"), [("move_out", "moved_out"), ("death", "deceased")])
def test_who_is_gone_neither_earns_nor_spends_nor_joins_and_leaves_an_untouched_account(
    village: Village, action: str, status: str
) -> None:
    village.must(village.award("zhang", "volunteer"))
    village.must(village.party("join", "zhang", household="house"))
    gone = village.must(village.party(action, "zhang"))
    assert pairs(parse_entry(gone.data).effects.postings) == []
    assert (village.balance("zhang"), village.balance("zhang", "merit")) == (200, 200)
    assert (party(village, "zhang").status, stays(village, "zhang")) == (status, [(HOUSE, TODAY, TODAY)])
    for attempt in (
        village.award("zhang", "volunteer"),
        village.redeem("zhang", 100),
        village.carry("zhang", 100),
        village.party("join", "zhang", household="house", other=None),
        village.party(action, "zhang"),
        village.card("zhang/another"),
    ):
        assert village.refusal(attempt).code == "inactive_party"
    village.must(village.card("zhang/card", action="lost"))
    check_register(village)


def test_who_comes_back_is_not_registered_twice_and_counts_nowhere(village: Village) -> None:
    village.must(village.party("move_out", "ann", day="2021-06-01"))
    back = village.party("register", "ann", type="resident", household="barn")
    assert village.refusal(back).code == "party_exists"
    assert stays(village, "ann") == [(BARN, "2021-02-01", "2021-06-01")]
    assert members(village, "barn") == [BO]


def test_a_household_takes_so_many_members_and_no_more() -> None:
    village = Village.founded()
    names = [f"resident {number}" for number in range(HOUSEHOLD_MAX)]
    for name in names:
        village.must(village.party("register", name, type="resident", household="house"))
    one_more = [
        village.party("register", "wang", type="resident", household="house"),
        village.party("join", "li", household="house"),
    ]
    village.must(village.party("register", "barn", type="household"))
    village.must(village.party("join", "zhang", household="barn"))
    one_more += [village.party("merge", "barn", other="house"), village.party("merge", "house", other="barn")]
    for attempt in one_more:
        error = village.refusal(attempt)
        assert (error.code, error.expected, error.got) == ("too_many_members", "at most 50", "51")
    village.must(village.party("death", names[0]))
    village.must(village.party("merge", "house", other="barn"))
    assert len(members(village, "barn")) == HOUSEHOLD_MAX
    check_register(village)


# Merging households ---------------------------------------------------------------------------------------------------


def test_merged_households_have_their_members_together_from_that_day_on(village: Village) -> None:
    village.must(village.party("join", "zhang", household="house", day="2021-03-01"))
    merged = village.must(village.party("merge", "barn", other="house", day="2021-05-01"))
    assert merged.parties == sorted([HOUSE, BARN, ANN, BO]), "every member is concerned"
    assert (members(village, "barn"), members(village, "house")) == ([], sorted([ANN, BO, ZHANG]))
    for name in ("ann", "bo"):
        assert stays(village, name) == [(BARN, "2021-02-01", "2021-05-01"), (HOUSE, "2021-05-01", None)]
    ended = party(village, "barn")
    assert (ended.status, ended.merged_into, ended.group) == ("merged", HOUSE, GROUP)
    check_register(village)


def test_no_clerk_moves_points_into_the_own_household(village: Village) -> None:
    behind(village, "clerk", "zhang")
    village.must(village.party("join", "zhang", household="house"))
    for ends, stays_on in (("barn", "house"), ("house", "barn")):
        assert village.refusal(village.party("merge", ends, other=stays_on)).code == "own_case"
    village.must(village.party("leave", "zhang", household="house"))
    village.must(village.party("merge", "barn", other="house"))


def test_a_merged_household_acts_no_more(village: Village) -> None:
    village.must(village.party("merge", "barn", other="house"))
    for attempt in (
        village.award("barn", "helping"),
        village.party("join", "zhang", household="barn"),
        village.party("merge", "barn", other="house"),
        village.party("merge", "house", other="barn"),
    ):
        assert village.refusal(attempt).code == "inactive_party"
    assert members(village, "house") == PAIR


def book_of_households(village: Village) -> None:
    """Rules by which a household's points lapse, or its merit falls, from November on."""
    lapsing = rule("lapsing_home", target="household", points_units=500, expires_after_days=100)
    untidy = rule("untidy", type="deduct", target="household", units=["merit"], legal_basis="村规民约", appeal_days=15)
    rules = [*BOOK["rules"], lapsing, untidy]
    village.must(village.adopt({**BOOK, "version": 2, "rules": rules}, "2021-11-01", day="2021-11-01"))


def points(village: Village, kind: str, name: str, rule_id: str, amount: int, **more: Any) -> bytes:
    """Points for or against a household, by its rule that gives 500 or the one that takes 200, in version 2."""
    units = ["merit"] if rule_id == "untidy" else ["merit", "spend"]
    quantity = amount // (200 if rule_id == "untidy" else 500)
    sides = {"issuer": person("coop").party, "subject": person(name).party}
    body = {"amount_units": amount, "quantity": quantity, "units": units, **sides, **more.pop("body", {})}
    return village.make(kind, body, "issuer", "reviewer", rule=rule_ref(rule_id, 2), **more)


def owe(village: Village, name: str, amount: int) -> None:
    """Let a household's merit fall by an amount."""
    days = {"noticed_on": TODAY, "appeal_until": "2021-12-31"}
    village.must(points(village, "points_deducted", name, "untidy", amount, body=days))


def lots(village: Village, name: str) -> list[tuple[str, int, int]]:
    fact = village.facts.get(f"lots:{person(name).party}")
    return [(lot.expires_on, lot.seq, lot.units) for lot in fact.lots] if isinstance(fact, Lots) else []


def test_the_whole_balance_moves_merit_below_zero_as_well(village: Village) -> None:
    book_of_households(village)
    village.must(village.award("barn", "helping", 2, version=2))
    village.must(village.award("house", "helping", version=2))
    owe(village, "barn", 10_000)
    merged = village.must(village.party("merge", "barn", other="house"))
    moves = [(f"{BARN}/spend", -4000), (f"{HOUSE}/spend", 4000), (f"{BARN}/merit", 6000), (f"{HOUSE}/merit", -6000)]
    assert pairs(parse_entry(merged.data).effects.postings) == sorted(moves)
    assert (village.balance("barn"), village.balance("barn", "merit")) == (0, 0)
    assert (village.balance("house"), village.balance("house", "merit")) == (6000, -4000)
    assert village.balance("coop") == -6000


def test_a_unit_of_which_there_is_nothing_does_not_move(village: Village) -> None:
    village.must(village.carry("barn", 300))
    merged = village.must(village.party("merge", "barn", other="house"))
    moves = [(f"{BARN}/spend", -300), (f"{HOUSE}/spend", 300)]
    assert pairs(parse_entry(merged.data).effects.postings) == sorted(moves)
    village.must(village.party("register", "hut", type="household"))
    empty = village.must(village.party("merge", "hut", other="house"))
    assert pairs(parse_entry(empty.data).effects.postings) == []
    assert empty.parties == sorted([HOUSE, person("hut").party]), "a household without members names none"


def test_points_that_lapse_keep_their_days_in_the_other_household(village: Village) -> None:
    book_of_households(village)
    first, second, third = (
        village.must(points(village, "points_awarded", name, "lapsing_home", 500, day=day)).seq
        for name, day in (("barn", "2021-11-03"), ("house", "2021-11-02"), ("barn", "2021-11-01"))
    )
    assert lots(village, "barn") == [("2022-02-09", third, 500), ("2022-02-11", first, 500)]
    village.must(village.party("merge", "barn", other="house"))
    assert lots(village, "barn") == []
    merged = [("2022-02-09", third, 500), ("2022-02-10", second, 500), ("2022-02-11", first, 500)]
    assert lots(village, "house") == merged


def test_households_merge_one_after_the_other(village: Village) -> None:
    village.must(village.party("register", "hut", type="household", day="2021-01-01"))
    village.must(village.carry("barn", 300))
    village.must(village.party("merge", "barn", other="house", day="2021-05-01"))
    village.must(village.party("merge", "house", other="hut", day="2021-05-01"))
    assert stays(village, "ann") == [
        (BARN, "2021-02-01", "2021-05-01"),
        (HOUSE, "2021-05-01", "2021-05-01"),
        (person("hut").party, "2021-05-01", None),
    ]
    assert (members(village, "hut"), village.balance("hut"), village.balance("house")) == (PAIR, 300, 0)
    check_register(village)


def test_in_one_group_each_event_sees_the_members_before_it(village: Village) -> None:
    join = village.party("join", "zhang", household="barn")
    merge = village.party("merge", "barn", other="house", members=sorted([ANN, BO, ZHANG]))
    leave = village.party("leave", "ann", household="house")
    assert [getattr(one, "code", "ok") for one in village.submit(join, merge, leave)] == ["ok", "ok", "ok"]
    assert members(village, "house") == sorted([BO, ZHANG])
    check_register(village)


@pytest.mark.parametrize(
    ("name", "stated", "got"),
    [
        ("none", None, "none"),
        ("one too few", PAIR[:1], PAIR[0]),
        ("one too many", sorted([ANN, BO, ZHANG]), ", ".join(sorted([ANN, BO, ZHANG]))),
        ("another", sorted([ANN, ZHANG]), ", ".join(sorted([ANN, ZHANG]))),
        ("out of order", PAIR[::-1], ", ".join(PAIR[::-1])),
        ("one twice", [PAIR[0], *PAIR], ", ".join([PAIR[0], *PAIR])),
    ],
)
def test_a_merge_names_exactly_the_members_of_now(
    village: Village, name: str, stated: list[str] | None, got: str
) -> None:
    error = village.refusal(village.party("merge", "barn", other="house", members=stated))
    assert (error.code, error.field) == ("wrong_members", "body.members")
    assert (error.expected, error.got) == (", ".join(PAIR), got)


@pytest.mark.parametrize("stated", [[], [ANN] * 91, [ANN, "p_none"]], ids=["an empty list", "91 members", "no party"])
def test_a_list_of_members_is_neither_empty_nor_endless_nor_of_anything_else(
    village: Village, stated: list[str]
) -> None:
    with pytest.raises(FormatError) as caught:
        parse_submission(village.party("merge", "barn", other="house", members=stated))
    assert caught.value.code == "bad_field"


MERGE = {"action": "merge", "party": BARN, "other": HOUSE, "members": PAIR}
LEAVE = {"action": "leave", "party": ANN, "household": BARN}


def moves(*deltas: tuple[str, int]) -> list[tuple[str, int]]:
    return sorted(
        (f"{person(account.split('/')[0]).party}/{account.split('/')[1]}", delta) for account, delta in deltas
    )


@pytest.mark.parametrize(
    ("name", "fields", "postings", "good"),
    [
        ("nothing", MERGE, [], True),
        ("spend", MERGE, moves(("barn/spend", -5), ("house/spend", 5)), True),
        ("merit", MERGE, moves(("barn/merit", -5), ("house/merit", 5)), True),
        ("merit below zero", MERGE, moves(("barn/merit", 5), ("house/merit", -5)), True),
        (
            "both",
            MERGE,
            moves(("barn/spend", -5), ("house/spend", 5), ("barn/merit", 7), ("house/merit", -7)),
            True,
        ),
        ("spend the other way", MERGE, moves(("barn/spend", 5), ("house/spend", -5)), False),
        ("one side", MERGE, moves(("barn/spend", -5)), False),
        ("only the other side", MERGE, moves(("house/spend", 5)), False),
        ("unlike sides", MERGE, moves(("barn/spend", -5), ("house/spend", 4)), False),
        ("to a third", MERGE, moves(("barn/spend", -5), ("zhang/spend", 5)), False),
        ("to a member besides", MERGE, moves(("barn/spend", -5), ("house/spend", 5), ("ann/spend", 1)), False),
        ("across units", MERGE, moves(("barn/spend", -5), ("house/merit", 5)), False),
        ("out of order", MERGE, moves(("barn/spend", -5), ("house/spend", 5))[::-1], False),
        ("twice", MERGE, moves(*[("barn/spend", -5), ("house/spend", 5)] * 2), False),
        ("a merge with itself", {**MERGE, "other": BARN}, moves(("barn/spend", -5), ("barn/spend", 5)), False),
        ("a merge with nobody", {"action": "merge", "party": BARN}, moves(("barn/spend", -5)), False),
        ("leaving", LEAVE, [], True),
        ("points on leaving", {**LEAVE, "other": HOUSE}, moves(("ann/spend", -5), ("house/spend", 5)), False),
    ],
)
def test_without_any_state_the_postings_are_what_a_merge_may_move(
    village: Village, name: str, fields: dict[str, Any], postings: list[tuple[str, int]], good: bool
) -> None:
    body: Body = parse_submission(village.make("party_changed", fields, "clerk", "clerk two")).event.body
    assert body.check_postings(postings) is good


def test_a_replay_gives_the_same_register(village: Village) -> None:
    village.must(village.carry("barn", 300))
    village.must(village.party("join", "zhang", household="house"))
    village.must(village.party("merge", "barn", other="house"))
    village.must(village.party("death", "bo"))
    replay = Replay(village.entries.__getitem__)
    for data in village.entries:
        replay.apply(data)
    assert {key: fact for key, fact in replay.facts.items() if fact is not None} == village.facts
    account = village.facts[f"account:{ANN}"]
    assert isinstance(account, Account)
    assert account.count == 2, "registered with the household, and merged with it"


def test_one_clerk_alone_changes_nobody(village: Village) -> None:
    alone = village.party("merge", "barn", other="house", signers=("clerk",))
    assert village.refusal(alone).code == "not_enough_signers"
