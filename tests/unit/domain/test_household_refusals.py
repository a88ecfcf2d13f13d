"""Every change of parties and households that is refused, by its code."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.errors import RefusalError
from tests.helpers.people import peopled
from tests.helpers.provoke import Provoke, Refused, submitting
from tests.helpers.village import Village, person

PAIR = sorted(person(name).party for name in ("ann", "bo"))


def changing(action: str, name: str, **body: Any) -> Provoke:
    """A change in the peopled village that is refused."""

    def provoke(_: Village) -> None:
        village = peopled()
        raise village.refusal(village.party(action, name, **body))

    return provoke


EARLY = "2021-01-31"
REFUSED = [
    # Registering --------------------------------------------------------------------------------------------------
    *(
        Refused(name, code, field, changing("register", "wang", **body))
        for name, code, field, body in (
            ("a group for a resident", "wrong_party", "body.party", {"type": "resident", "group": "group"}),
            ("a group for a group", "wrong_party", "body.party", {"type": "group", "group": "group"}),
            ("a group that is unknown", "unknown_party", "body.group", {"type": "household", "group": "nobody"}),
            ("a group that is none", "wrong_party", "body.group", {"type": "household", "group": "house"}),
            (
                "a group that came later",
                "not_yet_registered",
                "occurred_on",
                {"type": "household", "group": "group", "day": "2020-12-31"},
            ),
            ("a household for a shop", "wrong_party", "body.party", {"type": "shop", "household": "house"}),
            ("a household that is none", "wrong_party", "body.household", {"type": "resident", "household": "shop"}),
            ("members on registering", "superfluous_field", "body.members", {"type": "household", "members": PAIR}),
            ("another household on registering", "superfluous_field", "body.other", {"other": "house"}),
        )
    ),
    # Moving -------------------------------------------------------------------------------------------------------
    *(
        Refused(name, code, f"body.{field}", changing(action, who, **body))
        for name, code, field, action, who, body in (
            ("joining no household", "missing_field", "household", "join", "zhang", {}),
            ("joining a shop", "wrong_party", "household", "join", "zhang", {"household": "shop"}),
            ("joining where one is", "already_a_member", "household", "join", "ann", {"household": "barn"}),
            (
                "joining without saying what is left",
                "missing_field",
                "other",
                "join",
                "ann",
                {"household": "house", "other": None},
            ),
            (
                "joining from elsewhere",
                "not_a_member",
                "other",
                "join",
                "ann",
                {"household": "house", "other": "house"},
            ),
            (
                "joining from a household while in none",
                "not_a_member",
                "other",
                "join",
                "zhang",
                {"household": "house", "other": "barn"},
            ),
            ("joining with a type", "superfluous_field", "type", "join", "zhang", {"type": "resident"}),
            ("joining a group", "superfluous_field", "group", "join", "zhang", {"group": "group"}),
            ("joining with members", "superfluous_field", "members", "join", "zhang", {"members": PAIR}),
            ("leaving nothing", "missing_field", "household", "leave", "ann", {}),
            ("leaving another household", "not_a_member", "household", "leave", "ann", {"household": "house"}),
            ("leaving while in none", "not_a_member", "household", "leave", "zhang", {"household": "house"}),
            ("leaving for another", "superfluous_field", "other", "leave", "ann", {"other": "house"}),
            ("a household that leaves", "wrong_party", "party", "leave", "barn", {"household": "house"}),
        )
    ),
    *(
        Refused(f"{action}: {name}", code, f"body.{field}", changing(action, who, **body))
        for action in ("move_out", "death")
        for name, code, field, who, body in (
            ("the household is not named", "missing_field", "household", "ann", {"household": None}),
            ("another household", "not_a_member", "household", "ann", {"household": "house"}),
            ("a household of one who has none", "not_a_member", "household", "zhang", {"household": "house"}),
            ("another household besides", "superfluous_field", "other", "ann", {"other": "house"}),
            ("of a household with members", "wrong_party", "party", "barn", {}),
            ("of a household without members", "wrong_party", "party", "house", {}),
        )
    ),
    Refused(
        "joining before the household was registered",
        "not_yet_registered",
        "occurred_on",
        submitting(
            lambda v: v.party("register", "hut", type="household"),
            lambda v: v.party("join", "zhang", household="hut", day="2021-11-19"),
        ),
    ),
    *(
        Refused(f"{action} before the membership began", "wrong_order", "occurred_on", changing(action, who, **body))
        for action, who, body in (
            ("join", "bo", {"household": "house", "day": EARLY}),
            ("leave", "bo", {"household": "barn", "day": EARLY}),
            ("move_out", "bo", {"day": EARLY}),
            ("death", "bo", {"day": EARLY}),
            ("merge", "barn", {"other": "house", "day": EARLY}),
        )
    ),
    *(
        Refused(f"{name} was registered", "not_yet_registered", "occurred_on", changing(action, who, **body))
        for name, action, who, body in (
            ("dying before one", "death", "zhang", {"day": "2020-12-31"}),
            ("moving in before one", "join", "zhang", {"household": "barn", "day": "2020-12-31"}),
        )
    ),
    *(
        Refused(
            f"merging {first} with {second} before it was registered",
            "not_yet_registered",
            "occurred_on",
            submitting(
                lambda v: v.party("register", "hut", type="household"),
                lambda v, first=first, second=second: v.party("merge", first, other=second, day="2021-11-19"),
            ),
        )
        for first, second in (("hut", "house"), ("house", "hut"))
    ),
    Refused(
        "joining again before one left",
        "wrong_order",
        "occurred_on",
        submitting(
            lambda v: v.party("join", "zhang", household="house", day="2021-02-01"),
            lambda v: v.party("leave", "zhang", household="house", day="2021-05-01"),
            lambda v: v.party("join", "zhang", household="house", day="2021-04-30"),
        ),
    ),
    # Merging ------------------------------------------------------------------------------------------------------
    *(
        Refused(f"merge: {name}", code, f"body.{field}", changing("merge", who, **body))
        for name, code, field, who, body in (
            ("with itself", "missing_field", "other", "barn", {"other": "barn"}),
            ("with nobody", "missing_field", "other", "barn", {}),
            ("of a resident", "wrong_party", "party", "zhang", {"other": "house"}),
            ("with a resident", "wrong_party", "other", "barn", {"other": "zhang"}),
            ("with an unknown household", "unknown_party", "other", "barn", {"other": "nobody"}),
            ("without its members", "wrong_members", "members", "barn", {"other": "house", "members": None}),
            ("with members it has not", "wrong_members", "members", "house", {"other": "barn", "members": PAIR}),
            ("and a household to join", "superfluous_field", "household", "barn", {"household": "house"}),
        )
    ),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_is_refused_with_its_code_and_says_where_and_why(case: Refused) -> None:
    with pytest.raises(RefusalError) as caught:
        case.provoke(Village.founded())
    error = caught.value
    assert (error.code, error.field) == (case.code, case.field), error
    assert None not in (error.expected, error.got), error
