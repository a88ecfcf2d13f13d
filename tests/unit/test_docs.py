"""The documents say what is there: names of the code, settings, refusals, files and links."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path
from typing import Any

import pytest

from ledger.config import Settings
from ledger.core import encoding, note, receipt, types
from ledger.domain import disclosures, events
from ledger.store.schema import APPEND_ONLY

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [
    *(DOCS / name for name in ("architecture.md", "threat-model.md", "operations.md", "glossary.md", "systems.md")),
    *(DOCS / "spec" / name for name in ("README.md", "formats.md", "examples.md")),
    *sorted((DOCS / "adr").glob("*.md")),
    DOCS / "spreadsheets.md",
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
]
DOTTED = re.compile(r"`((?:ledger|api|anchor)(?!\.db`)(?:\.[A-Za-z_][A-Za-z0-9_]*)+)`")
FILES = re.compile(r"`((?:ledger|api|anchor|tests|scripts|contracts|docs|requirements)/[A-Za-z0-9_./-]+)`")


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def section(page: Path, title: str) -> str:
    """The text below a heading, up to the next one of its level."""
    found = re.search(rf"^## {re.escape(title)}$(.*?)(?=^## |\Z)", text_of(page), re.M | re.S)
    assert found, title
    return found[1]


def look_up(name: str) -> Any:
    """What a dotted name stands for. Raises `AttributeError` or `ModuleNotFoundError`."""
    parts = name.split(".")
    for size in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:size]))
        except ModuleNotFoundError:
            continue
        for part in parts[size:]:
            found = getattr(found, part)
        return found
    raise ModuleNotFoundError(name)


def test_every_name_in_the_life_of_an_event_exists() -> None:
    names = DOTTED.findall(section(DOCS / "architecture.md", "Life of an event"))
    assert len(names) > 30
    for name in names:
        assert callable(look_up(name)), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_names_files_and_links_of_a_page_exist(page: Path) -> None:
    text = text_of(page)
    for name in DOTTED.findall(text):
        look_up(name)
    for name in FILES.findall(text):
        assert (ROOT / name).exists(), name
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text):
        assert (page.parent / target).exists(), target


def test_the_layers_of_the_page_are_those_that_are_enforced() -> None:
    import tomllib

    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))
    contracts = {contract["name"]: contract for contract in project["tool"]["importlinter"]["contracts"]}
    layers = ["api | anchor", *contracts["the layers of the ledger"]["layers"]]
    shown = re.search(r"```\n(api .*?)```", section(DOCS / "architecture.md", "Layers"), re.S)
    assert shown
    assert [line.split() for line in shown[1].splitlines()] == [layer.split(" | ") for layer in layers]


def table(page: Path, title: str) -> list[list[str]]:
    """The rows of the first table in a section, without its heading."""
    lines = [line for line in section(page, title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def test_the_table_of_settings_is_that_of_the_code() -> None:
    rows = {row[0].strip("`"): row[1].strip("`") for row in table(DOCS / "operations.md", "Settings")}
    fields = Settings.model_fields
    assert list(rows) == [f"GONGFEN_{name.upper()}" for name in fields]
    for name, field in fields.items():
        assert rows[f"GONGFEN_{name.upper()}"] == (str(field.default) or "empty"), name


def test_the_table_of_refusals_names_every_code_of_a_state_error() -> None:
    told = {row[0].strip("`") for row in table(DOCS / "operations.md", "When it refuses to start")}
    raised = set()
    for path in [*(ROOT / "ledger" / "store").glob("*.py"), *(ROOT / "ledger" / "service").glob("*.py")]:
        for node in ast.walk(ast.parse(text_of(path))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "StateError":
                raised |= {word.value.value for word in node.keywords if word.arg == "code"}
    assert len(raised) > 6
    assert raised <= told


BOUNDS = {
    "an event ≤ {:,} bytes": events.EVENT_MAX_BYTES,
    "an entry ≤ {:,}": events.ENTRY_MAX_BYTES,
    "1 to {} signatures": events.SIGNATURES_MAX,
    "≤ {} parties": events.PARTIES_MAX,
    "depth ≤ {}:": encoding.MAX_DEPTH,
    "≤ {} characters, e.g.": types.ORIGIN_MAX,
    "at most {:,} bytes, 1 to": note.MAX_NOTE_SIZE,
    "1 to {} signature lines": note.MAX_SIGNATURES,
    "names of 1 to {} characters": note.MAX_NAME,
    "(1 to {:,} characters)": disclosures.TEXT_MAX,
    "an event has at most {}.": receipt.DISCLOSURES_MAX,
    "at most 1 MiB ({:,} bytes)": receipt.RECEIPT_MAX_BYTES,
    "a statement at most {} MiB": receipt.STATEMENT_MAX_BYTES >> 20,
    "from the leaf's sibling up | {} |": receipt.PATH_MAX,
    "{} hashes |": receipt.MAP_PATH_MAX,
    "leaf to root, ≤ {};": receipt.BATCH_PATH_MAX,
    "a contract stands once | {} |": receipt.ANCHORS_MAX,
    "order of first use (≤ {:,})": receipt.KEYS_MAX,
    "≤\n{:,}, in order of index": receipt.ENTRIES_MAX,
}
"""What formats says of each bound, and the bound in the code."""


@pytest.mark.parametrize("words", BOUNDS)
def test_the_bounds_of_the_formats_are_those_of_the_code(words: str) -> None:
    assert words.format(BOUNDS[words]) in text_of(DOCS / "spec" / "formats.md")


def test_the_tables_that_only_grow_are_those_of_the_schema() -> None:
    row = next(row for row in table(DOCS / "architecture.md", "Storage") if "only ever added" in row[1])
    assert tuple(re.findall(r"`([a-z_]+)`", row[0])) == APPEND_ONLY


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_no_path_of_one_machine(page: Path) -> None:
    assert not re.search(r"(?<![\w.])/(work|home|root|Users)/", text_of(page))


def test_every_test_that_the_table_of_features_names_exists() -> None:
    named = re.findall(
        r"`((?:unit|integration|property)/[a-z_/]+\.py)(?:::(test_[a-z0-9_]+))?`", text_of(DOCS / "systems.md")
    )
    assert len(named) > 40
    for file, test in named:
        source = (ROOT / "tests" / file).read_text(encoding="utf-8")
        assert not test or f"def {test}(" in source, f"{file}::{test}"


def test_every_feature_is_shown_by_a_test_or_named_as_coming_next() -> None:
    rows = [line for line in text_of(DOCS / "systems.md").splitlines() if line.startswith("| ") and "---" not in line]
    for row in rows:
        _, feature, here, shown, _ = (cell.strip() for cell in row.split("|"))
        assert feature == "feature" or "test_" in shown or here.startswith("next"), feature
