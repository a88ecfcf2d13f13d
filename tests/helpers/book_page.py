"""The tables of docs/rule-books.md, from the types: ``python -m tests.helpers.book_page`` prints them without meanings.

The page's last column, what a field means, is written by hand; the others must be these.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import inspect

from ledger.domain.bookcheck import EVERY_RULE_MAY, FIELDS_OF_TYPE
from ledger.domain.bookread import describe
from ledger.domain.rules import Book, Rule

PAGE = Path(__file__).parents[2] / "docs" / "rule-books.md"
Row = tuple[str, str, str]
"""A field, its value in words, which rules have it."""


def rows_of_book() -> list[Row]:
    """The fields of a book."""
    return list(_rows(inspect.type_info(Book), ""))


def rows_of_rule() -> list[Row]:
    """The fields of a rule, those of its tables included."""
    return list(_rows(inspect.type_info(Rule), ""))


def _rows(kind: inspect.Type, within: str) -> Iterator[Row]:
    assert isinstance(kind, inspect.StructType)
    for field in kind.fields:
        inner = field.type.item_type if isinstance(field.type, inspect.ListType) else field.type
        holder = f"within `{within[:-1]}`" if within else "always"
        who = holder if field.required else f"if wanted, {holder}" if within else _types(field.name)
        yield f"`{within}{field.name}`", describe(field.type), who
        if isinstance(inner, inspect.StructType) and inner.cls is not Rule:
            yield from _rows(inner, f"{within}{field.name}.")


def _types(name: str) -> str:
    """Which types of rule must and may have a field."""
    must = [kind for kind, (fields, _) in FIELDS_OF_TYPE.items() if name in fields]
    may = [kind for kind, (_, fields) in FIELDS_OF_TYPE.items() if name in fields]
    if name in EVERY_RULE_MAY:
        return f"must: {', '.join(must)}; may: every other" if must else "may: every type"
    return "; ".join(f"{word}: {', '.join(kinds)}" for word, kinds in (("must", must), ("may", may)) if kinds)


def tables(text: str) -> list[list[list[str]]]:
    """The cells of every table of a page, without its head."""
    found = re.findall(r"^\|.*\|\n\|[-|]+\|\n((?:\|.*\|\n)+)", text, re.M)
    return [[[cell.strip() for cell in row[1:-1].split("|")] for row in body.splitlines()] for body in found]


if __name__ == "__main__":
    for rows in (rows_of_book(), rows_of_rule()):
        print("\n".join(f"| {' | '.join(row)} |  |" for row in rows), end="\n\n")
