"""docs/spreadsheets.md: its sheets are imported, and its commands print what stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.client import LedgerClient
from ledger.config import Settings
from ledger.keys import write_key
from ledger.service.spreadsheets.importing import EVENTS_MAX
from ledger.service.spreadsheets.kinds import KINDS
from tests.helpers import sheets
from tests.helpers.village import person
from tests.unit.api.world import NAME, founded, key_file, maker, serving

PAGE = Path(__file__).parents[2] / "docs" / "spreadsheets.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```console\n(.*?)^```$", TEXT, re.M | re.S)
SHEETS = re.findall(r"^`([^`]+\.(?:xlsx|csv))`:\n\n((?:\|.*\|\n)+)", TEXT, re.M)
KEYS = {"clerk-1": "clerk", "clerk-2": "clerk two", "issuer": "issuer", "oversight": "oversight"}


def rows_of(table: str) -> list[list[str]]:
    """The cells of a table of the page, headings first."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    return [rows[0], *rows[2:]]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder with the sheets of the page and the officers' keys, and an environment that names a ledger."""
    settings = Settings(data_dir=tmp_path / "served")
    founded(settings)
    for name, table in SHEETS:
        path = tmp_path / name
        if path.suffix == ".csv":
            path.write_bytes(sheets.text(rows_of(table)).encode("gb18030"))
        else:
            sheets.workbook(path, {path.stem.partition("-")[0]: rows_of(table)})
    for name, officer in KEYS.items():
        write_key(tmp_path / f"{name}.key", key_file(officer))
    village, organisation = maker(), person("coop").party
    events = [village.role(name, name, scope=organisation) for name in ("issuer", "oversight")]
    events += [village.role(name, name.split()[0]) for name in ("clerk", "clerk two", "council", "oversight")]
    events.append(village.party("register", "coop", type="organisation", day="2021-01-01"))
    events.append(village.adopt(sheets.BOOK, "2021-01-01"))
    with serving(settings) as url:
        with LedgerClient(url) as client:
            for answer in client.submit_many(NAME, events):
                assert isinstance(answer, dict), answer
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        yield tmp_path, {**os.environ, "PATH": path, "GONGFEN_URL": url, "GONGFEN_LEDGER": NAME}


def test_the_commands_of_the_page_print_what_it_says(desk: tuple[Path, dict[str, str]]) -> None:
    folder, env = desk
    assert printed(folder, env) == TEXT


def printed(folder: Path, env: dict[str, str]) -> str:
    """The page as its commands would print it now."""

    def run(block: re.Match[str]) -> str:
        lines = []
        for command in re.findall(r"^\$ (.*)$", block[1], re.M):
            done = subprocess.run(
                ["bash", "-c", command], cwd=folder, env=env, capture_output=True, text=True, timeout=120
            )
            lines.append(f"$ {command}\n{done.stdout}{done.stderr}")
        return f"```console\n{''.join(lines)}```"

    return re.sub(r"^```console\n(.*?)^```$", run, TEXT, flags=re.M | re.S)


def test_the_page_names_every_kind_of_sheet_and_the_bound() -> None:
    for kind in KINDS.values():
        assert f"| `{kind.name}` | {kind.titles[0]} |" in TEXT
    assert f"at most {EVENTS_MAX:,} events" in TEXT
    assert len(SHEETS) == 4
