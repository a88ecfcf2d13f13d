"""What scenarios are made from: figures, invented names, and the profiles they use, read from the package's data."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib.resources import files
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from ledger.domain.bookread import parse_book
from ledger.domain.rules import Book

T = TypeVar("T")


class Sentence(Struct, frozen=True, forbid_unknown_fields=True):
    """A sentence that must hold after the run; the scenario's code finds its check by ``id``."""

    id: str
    says: str


class Names(Struct, frozen=True, forbid_unknown_fields=True):
    """What invented names are made of."""

    village_zh: str
    committee_zh: str
    surnames: str
    given_first: str
    given_second: str
    places: list[str]


class Officers(Struct, frozen=True, forbid_unknown_fields=True):
    """How many keys hold a role, and for what: ``*`` the whole ledger, ``organisation`` the one that issues points."""

    role: str
    name_zh: str
    number: int
    scope: str


class Shop(Struct, frozen=True, forbid_unknown_fields=True):
    name_zh: str


class Goods(Struct, frozen=True, forbid_unknown_fields=True):
    """Something a village shop sells."""

    name_zh: str
    price_fen: int


class Profile(Struct, frozen=True):
    """A profile's roles, shops and card, as data."""

    name: str
    units: list[str]
    officers: list[Officers]
    card_daily_cap_units: int = 0
    shops: list[Shop] = []


def read_data(name: str, kind: type[T]) -> T:
    """The data of a scenario, ``data/<name>.toml``, as a type of its own."""
    text = files("ledger.scenarios").joinpath("data", f"{name}.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), kind)


def read_part(profile: str, part: str) -> dict[str, Any]:
    """A file of a profile, such as ``products``."""
    return tomllib.loads(_profile_file(profile, part).decode("utf-8"))


def read_goods(profile: str) -> list[Goods]:
    """What the shops of a profile sell."""
    return msgspec.convert(read_part(profile, "products")["goods"], list[Goods])


@lru_cache(maxsize=8)
def read_profile(name: str) -> Profile:
    """A profile's roles, shops and card."""
    return msgspec.convert(read_part(name, "profile"), Profile)


@lru_cache(maxsize=32)
def read_book(profile: str, part: str = "points") -> Book:
    """A rule book of a profile, from the file ``<part>.toml``."""
    return parse_book(_profile_file(profile, part))


def _profile_file(profile: str, part: str) -> bytes:
    return files("ledger.domain.profiles").joinpath(profile, f"{part}.toml").read_bytes()
