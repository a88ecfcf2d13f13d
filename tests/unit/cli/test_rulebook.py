"""`gongfen rulebook`: a book is checked, compared, adopted through a server, and shown."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from ledger import cli
from ledger.client import LedgerClient
from ledger.config import Settings
from ledger.core.hashing import digest
from ledger.domain.bookcheck import FAULTS_MAX
from ledger.domain.bookread import parse_book
from ledger.domain.entries import parse_entry
from ledger.domain.fields import DAY_MS, day_of, encode
from tests.helpers.village import person
from tests.unit.api.world import NAME, founded, maker, serving, write_keys

FOSHAN = Path("ledger/domain/profiles/foshan/points.toml")
FIRST = """\
book = "points"
version = 1
title = "积分细则"

[[rules]]
id = "volunteering"
type = "award"
name_zh = "志愿服务"
name_en = "Volunteering"
category = "service"
units = ["merit", "spend"]
target = "person"
points_units = 2500
"""
SECOND = FIRST.replace("version = 1", "version = 2").replace("2500", "3000")
CHANGE = "志愿服务 volunteering: points 25.00 → 30.00"
VOTED = ("--eligible", "100", "--present", "60", "--in-favour", "50", "--against", "5")


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Its result."""
        return json.loads(self.out)


Run = Callable[..., Done]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: object) -> Done:
        with pytest.raises(SystemExit) as stopped:
            cli.main(["rulebook", *map(str, arguments)])
        shown = capsys.readouterr()
        assert isinstance(stopped.value.code, int)
        return Done(stopped.value.code, shown.out, shown.err)

    return call


@pytest.fixture
def books(tmp_path: Path) -> tuple[Path, Path]:
    """The files of two versions of a book."""
    paths = tmp_path / "first.toml", tmp_path / "second.toml"
    for path, text in zip(paths, (FIRST, SECOND), strict=True):
        path.write_text(text, encoding="utf-8")
    return paths


# check ----------------------------------------------------------------------------------------------------------------


def test_a_sound_book_is_shown_with_its_rules_and_its_hash(run: Run) -> None:
    book = parse_book(FOSHAN.read_bytes())
    done = run("check", FOSHAN)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("points, version 1: 佛山村工分宝积分细则\n10 rules, ")
    assert digest(encode(book)).hex() in done.out
    rows = done.out.splitlines()
    assert [row.split()[0] for row in rows[-10:]] == [rule.id for rule in book.rules]
    assert re.search(
        r"^volunteering +志愿服务 +award +person +25\.00 +merit, spend +category service; .*50\.00", done.out, re.M
    )
    assert re.search(r"^exchange +等值兑换 +redeem +person +1\.00 a yuan +spend ", done.out, re.M)


def test_programs_get_a_sound_book_as_json(run: Run) -> None:
    book = parse_book(FOSHAN.read_bytes())
    value = run("check", FOSHAN, "--json").json()
    assert (value["sound"], value["version"], value["bytes"]) == (True, 1, len(encode(book)))
    assert value["sha256"] == digest(encode(book)).hex()
    assert value["rules"] == msgspec.to_builtins(book)["rules"]


def test_a_book_may_come_from_standard_input(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(FIRST.encode())))
    assert "1 rule, " in run("check", "-").out


def test_all_faults_of_a_book_are_told_with_their_lines(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(FIRST.replace("2500", "-1").replace('"person"', '"\\u001b[2J"'), encoding="utf-8")
    done = run("check", file)
    assert (done.code, done.err) == (1, "")
    assert done.out.splitlines() == [
        f"{file}: 2 faults",
        "  line 12: book.rules.volunteering.target: expected household or organisation or person; got \\x1b[2J",
        "  line 13: book.rules.volunteering.points_units: expected a whole number from 1 on; got -1",
    ]
    told = run("check", file, "--json")
    assert told.code == 1
    assert told.json()["sound"] is False
    assert told.json()["faults"][1] == {
        "line": 13,
        "field": "book.rules.volunteering.points_units",
        "expected": "a whole number from 1 on",
        "got": "-1",
    }
    file.write_text("=")
    assert run("check", file).out.startswith(f"{file}: 1 fault\n  line 1: book: expected TOML; got ")
    file.write_text(FIRST + "".join(f"x{number} = 1\n" for number in range(FAULTS_MAX + 1)))
    assert run("check", file).out.startswith(f"{file}: {FAULTS_MAX} faults or more\n")


# diff -----------------------------------------------------------------------------------------------------------------


def test_what_changes_is_told_in_words_and_as_data(run: Run, books: tuple[Path, Path]) -> None:
    assert run("diff", *books) == Done(0, f"points: version 1 → version 2\n{CHANGE}\n", "")
    assert "分值 25.00 → 30.00" in run("diff", *books, "--lang", "zh").out
    assert run("diff", books[0], books[0]).out.endswith("\nno rule changes\n")
    value = run("diff", *books, "--json").json()
    assert (value["old"]["version"], value["new"]["version"]) == (1, 2)
    assert [(change["rule"], change["before"], change["after"]) for change in value["changes"]] == [
        ("volunteering", 2500, 3000)
    ]


def test_the_file_and_the_line_of_a_fault_are_told(run: Run, books: tuple[Path, Path]) -> None:
    books[1].write_text(SECOND.replace("3000", "0"), encoding="utf-8")
    done = run("diff", *books)
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        f"gongfen: {books[1]}, line 13: book.rules.volunteering.points_units: not a rule book; "
        "expected a whole number from 1 on; got 0\n"
    )
    books[1].write_text(SECOND.replace("3000", "0").replace("version = 2", ""), encoding="utf-8")
    assert "not a rule book, with 1 more fault; `gongfen rulebook check` tells them all" in run("diff", *books).err


@pytest.mark.parametrize("count", [1, 3])
def test_a_comparison_takes_two_books(run: Run, books: tuple[Path, Path], count: int) -> None:
    done = run("diff", *[books[0]] * count)
    assert (done.code, done.out) == (2, "")
    assert "give two files, or one and --ledger" in done.err


# adopt, show, and diff against the ledger -----------------------------------------------------------------------------


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The URL of a server whose ledger has a council and an oversight, and no rule book."""
    settings = Settings(data_dir=tmp_path / "served")
    founded(settings)
    with serving(settings) as url:
        village = maker()
        with LedgerClient(url) as client:
            for name in ("council", "oversight"):
                client.submit(NAME, village.role(name, name))
        yield url


def signing(folder: Path, *names: str) -> list[object]:
    """Options for the keys of officers."""
    return [option for path in write_keys(folder, *names).values() for option in ("--key", path)]


def test_a_book_is_adopted_compared_and_shown(
    run: Run, books: tuple[Path, Path], server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = books
    to = ("--ledger", NAME, "--url", server)
    today, tomorrow = (day_of(maker().now_ms + days * DAY_MS) for days in (0, 1))
    council = signing(tmp_path, "council", "oversight")
    township = signing(tmp_path, "mayor")
    assert run("show", *to) == Done(0, "no rule book was adopted yet\n", "")
    assert run("show", *to, "--json").json() == {"versions": []}
    assert "no rule book was adopted yet" in run("diff", second, *to).err

    reaching_back = ("adopt", first, *to, *VOTED, *council, "--effective-on", "2021-01-01", "--voted-on", "2021-01-02")
    refused = run(*reaching_back)
    assert refused.code == 2
    assert "a book that reaches back needs the township as well" in refused.err
    done = run(*reaching_back, *township)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("points, version 1: 积分细则\n1 rule, ")
    assert re.search(r"^entry 3, leaf [0-9a-f]{64}: version 1 of points is law from 2021-01-01 on$", done.out, re.M)

    assert run("diff", second, *to).out == f"points: version 1 → version 2\n{CHANGE}\n"
    monkeypatch.setenv("GONGFEN_LEDGER", NAME)
    assert run("diff", *books).out == f"points: version 1 → version 2\n{CHANGE}\n"
    monkeypatch.delenv("GONGFEN_LEDGER")
    done = run("adopt", second, *to, *VOTED, *council, "--effective-on", tomorrow)
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines()[:2] == ["points: version 1 → version 2", CHANGE]
    assert done.out.splitlines()[2].startswith("entry 4, leaf ")

    shown = run("show", *to).out.splitlines()
    assert [row.split()[:3] for row in shown[1:]] == [["points", "1", "2021-01-01"], ["points", "2", tomorrow]]
    assert ["(in force)" in row for row in shown[1:]] == [True, False]
    assert shown[2].split()[3:9] == [today, "100", "60", "50", "5", "4"]
    versions = run("show", *to, "--json").json()["versions"]
    assert [(one["version"], one["seq"], one["in_force"]) for one in versions] == [(1, 3, True), (2, 4, False)]
    assert versions[0]["voted_on"] == "2021-01-02"
    assert versions[1]["votes"] == {"eligible": 100, "present": 60, "in_favour": 50, "against": 5}
    assert versions[1]["sha256"] == digest(encode(parse_book(SECOND.encode()))).hex()
    assert run("show", *to, "--version", 1).out == run("check", first).out
    assert run("show", *to, "--version", 2, "--json").json()["rules"][0]["points_units"] == 3000
    assert "no such version; expected 1 to 2; got 3" in run("show", *to, "--version", 3).err
    assert "no rule changes" in run("diff", first, *to, "--version", 1).out
    assert "30.00 → 25.00" in run("diff", first, *to).out

    with LedgerClient(server) as client:
        event = parse_entry(client.entry(NAME, 4)).event
    assert (event.actor, event.occurred_on) == (person("council").party, today)
    assert event.id == versions[1]["event"]


def test_programs_get_what_was_adopted_as_one_json(
    run: Run, books: tuple[Path, Path], server: str, tmp_path: Path
) -> None:
    council = signing(tmp_path, "council", "oversight")
    to = ("--ledger", NAME, "--url", server, *VOTED, *council, "--effective-on", day_of(maker().now_ms + DAY_MS))
    first = run("adopt", books[0], *to, "--json").json()
    assert (first["seq"], first["version"], first["replayed"]) == (3, 1, False)
    assert "changes" not in first
    again = run("adopt", books[0], *to, "--json")
    assert (again.code, again.out) == (2, "")
    assert "versions of a book follow one another; expected 2; got 1" in again.err


LOST: dict[str, tuple[dict[str, object], str]] = {
    "no quorum": (
        {"--present": 50, "--in-favour": 40},
        "body.votes.present: no quorum; expected more than half of 100; got 50",
    ),
    "no majority": ({"--in-favour": 30}, "body.votes.in_favour: no majority; expected more than half of 60; got 30"),
    "votes that do not add up": ({"--against": 11}, "body.votes: the votes do not add up"),
    "no day": ({"--effective-on": "2022-02-30"}, "body.effective_on: not a day of the calendar"),
}


@pytest.mark.parametrize("name", LOST)
def test_a_vote_that_was_lost_is_refused_here_as_the_ledger_would(
    name: str, run: Run, books: tuple[Path, Path], tmp_path: Path
) -> None:
    changes, words = LOST[name]
    options: dict[str, object] = {
        **dict(zip(VOTED[::2], VOTED[1::2], strict=True)),
        "--effective-on": "2022-01-01",
        "--ledger": NAME,
        "--url": "http://127.0.0.1:1",  # where nobody answers: nothing is asked
        **changes,
    }
    done = run(
        "adopt",
        books[0],
        *signing(tmp_path, "council", "oversight"),
        *(part for item in options.items() for part in item),
    )
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"gongfen: {words}")


def test_a_book_with_faults_is_not_adopted(run: Run, books: tuple[Path, Path], tmp_path: Path) -> None:
    books[0].write_text(FIRST.replace("2500", "0"), encoding="utf-8")
    keys = signing(tmp_path, "council", "oversight")
    done = run(
        "adopt",
        books[0],
        *keys,
        *VOTED,
        "--effective-on",
        "2022-01-01",
        "--ledger",
        NAME,
        "--url",
        "http://127.0.0.1:1",
    )
    assert (done.code, done.out) == (2, "")
    assert f"{books[0]}, line 13: book.rules.volunteering.points_units" in done.err
