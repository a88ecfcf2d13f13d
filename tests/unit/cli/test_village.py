"""`gongfen figures`, `gongfen household` and `gongfen expire` against a village in process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from ledger import cli
from ledger.commands import village as commands
from ledger.config import Settings
from ledger.core.disclosure import digest, make
from tests.helpers.village import day_of, person, rule_ref
from tests.helpers.village_rules import BOOK, RULES
from tests.unit.api.world import NAME, World, changed, founded, running

HOUSE, ZHANG = person("house").party, person("zhang").party


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The house with Zhang, an honour of this year, and awards of which one was a mistake."""
    made = Settings(data_dir=tmp_path_factory.mktemp("village"))
    founded(made)
    with running(made) as world:
        world.populate()
        village, client = world.village, world.client()
        day = day_of(village.now_ms)
        world.must(village.party("register", "house", type="household", day="2021-01-01"))
        world.must(village.party("join", "zhang", household="house", day="2021-01-01"))
        star = {key: value for key, value in RULES["volunteer"].items() if key not in ("units", "points_units")}
        star |= {"id": "star", "type": "honour", "target": "household", "name_zh": "文明星"}
        book = {**BOOK, "version": 2, "rules": [*BOOK["rules"], star]}
        world.must(village.adopt(book, day))
        village.version = 2
        body = {"action": "grant", "issuer": person("coop").party, "subject": HOUSE}
        world.must(village.make("honour_changed", body, "council", rule=rule_ref("star", 2)))
        shown = make(bytes(16), "place", "村委会\u202e")
        award = village.award("zhang", "budgeted", 2, private={"place": digest(shown)})
        world.must(changed(award, lambda value: value.update(disclosures=[shown])))
        wrong = json.loads(client.entry(NAME, world.must(village.award("zhang", "volunteer"))["seq"]))
        undo = [{"account": p["account"], "delta": -p["delta"]} for p in wrong["effects"]["postings"]]
        act = {"occurred_on": day, "rule": wrong["event"]["rule"]}
        body = {"issuer": person("coop").party, "reason": "mistake", "subject": ZHANG, "undo": undo, "act": act}
        world.must(village.make("entry_reversed", body, "issuer", "oversight", reverses=wrong["event"]["id"]))
        world.must(village.award("zhang", "lapsing"))
        yield world


@pytest.fixture
def run(world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(commands, "client_of", lambda url, token: world.client(token))

    def call(*arguments: str) -> Done:
        with pytest.raises(SystemExit) as stopped:
            cli.main([*arguments, "--ledger", NAME])
        shown = capsys.readouterr()
        code = stopped.value.code
        return Done(code if isinstance(code, int) else 0, shown.out, shown.err)

    return call


def today(world: World) -> str:
    return day_of(world.village.now_ms)


def test_figures_are_a_table_of_units_and_a_line_for_each_rule(world: World, run: Run) -> None:
    done = run("figures")
    assert done.code == 0, done
    lines = done.out.splitlines()
    assert lines[2].split() == ["merit", "spend"]
    assert lines[3].split() == ["issued", "6.00", "6.00"]
    assert lines[9].split() == ["outstanding", "6.00", "6.00"]
    year = today(world)[:4]
    assert f"{year}  points_awarded  points/budgeted: 1 entries, merit 4.00  spend 4.00; 2.00 left of 6.00" in lines, (
        done.out
    )
    assert any("1 reversed, merit 2.00  spend 2.00 returned" in line for line in lines)


def test_figures_of_a_year_alone(run: Run) -> None:
    done = run("figures", "--year", "1999")
    assert (done.code, len(done.out.splitlines())) == (0, 10)


def test_json_is_what_the_server_answers(world: World, run: Run) -> None:
    assert json.loads(run("figures", "--json").out) == world.client().figures(NAME)
    assert json.loads(run("household", HOUSE, "--json").out) == world.client().household(NAME, HOUSE)


def test_a_household_is_told_with_its_members_sums_honours_and_awards(world: World, run: Run) -> None:
    done = run("household", HOUSE)
    assert done.code == 0, done
    assert done.out.startswith(f"{HOUSE} on {today(world)}: active, since 2021-01-01\n")
    assert "  year      together   merit 6.00  spend 6.00\n" in done.out
    assert f"{ZHANG} since 2021-01-01: merit 6.00  spend 6.00" in done.out
    assert f"文明星 (volunteer) since {today(world)}" in done.out
    assert done.out.count("(reversed by ") == 1
    assert "村委会" not in done.out


def test_private_details_are_told_when_asked_for_and_never_act_on_a_terminal(run: Run) -> None:
    told = run("household", HOUSE, "--disclose").out
    assert "place: 村委会\\u202e" in told
    assert "\u202e" not in told


def test_a_party_cut_from_a_text_file_may_end_with_a_carriage_return(run: Run) -> None:
    assert run("household", HOUSE + "\r").out == run("household", HOUSE).out
    assert "not a party id" in run("household", "0012").err


def test_a_household_of_an_earlier_day_and_a_page_of_its_awards(world: World, run: Run) -> None:
    assert "awards" not in run("household", HOUSE, "--on", "2021-02-01").out
    first = run("household", HOUSE, "--limit", "1").out
    before = first.rsplit("--before ", 1)[1].strip()
    assert before.isdigit()
    second = run("household", HOUSE, "--limit", "1", "--before", before).out
    assert second.split("awards")[1] != first.split("awards")[1]


def test_expiring_tells_what_was_done(world: World, run: Run) -> None:
    first, again = run("expire"), run("expire", "--json")
    assert first.out == "told 1 times of points that will lapse; 0.00 lapsed in 0 entries\n"
    assert json.loads(again.out) == {"notices": 0, "expiries": 0, "units": 0, "refused": 0}


WRONG: dict[str, tuple[list[str], str]] = {
    "no household": (["household", ZHANG], "no such household"),
    "no party": (["household", "zhang"], "not a party id"),
    "a day to come": (["household", HOUSE, "--on", "9999-12-31"], "not a day that has come"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_one_line(run: Run, name: str) -> None:
    arguments, message = WRONG[name]
    done = run(*arguments)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert message in done.err


@pytest.mark.parametrize(("units", "text"), [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (21_120, "211.20")])
def test_hundredths_are_told_as_points(units: int, text: str) -> None:
    assert commands.points(units) == text
