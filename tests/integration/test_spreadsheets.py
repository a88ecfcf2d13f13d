"""A village's books as spreadsheets, into a server of its own and out again."""

from __future__ import annotations

import csv
import io
import json
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ledger import cli
from ledger.client import LedgerClient
from ledger.config import Settings
from ledger.service.spreadsheets.people import read_people
from ledger.service.spreadsheets.tables import read_tables
from tests.helpers import sheets
from tests.helpers.village import person
from tests.unit.api.world import NAME, founded, maker, serving, write_keys

REGISTER = [
    ["佛山村户籍登记表"],
    ["序号", "户号", "小组", "户主", "姓名", "工分卡号", "备注"],
    [1, "0012", "三组", "张三", "张三", "0012001", None],
    [2, "0012", "三组", None, "李四", "0012002", "外出务工"],
    [3, "0013", "三组", "王五", "王五", "0013001", None],
    [4, "0014", "一组", "赵六", "张三", "0014001", "同名"],
]
OPENING = [
    ["户号", "姓名", "卡号", "物质积分", "品德积分", "来源"],
    ["", "张三", "0012001", "120.5", "300", "2020年账册第3页"],
    ["", "李四", "", "０", "２１１．２", "2020年账册第4页"],
    ["0013", "", "", "1,200.50", "", "2020年账册第5页"],
    ["合计", "", "", "1321.00", "511.20", ""],
]
AWARDS = [
    ["日期", "姓名", "卡号", "户号", "规则", "数量", "积分", "事由", "地点"],
    ["2021-3-5", "张三", "0012001", None, "志愿服务", 2, 5, "打扫村道", "村口"],
    ["2021年3月6日", "李四", None, None, "“志愿服务”", None, 2.5, "照看老人", "敬老院"],
    ["2021.3.7", None, None, "0013", "帮扶项目", None, None, "修水渠", "西渠"],
    ["2021/3/8", "王五", None, None, "平安学堂", None, None, None, None],
]


SIGNERS = ("clerk", "clerk two", "issuer", "oversight")


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Its result."""
        return json.loads(self.out)


class Desk:
    """A clerk's folder, and a server with officers, an organisation and a rule book."""

    def __init__(self, folder: Path, url: str, call: Callable[..., Done]) -> None:
        self.folder = folder
        self.url = url
        self.keys = {name: folder / f"{name.replace(' ', '-')}.key" for name in SIGNERS}
        if not self.keys["clerk"].exists():
            write_keys(folder, *SIGNERS)
        self.people = folder / f"{NAME}.people.csv"
        self._call = call

    def bring(self, path: Path, *signers: str, options: tuple[object, ...] = ()) -> Done:
        """Import a sheet."""
        signed = [option for name in signers for option in ("--key", self.keys[name])]
        return self._call("import", path, "--ledger", NAME, "--url", self.url, *signed, *options)

    def register(self, *options: object) -> Done:
        """Import the register."""
        path = sheets.workbook(self.folder / "户籍登记.xlsx", {"户籍登记": REGISTER, "说明": [["请勿改动"]]})
        return self.bring(path, "clerk", "clerk two", options=("--date", "2021-01-01", *options))

    def opening(self) -> Done:
        """Import the opening balances."""
        path = self.folder / "期初结转.csv"
        path.write_bytes(sheets.text(OPENING).encode("gb18030"))
        return self.bring(path, "issuer", "oversight", options=("--date", "2021-01-01", "--json"))

    def awards(self, rows: sheets.Rows, *options: object) -> Done:
        """Import awards."""
        path = sheets.workbook(self.folder / "加分登记.xlsx", {"Sheet1": rows})
        return self.bring(path, "issuer", options=("--sheet", "awards", *options))

    @property
    def size(self) -> int:
        """How many entries the ledger has."""
        with LedgerClient(self.url) as client:
            return int(client.ledger(NAME)["size"])


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    def run(*arguments: object) -> Done:
        capsys.readouterr()
        code = exit_code(*arguments)
        shown = capsys.readouterr()
        return Done(code, shown.out, shown.err)

    return run


def exit_code(*arguments: object) -> int:
    """How a command ends."""
    with pytest.raises(SystemExit) as stopped:
        cli.main([str(argument) for argument in arguments])
    return stopped.value.code if isinstance(stopped.value.code, int) else 0


@contextmanager
def village(folder: Path) -> Iterator[tuple[Path, str]]:
    """A clerk's folder, and the URL of a server with officers, an organisation and a rule book."""
    settings = Settings(data_dir=folder / "var")
    founded(settings)
    made, organisation = maker(), person("coop").party
    events = [made.role(name, name.split()[0], scope=organisation) for name in ("issuer", "reviewer", "oversight")]
    events += [made.role(name, name.split()[0]) for name in ("clerk", "clerk two", "council", "oversight")]
    events.append(made.party("register", "coop", type="organisation", day="2021-01-01"))
    events.append(made.adopt(sheets.BOOK, "2021-01-01"))
    (folder / "clerk").mkdir()
    with serving(settings) as url:
        with LedgerClient(url) as client:
            for answer in client.submit_many(NAME, events):
                assert isinstance(answer, dict), answer
        yield folder / "clerk", url


@pytest.fixture
def desk(tmp_path: Path, call: Callable[..., Done]) -> Iterator[Desk]:
    """A clerk who begins."""
    with village(tmp_path) as (folder, url):
        yield Desk(folder, url, call)


@pytest.fixture(scope="module")
def moved_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """Folder and URL of a village whose books were imported; for tests that add nothing."""
    with village(tmp_path_factory.mktemp("village")) as (folder, url):
        desk = Desk(folder, url, lambda *arguments: Done(exit_code(*arguments), "", ""))
        for done in (desk.register(), desk.opening(), desk.awards(AWARDS)):
            good(done)
        yield folder, url


@pytest.fixture
def settled(moved_in: tuple[Path, str], call: Callable[..., Done]) -> Desk:
    """A clerk whose books were imported."""
    return Desk(*moved_in, call)


def good(done: Done) -> Done:
    """The same, after it went well."""
    assert done.code == 0, done
    return done


def test_a_village_moves_its_books_in(desk: Desk) -> None:
    before = desk.size
    tried = good(desk.register("--dry-run"))
    assert "9 would be appended, 0 stood there already" in tried.out
    assert good(desk.register("--dry-run", "--lang", "zh")).out.splitlines() == [
        "户籍登记.xlsx，户籍登记：户籍登记，4行",
        "  未读的列：备注",
        "  可入账9笔，原已在账0笔",
    ]
    assert (desk.size, desk.people.exists()) == (before, False)
    told = good(desk.register()).out
    assert "户籍登记.xlsx, 户籍登记: register, 4 rows\n" in told
    assert "not read: 备注\n" in told
    assert f"9 appended as entries {before}-{before + 8}, 0 stood there already" in told
    assert "personal data, keep it to yourself" in told
    assert stat.S_IMODE(desk.people.stat().st_mode) == 0o600

    opened = good(desk.opening()).json()
    assert (len(opened["appended"]), opened["passed_over"], opened["faults"]) == (4, 1, [])
    awarded = good(desk.awards(AWARDS)).out
    assert "4 appended" in awarded

    size = desk.size
    assert size == before + 9 + 4 + 4
    assert "0 appended, 9 stood there already" in good(desk.register()).out
    assert good(desk.opening()).json()["standing"] == 4
    assert "0 appended, 4 stood there already" in good(desk.awards(AWARDS)).out
    assert desk.size == size, "the same sheets again add nothing"


def test_one_bad_row_and_nothing_is_sent(settled: Desk) -> None:
    before = settled.size
    bad = [*AWARDS, ["3/5/2021", "张三", None, None, "唱歌", None, None, "x", None], [None, None, "999"]]
    done = settled.awards(bad)
    assert done.code == 2
    assert done.out.splitlines() == [
        "加分登记.xlsx, Sheet1: awards, 6 rows",
        "  row 6, 姓名: several have this name (0012001, 0014001); write the number; got 张三",
        "  row 6, 日期: it is not plain whether the day or the month comes first; write 2021-3-5; got 3/5/2021",
        "  row 7, 卡号: the people file knows nobody of this number or name; got 999",
        "  row 7, 日期: no day is written here; write it, or give one for all such rows with --date",
    ]
    assert done.err == "gongfen: 2 of 6 rows are bad; nothing was sent\n"
    chinese = settled.awards(bad, "--lang", "zh")
    assert chinese.out.startswith("加分登记.xlsx，Sheet1：加分登记，6行\n")
    assert "  第6行, 日期: 分不清日和月的先后，请写成2021-3-5；现为 3/5/2021" in chinese.out
    assert chinese.err == "gongfen: 6行中有2行有误，一笔也没有发送；请改正后重新导入\n"
    told = settled.awards(bad, "--json").json()["faults"]
    assert [(fault["row"], fault["code"]) for fault in told] == [
        (6, "ambiguous_name"),
        (6, "day_or_month_first"),
        (7, "unknown_person"),
        (7, "no_day_given"),
    ]
    assert settled.size == before


def test_what_only_the_ledger_can_know_is_told_before_anything_is_sent(settled: Desk) -> None:
    before = settled.size
    over = [*AWARDS, ["2021-3-8", "王五", None, None, "平安学堂", None, None, "又一次", None]]
    done = settled.awards(over)
    assert done.code == 2
    told = "the rule's cap for the day is reached; expected at most 1000 in all (in hundredths of a point); got 2000"
    assert f"  row 6, 积分: {told}\n" in done.out
    assert settled.size == before
    fresh = [AWARDS[0], *(["2021-4-1", name, *AWARDS[4][2:]] for name in ("李四", "王五"))]
    path = sheets.workbook(settled.folder / "加分登记.xlsx", {"加分登记": fresh})
    signed = settled.bring(path, "clerk", options=("--issuer", coop()))
    assert "  rows 2-3: this key holds no role that may sign this kind of event here" in signed.out
    assert settled.size == before


def coop() -> str:
    return person("coop").party


def test_what_was_exported_can_be_read_and_adds_up(settled: Desk, call: Callable[..., Done]) -> None:
    to = ("--ledger", NAME, "--url", settled.url)
    book = settled.folder / "账.xlsx"
    what = ("--what", "accounts", "--what", "entries", "--what", "register")
    done = good(call("export", *to, "--out", book, *what, "--people", settled.people, "--json")).json()
    assert stat.S_IMODE(book.stat().st_mode) == 0o600
    tables = {table.title: table.rows for table in read_tables(book.read_bytes(), str(book))}
    assert list(tables) == ["账户", "记录", "户籍"]
    assert {name: len(rows) - 1 for name, rows in zip(done["rows"], tables.values(), strict=True)} == done["rows"]
    accounts = {(row[0], row[1]): (row[5], row[6]) for row in tables["账户"][1:]}
    assert tables["账户"][0][:7] == ["类别", "编号", "姓名", "户号", "主体编号", "物质积分", "品德积分"]
    assert accounts["村民", "0012001"] == (Decimal("125.5"), Decimal(305))
    assert accounts["村民", "0012002"] == (Decimal("2.5"), Decimal("213.7"))
    assert accounts["户", "0013"] == (Decimal("1220.5"), Decimal(20))
    for column in (5, 6):
        assert sum(row[column] for row in tables["账户"][1:]) == 0  # type: ignore[misc]
    moved = [row for row in tables["记录"][1:] if row[10 - 1] != ""]
    assert sum(row[9] for row in moved if row[8] == "物质积分") == 0  # type: ignore[misc]

    entries = settled.folder / "entries.csv"
    good(call("export", *to, "--out", entries, "--what", "entries", "--lang", "en"))
    lines = list(csv.reader(io.StringIO(entries.read_text("utf-8-sig"), newline="")))
    assert lines[0][:5] == ["entry", "recorded at", "date", "event", "rule"]
    assert {line[9] for line in lines if line[4] == "helping"} == {"-20.00", "20.00"}
    assert {line[0] for line in lines[1:]} == {str(seq) for seq in range(settled.size)}


def test_a_lost_people_file_is_written_anew_from_the_ledger(settled: Desk, call: Callable[..., Done]) -> None:
    before = read_people(settled.people)
    settled.people.unlink()
    lost = settled.register()
    assert (lost.code, "gongfen export --what register --disclose" in lost.err) == (2, True)
    to = ("--ledger", NAME, "--url", settled.url, "--out", settled.people, "--what", "register")
    good(call("export", *to, "--disclose"))
    after = read_people(settled.people)
    known = [one for one in after.rows if one.kind != "organisation"]
    assert sorted(known) == sorted(before.rows)
    assert "0 appended, 9 stood there already" in good(settled.register()).out


def test_names_take_the_right_to_see_them(desk: Desk, call: Callable[..., Done], tmp_path: Path) -> None:
    good(desk.register())
    made = good(call("token", "create", "--scope", "read", "--data-dir", tmp_path / "var", "--json")).json()
    to = ("--ledger", NAME, "--url", desk.url, "--token", made["token"], "--out", tmp_path / "a.csv")
    open_to_all = ("--ledger", NAME, "--url", desk.url, "--out", tmp_path / "b.csv", "--what", "register")
    while "token" not in call("export", *open_to_all).err:
        pass  # the server looks once a second
    refused = call("export", *to, "--what", "register", "--disclose")
    assert (refused.code, "disclose" in refused.err, (tmp_path / "a.csv").exists()) == (2, True, False)
    good(call("export", *to, "--what", "register"))
    rows = read_tables((tmp_path / "a.csv").read_bytes(), "a.csv")[0].rows
    assert {row[2] for row in rows[1:]} == {""}


MISUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "nothing to import": (("import",), "takes a FILE, --ledger and --key"),
    "no key": (("import", "a.xlsx", "--ledger", "x"), "takes a FILE, --ledger and --key"),
    "a date in doubt": (
        ("import", "a.csv", "--ledger", "x", "--key", "issuer.key", "--date", "3/5/2021"),
        "day or the month",
    ),
    "a template that is no workbook": (("import", "--template", "awards", "--out", "a.csv"), "ends with .xlsx"),
    "a template that is there": (("import", "--template", "awards", "--out", "there.xlsx"), "File exists"),
    "no such table": (("export", "--ledger", "x", "--what", "all", "--out", "a.csv"), "no such table"),
    "another kind of file": (("export", "--ledger", "x", "--what", "entries", "--out", "a.ods"), ".xlsx or .csv"),
    "two tables in a text file": (
        ("export", "--ledger", "x", "--what", "entries", "--what", "accounts", "--out", "a.csv"),
        "a .csv holds one table",
    ),
}


@pytest.mark.parametrize("name", MISUSED)
def test_misuse_is_one_line_that_helps(
    name: str, tmp_path: Path, call: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments, words = MISUSED[name]
    monkeypatch.chdir(tmp_path)
    write_keys(tmp_path, "issuer")
    (tmp_path / "there.xlsx").touch()
    done = call(*arguments)
    assert (done.code, done.out) == (2, "")
    assert words in done.err
    assert done.err.count("\n") == 1


def test_a_template_is_written_once_and_can_be_filled_in(tmp_path: Path, call: Callable[..., Done]) -> None:
    path = tmp_path / "加分登记.xlsx"
    done = good(call("import", "--template", "awards", "--out", path))
    assert done.out == f"wrote an empty sheet for awards to {path}\n"
    assert [table.title for table in read_tables(path.read_bytes(), str(path))] == ["加分登记", "说明"]
