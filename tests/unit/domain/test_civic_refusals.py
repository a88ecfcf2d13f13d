"""Every way in which a post is refused: what its type may not have, and what would tie an anonymous one to somebody."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ledger.core.encoding import canonical, decode_base64url
from ledger.core.hashing import key_id
from ledger.domain.kinds.civic import LISTED
from ledger.errors import LedgerError
from tests.helpers.provoke import NOWHERE, SMALL_ORDER, Refused, submitting
from tests.helpers.recognition import anonymous, post, private, village_of_honours
from tests.helpers.village import Village, person, sign

UUID_V7 = "01900000-0000-7000-8000-000000000001"
CAPTURED = {"id": "phone-1", "seq": 1, "captured_at": 1}
NAMED = {"suggestion": ("zhang", "zhang/card"), "listing": ("zhang", "zhang/card")}
"""Who posts what under a name; everything else is the cooperative's."""


def suggested(village: Village) -> str:
    """An anonymous suggestion by ``someone``; answers its id."""
    return village.must(anonymous(village, "someone")).event_id


def named(village: Village, kind: str, **more: Any) -> bytes:
    """A post of a type by one who may post it."""
    return post(village, kind, *NAMED.get(kind, ("coop", "village one")), **more)


def as_party(village: Village, name: str) -> bytes:
    """An anonymous post with a fresh key, in the name of a party."""
    body = {"one_time": person(f"{name}/fresh").ref(), "poster": person(name).party, "type": "suggestion"}
    event = village.event("civic_posted", name, body, private=private(text="路灯坏了"))
    return sign(event, f"{name}/fresh")


def signed_by(village: Village, *signers: str) -> bytes:
    """An anonymous post of ``nobody`` with other signatures."""
    return sign(json.loads(anonymous(village, "nobody"))["event"], *signers)


def small_order_key(village: Village) -> None:
    """Only where somebody else vouched for the signature does deciding see such a key."""
    submission = json.loads(anonymous(village, "nobody", body={"one_time": SMALL_ORDER}))
    submission["signatures"][0]["key"] = key_id(decode_base64url(SMALL_ORDER["public"], size=32))
    outcome = village.submit(canonical(submission), verified=True)[0]
    assert isinstance(outcome, LedgerError), outcome
    raise outcome


REFUSED = [
    Refused(
        "a device",
        "linked",
        "device",
        submitting(lambda v: anonymous(v, "nobody", device=CAPTURED)),
    ),
    Refused("causes", "linked", "causes", submitting(lambda v: anonymous(v, "nobody", causes=[suggested(v)]))),
    Refused("an id that tells the time", "linked", "id", submitting(lambda v: anonymous(v, "nobody", id=UUID_V7))),
    Refused(
        "a poster who is registered",
        "party_exists",
        "body.poster",
        submitting(lambda v: as_party(v, "zhang")),
    ),
    Refused(
        "a poster whom an entry concerned",
        "party_exists",
        "body.poster",
        submitting(lambda v: anonymous(v, "nobody"), lambda v: as_party(v, "nobody")),
    ),
    Refused(
        "a key of small order",
        "bad_key",
        "body.one_time",
        small_order_key,
    ),
    Refused(
        "a card beside the one-time key",
        "unknown_key",
        "signatures",
        submitting(lambda v: signed_by(v, "nobody", "zhang/card")),
    ),
    Refused(
        "a card in place of the one-time key",
        "unknown_key",
        "signatures",
        submitting(lambda v: signed_by(v, "zhang/card")),
    ),
    Refused(
        "a poster other than the actor",
        "not_authorised",
        "signatures",
        submitting(lambda v: anonymous(v, "nobody", body={"poster": person("other").party})),
    ),
    *(
        Refused(
            f"an anonymous {kind}",
            "superfluous_field",
            "body.one_time",
            submitting(lambda v, kind=kind, body=body: anonymous(v, "nobody", kind, body=body(v))),  # type: ignore[misc]
        )
        for kind, body in (
            ("notice", lambda v: {}),
            ("reply", lambda v: {"about": suggested(v)}),
            ("referral", lambda v: {"about": suggested(v), "to": person("forestry").party}),
        )
    ),
    *(
        Refused(
            f"{kind}: no {field}",
            "missing_field",
            f"body.{field}",
            submitting(lambda v, kind=kind, body=body: named(v, kind, body=body)),  # type: ignore[misc]
        )
        for kind, field, body in (
            ("reply", "about", {}),
            ("referral", "about", {"to": person("forestry").party}),
            ("referral", "to", {"about": NOWHERE}),
            ("listing", "trade", {}),
        )
    ),
    *(
        Refused(
            f"{kind}: a {field}",
            "superfluous_field",
            f"body.{field}",
            submitting(lambda v, kind=kind, body=body: named(v, kind, body=body)),  # type: ignore[misc]
        )
        for kind, field, body in (
            ("suggestion", "to", {"to": person("coop").party}),
            ("suggestion", "trade", {"trade": "want"}),
            ("notice", "to", {"to": person("zhang").party}),
            ("notice", "trade", {"trade": "offer"}),
            ("reply", "trade", {"about": NOWHERE, "trade": "offer"}),
            ("referral", "trade", {"about": NOWHERE, "to": person("forestry").party, "trade": "offer"}),
            ("listing", "to", {"trade": "offer", "to": person("coop").party}),
        )
    ),
    *(
        Refused(
            f"{kind}: without {needed}",
            "missing_field",
            f"private.{needed}",
            submitting(lambda v, kind=kind, body=body, given=given: named(v, kind, body=body, private=given)),  # type: ignore[misc]
        )
        for kind, needed, body, given in (
            ("suggestion", "text", {}, None),
            ("notice", "text", {}, private(title="公示")),
            ("reply", "text", {"about": NOWHERE}, private(title="答复")),
            ("referral", "text", {"about": NOWHERE, "to": person("forestry").party}, None),
            ("listing", "goods", {"trade": "offer"}, private(text="土豆")),
        )
    ),
    *(
        Refused(
            f"a suggestion with {name}",
            "superfluous_field",
            f"private.{name}",
            submitting(lambda v, name=name: named(v, "suggestion", private=private(text="好", **{name: 5}))),  # type: ignore[misc]
        )
        for name in LISTED
    ),
    Refused(
        "about nothing", "unknown_entry", "body.about", submitting(lambda v: named(v, "reply", body={"about": NOWHERE}))
    ),
    Refused(
        "about an award",
        "unknown_entry",
        "body.about",
        submitting(
            lambda v: named(v, "reply", body={"about": v.must(v.award("zhang", "volunteer", version=2)).event_id})
        ),
    ),
    Refused(
        "a reply to somebody else",
        "wrong_target",
        "body.to",
        submitting(lambda v: named(v, "reply", body={"about": suggested(v), "to": person("zhang").party})),
    ),
    Refused(
        "a referral to a shop",
        "wrong_party",
        "body.to",
        submitting(lambda v: named(v, "referral", body={"about": suggested(v), "to": person("shop").party})),
    ),
    Refused(
        "a notice of a resident",
        "wrong_party",
        "body.poster",
        submitting(lambda v: post(v, "notice", "zhang", "village one")),
    ),
    Refused(
        "a suggestion with another's card",
        "not_authorised",
        "signatures",
        submitting(lambda v: post(v, "suggestion", "zhang", "li/phone")),
    ),
    Refused(
        "a notice by a resident",
        "not_authorised",
        "signatures",
        submitting(lambda v: post(v, "notice", "coop", "zhang/card")),
    ),
    Refused(
        "a suggestion by an officer",
        "not_authorised",
        "signatures",
        submitting(lambda v: post(v, "suggestion", "zhang", "village one")),
    ),
    Refused(
        "a suggestion of the deceased",
        "inactive_party",
        "body.poster",
        submitting(lambda v: v.party("death", "li"), lambda v: post(v, "suggestion", "li", "li/phone")),
    ),
    Refused(
        "a suggestion before its poster was registered",
        "not_yet_registered",
        "occurred_on",
        submitting(lambda v: post(v, "suggestion", "zhang", "zhang/card", day="2020-12-31")),
    ),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.name)
def test_is_refused_with_its_code_and_says_where_and_why(case: Refused) -> None:
    with pytest.raises(LedgerError) as caught:
        case.provoke(village_of_honours())
    error = caught.value
    assert (error.code, error.field) == (case.code, case.field), error
    assert None not in (error.expected, error.got), error
