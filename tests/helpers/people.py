"""A village in memory with a group and a household that people live in."""

from __future__ import annotations

from tests.helpers.village import Village


def peopled() -> Village:
    """A village with a group, a second household, and Ann and Bo who live there since February."""
    village = Village.founded()
    village.must(village.party("register", "group", type="group", day="2021-01-01"))
    village.must(village.party("register", "barn", type="household", group="group", day="2021-01-01"))
    village.must(village.party("register", "ann", type="resident", household="barn", day="2021-02-01"))
    village.must(village.party("register", "bo", type="resident", day="2021-01-01"))
    village.must(village.party("join", "bo", household="barn", day="2021-02-01"))
    return village
