"""Rule books: read from TOML, or refused with the place of the fault."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.core.encoding import canonical
from ledger.domain.bookread import parse_book
from ledger.domain.fields import RuleRef, encode
from ledger.domain.rules import Caps, cap_keys, rule_key
from ledger.errors import FormatError
from tests.helpers.village_rules import BOOK

TOML = """
book = "points"
version = 1
title = "积分细则"

[[rules]]
id = "volunteer"
type = "award"
name_zh = "志愿服务"
name_en = "Volunteering"
category = "service"
units = ["merit", "spend"]
target = "person"
points_units = 200
caps = { day_units = 400 }
evidence = ["photo"]
"""


def test_a_book_is_read_from_toml_and_encoded_canonically() -> None:
    book = parse_book(TOML.encode())
    rule = book.rules[0]
    assert rule.caps == Caps(day_units=400)
    assert encode(book) == canonical(
        {
            "book": "points",
            "rules": [
                {
                    "caps": {"day_units": 400},
                    "category": "service",
                    "evidence": ["photo"],
                    "id": "volunteer",
                    "name_en": "Volunteering",
                    "name_zh": "志愿服务",
                    "points_units": 200,
                    "target": "person",
                    "type": "award",
                    "units": ["merit", "spend"],
                }
            ],
            "title": "积分细则",
            "version": 1,
        }
    )


def _toml(old: str, new: str) -> bytes:
    assert old in TOML
    return TOML.replace(old, new).encode()


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (_toml("version = 1", "version = "), "line 3"),
        (_toml("version = 1", "version = 1.5"), "version"),
        (_toml("points_units = 200", "points_units = -1"), "points_units"),
        (_toml("points_units = 200", "points = 200"), "points"),
        (_toml("points_units = 200", "points_units = 200\nvalid_from = 2021-01-01"), "date"),
        (_toml('type = "award"', 'type = "gift"'), "gift"),
        (_toml('["photo"]', "[]"), "evidence"),
        (_toml('"volunteer"', '"volunteer\\n"'), "a name: "),
        (b"\xff", "UTF-8"),
    ],
)
def test_a_fault_of_a_book_is_named(data: bytes, word: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse_book(data)
    assert caught.value.code == "bad_rulebook"
    assert word in str(caught.value)


def test_all_versions_of_a_rule_share_the_keys_of_its_caps() -> None:
    first, second = (RuleRef(book="points", version=version, id="volunteer") for version in (1, 2))
    assert rule_key(first) != rule_key(second)
    assert cap_keys(first, "p", "2021-11-20") == cap_keys(second, "p", "2021-11-20")
    assert [key.rpartition("/")[2] for key in cap_keys(first, "p", "2021-11-20")] == ["2021-11-20", "2021-11", "2021"]


def test_the_village_of_the_tests_has_a_sound_book() -> None:
    rules: list[dict[str, Any]] = BOOK["rules"]
    assert {one["type"] for one in rules} == {"award", "deduct", "redeem"}
