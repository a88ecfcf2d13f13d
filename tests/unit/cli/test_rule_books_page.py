"""docs/rule-books.md: its commands print what stands there, and its tables are those of the types."""

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
from ledger.domain.bookcheck import EVIDENCE_OF_TYPE, FAULTS_MAX
from ledger.domain.bookread import BOOK_MAX_BYTES, parse_book
from tests.helpers.book_page import PAGE, rows_of_book, rows_of_rule, tables
from tests.unit.api.world import NAME, founded, key_file, maker, serving, write_key

TEXT = PAGE.read_text(encoding="utf-8")
BOOK = re.findall(r"^```toml\n(.*?)^```$", TEXT, re.M | re.S)[0]
BLOCKS = re.findall(r"^```console\n(.*?)^```$", TEXT, re.M | re.S)
LEAF = re.compile(r"leaf [0-9a-f]{64}")
"""It differs from ledger to ledger."""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder with the book and the officers' keys, and an environment that names a ledger without a book."""
    settings = Settings(data_dir=tmp_path / "served")
    founded(settings)
    (tmp_path / "points-1.toml").write_text(BOOK, encoding="utf-8")
    for name, officer in (("council", "council"), ("oversight", "oversight"), ("township", "mayor")):
        write_key(tmp_path / f"{name}.key", key_file(officer))
    with serving(settings) as url:
        village = maker()
        with LedgerClient(url) as client:
            for name in ("council", "oversight"):
                client.submit(NAME, village.role(name, name))
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        yield tmp_path, {**os.environ, "PATH": path, "GONGFEN_URL": url, "GONGFEN_LEDGER": NAME}


def rerun(desk: tuple[Path, dict[str, str]]) -> list[str]:
    """The blocks of the page as they would be printed now."""
    folder, env = desk
    printed = []
    for block in BLOCKS:
        printed.append("")
        for command in re.findall(r"^\$ (.*)$", block, re.M):
            done = subprocess.run(
                ["bash", "-c", command], cwd=folder, env=env, capture_output=True, text=True, timeout=120
            )
            printed[-1] += f"$ {command}\n{done.stdout}{done.stderr}"
    return printed


def test_the_commands_of_the_page_print_what_it_says(desk: tuple[Path, dict[str, str]]) -> None:
    for block, printed in zip(BLOCKS, rerun(desk), strict=True):
        assert LEAF.sub("leaf", printed) == LEAF.sub("leaf", block)


def test_the_tables_of_the_page_are_those_of_the_types() -> None:
    book, rule = tables(TEXT)
    assert [tuple(row[:3]) for row in book] == rows_of_book()
    assert [tuple(row[:3]) for row in rule] == rows_of_rule()
    assert all(row[3] for row in [*book, *rule]), "every field has its meaning"


def test_the_page_names_every_detail_that_a_rule_may_ask_for_and_the_limits() -> None:
    (meaning,) = (row[3] for row in tables(TEXT)[1] if row[0] == "`evidence`")
    for kind, names in EVIDENCE_OF_TYPE.items():
        assert f"`{kind}`" in meaning
        assert all(f"`{name}`" in meaning for name in names)
    assert f"more than {BOOK_MAX_BYTES} bytes" in TEXT
    assert f"at most {FAULTS_MAX}, each with its line" in TEXT


def test_the_book_of_the_page_has_a_rule_of_every_type() -> None:
    rules = parse_book(BOOK.encode()).rules
    assert {rule.type for rule in rules} == {"award", "deduct", "redeem", "rate", "honour"}
