"""Disclosures match the digests of the event they come with: none missing, none more, each of its type."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.core.disclosure import digest, make
from ledger.core.encoding import JSON
from ledger.domain.disclosures import check_disclosures
from ledger.domain.entries import parse_submission
from ledger.domain.events import Event
from ledger.errors import FormatError, LedgerError, RefusalError
from tests.helpers.village import Village, person


def award(**private: str) -> Event:
    village = Village.founded()
    fields: dict[str, Any] = {"private": private} if private else {}
    return parse_submission(village.award("zhang", "volunteer", **fields)).event


def of(name: str, value: JSON) -> str:
    return make(bytes(16), name, value)


def test_each_disclosure_is_answered_with_its_name_and_the_party_it_is_about() -> None:
    place, photo = of("place", "村委会"), of("photo", "0f" * 32)
    event = award(place=digest(place), photo=digest(photo))
    zhang = person("zhang").party
    assert check_disclosures(event, [photo, place]) == [("photo", zhang, photo), ("place", zhang, place)]


def test_an_event_without_private_details_takes_no_disclosures() -> None:
    assert check_disclosures(award(), []) == []
    with pytest.raises(RefusalError) as caught:
        check_disclosures(award(), [of("place", "x")])
    assert (caught.value.code, caught.value.expected) == ("disclosure_superfluous", "none")


def test_a_disclosure_of_a_kind_that_speaks_of_nobody_is_refused() -> None:
    village = Village.founded()
    text = of("place", "x")
    data = village.make("rulebook_adopted", {}, "council", private={"place": digest(text)})
    with pytest.raises(FormatError):
        parse_submission(data)
    event = parse_submission(village.card("li/card")).event
    assert event.body.holder() is None


@pytest.mark.parametrize(
    ("name", "value", "fine"),
    [
        ("place", "村", True),
        ("place", "村" * 2000, True),
        ("place", "村" * 2001, False),
        ("place", "", False),
        ("place", 1, False),
        ("place", True, False),
        ("place", ["x"], False),
        ("place", "e\u0301", False),
        ("photo", "0f" * 32, True),
        ("photo", "0F" * 32, False),
        ("photo", "0f" * 32 + "\n", False),
        ("photo", 5, False),
    ],
)
def test_values_are_of_the_type_that_the_kind_gives_them(name: str, value: JSON, fine: bool) -> None:
    text = of(name, value)
    event = award(**{name: digest(text)})
    if fine:
        assert check_disclosures(event, [text])
    else:
        with pytest.raises(FormatError) as caught:
            check_disclosures(event, [text])
        assert caught.value.field == f"private.{name}"


@pytest.mark.parametrize("text", ["", "!", "AA", of("place", "x") + "A", of("place", "x") + "="])
def test_what_is_no_disclosure_is_refused(text: str) -> None:
    with pytest.raises(LedgerError):
        check_disclosures(award(place=digest(of("place", "x"))), [text])


@pytest.mark.parametrize(("value", "fine"), [(3, True), (True, False), ("3", False)])
def test_an_integer_is_an_integer(monkeypatch: pytest.MonkeyPatch, value: JSON, fine: bool) -> None:
    text = of("place", value)
    event = award(place=digest(text))
    monkeypatch.setattr(type(event.body), "private", {"place": "integer"})
    if fine:
        assert check_disclosures(event, [text])
    else:
        with pytest.raises(FormatError, match="another type"):
            check_disclosures(event, [text])
