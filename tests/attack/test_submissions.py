"""Submissions that are well typed and meant to harm: each is refused alone, and the events beside it are appended."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from ledger.config import Settings
from tests.helpers.storage import BOTH, database
from tests.unit.api.world import World, founded, resigned, running


@pytest.fixture(scope="module", params=BOTH)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("village")
    with database(request.param, folder) as url:
        settings = Settings(data_dir=folder, database_url=url, commit_interval_s=3600)
        founded(settings)
        with running(settings) as made:
            made.populate()
            yield made


def refused_beside_others(world: World, submission: bytes) -> tuple[int, str, str]:
    """Status, code and field of a line's refusal, after its neighbours in the batch were appended."""
    village = world.village
    lines = [village.award("zhang", "volunteer"), submission, village.award("zhang", "volunteer")]
    answers = [json.loads(line) for line in world.post_batch(b"\n".join(lines)).text.splitlines()]
    assert [answers[place].get("replayed") for place in (0, 2)] == [False, False], answers
    return answers[1]["status"], answers[1]["code"], answers[1]["field"]


def test_a_reversal_that_names_no_entry_harms_no_event_beside_it(world: World) -> None:
    reversal = world.village.reverse("00000000-0000-4000-8000-ffffffffffff")
    nameless = resigned(reversal, lambda event: event.pop("reverses"), "issuer", "oversight")
    assert refused_beside_others(world, nameless) == (422, "missing_field", "reverses")


@pytest.mark.parametrize("key", ["\0" * 64, "F" * 64, "é" * 64, "f" * 63 + "\n"])
def test_a_key_id_that_is_none_never_meets_the_database(world: World, key: str) -> None:
    award = world.village.award("zhang", "volunteer")
    odd = json.dumps(json.loads(award) | {"signatures": [{**json.loads(award)["signatures"][0], "key": key}]})
    assert refused_beside_others(world, odd.encode()) == (400, "bad_field", "signatures.0.key")
