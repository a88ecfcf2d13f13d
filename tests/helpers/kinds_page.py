"""Writes docs/spec/kinds.md from the types of all kinds: ``python -m tests.helpers.kinds_page``.

A test compares the committed page with what is generated, so the page cannot lag behind the code.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import UNSET, Struct, UnsetType

from ledger.core.types import MAX_INT
from ledger.domain import append, disclosures, entries, fields, judge, roles, state
from ledger.domain.entries import parse_entry
from ledger.domain.events import SIGNATURES_MAX, Body, Device, Event
from ledger.domain.fields import ANYWHERE
from ledger.domain.kinds import KINDS
from ledger.domain.roles import Requirement
from tests.helpers.history import SCRIPTS, History

PAGE = Path(__file__).resolve().parents[2] / "docs" / "spec" / "kinds.md"
INTRODUCTION = """# Kinds of event, version 1

Generated from the types in `ledger/domain/kinds/`; do not edit. A kind fixes the `body` of an event (formats §3), who
must sign it, whom it concerns and what it does. Amounts (`…_units`) are hundredths of a point, money (`…_fen`) is in
fen, days are days in Asia/Shanghai. A field marked *optional* is absent rather than null or empty, and no field has
another default: the bytes that are signed are the bytes that are verified.

**Signers.** A requirement such as `2 × clerk` is filled by two different parties, each with a key that holds the role
when the entry is appended. A role *for* a field covers the party of that field, or every party (`*`). *May also* sign
means that a rule of the village can ask for it. The actor's signature stands first; no party signs twice; a signer who
fills no requirement refuses the event. Different parties must be different people, as far as the log knows them: a role
may be granted with the resident behind the key, and then two keys of one person are one signer (`same_person`). Where
an event decides about somebody, that person, and the members of a household that it is about, do not sign (`own_case`).

**Privacy.** P0 public, P1 village with the person's consent, P2 subject and issuer, P3 sensitive. Private fields are
disclosures (formats §6): `text` of 1 to 2000 characters, `integer`, or `digest` (64 hex digits).
"""
SIGNERS = {
    "ledger_created": "every key that it lists: the township's and the ledger's own",
    "role_changed": "as many parties of the `township` as entry 0 set as threshold; a key never ends its own authority",
    "rulebook_adopted": "1 × `council`; 1 × `oversight`; `township` too, if the book takes effect before the day on "
    "which it is entered",
    "credential_changed": "1 × `clerk`; for a new phone, which has no daily cap, and for a cap above 1,000 points, "
    "2 × `clerk`",
    "civic_posted": "a suggestion or listing by `card`/`phone` of `poster`, or by its own key `one_time` alone; a "
    "reply, notice or referral by 1 × `village`/`department`/`community`/`council`, for `poster`",
    "benefit_changed": "offer, grant and revoke by 1 × `decider`, for `issuer`; accept and decline by 1 × "
    "`card`/`phone`/`helper`, for `subject`",
}
"""Where the signers depend on the log, or on what the body says."""
DECIDES = {"benefit_changed": "offer, grant and revoke do", "party_changed": "merge does"}
"""Where it depends on what the body says."""
COMMON: tuple[tuple[str, tuple[ModuleType, ...], set[str]], ...] = (
    ("reading", (entries,), {"malformed"}),
    ("disclosures", (disclosures,), {f"disclosure_{how}" for how in ("missing", "superfluous", "misnamed", "doubled")}),
    ("signatures, signers, form and balances", (roles, judge), {"bad_signature"}),
    ("ids", (append,), set()),
    ("replaying", (state,), set()),
)
"""What every event may meet: the modules that say so, and codes that come up to them from the core."""
NAMES: dict[object, str] = {
    fields.Party: "party",
    fields.EventRef: "event id",
    fields.OwnId: "event id",
    fields.OwnDay: "day",
    fields.OftenNamed: "name, `[a-z][a-z0-9_]{0,39}`",
    fields.DigestHex: "64 hex digits",
    fields.Day: "day",
    fields.Scope: "party, or `*`",
    fields.Name: "name, `[a-z][a-z0-9_]{0,39}`",
    fields.Account: "account, `<party>/<unit>`",
    fields.Base64Of32: "base64url of 32 bytes",
}


def page() -> str:
    """The whole page."""
    bodies = examples()
    parts: dict[str, type[Struct]] = {"Event": Event, "Device": Device}
    kinds = [section(bodies[kind], parts) for kind in KINDS]
    done: set[str] = set()
    tables = []
    while waiting := [name for name in parts if name not in done]:
        for name in waiting:
            done.add(name)
            tables.append(f"### {name}\n\n{_sentence(parts[name])}\n\n{field_table(parts[name], parts)}")
    common = "\n".join(f"- {name}: {_listed(codes_of_modules(modules) | more)}" for name, modules, more in COMMON)
    contents = "\n".join(f"- [`{kind}`](#{kind}) {body.title}" for kind, body in KINDS.items())
    refusals = f"## Refusals of every kind\n\nBeside the codes of its kind, any event may meet these:\n\n{common}"
    return "\n\n".join([INTRODUCTION + "\n" + contents, *kinds, "## Parts", *tables, refusals]) + "\n"


def section(body: Body, parts: dict[str, type[Struct]]) -> str:
    """One kind."""
    cls = type(body)
    takes = [f"`{name}`" for name, does in (("rule", cls.takes_rule), ("reverses", cls.takes_reverses)) if does]
    private = ", ".join(f"`{name}` ({kind})" for name, kind in cls.private.items())
    lines = [
        f"## {cls.kind}",
        f"{cls.title}. {_sentence(cls)}",
        "\n".join(
            [
                f"- **Signed by:** {SIGNERS.get(cls.kind) or '; '.join(signed_by(body))}",
                f"- **Concerns:** {concerns(body)}",
                f"- **Event fields:** {' and '.join(takes) if takes else 'no `rule`, no `reverses`'}",
                f"- **Private fields:** {private + f'; about `{_holder(body)}`' if private else 'none'}",
                f"- **Moves:** {'nothing' if cls.check_postings is Body.check_postings else 'points, as said above'}",
                f"- **Decides about somebody:** {DECIDES.get(cls.kind) or ('yes' if body.decides_about() else 'no')}",
                f"- **Privacy:** {cls.privacy}. **Reversible:** {'yes' if cls.reversible else 'no'}",
            ]
        ),
        field_table(cls, parts),
        f"**Refused with:** {_listed(set(codes_of_kind(cls)))}",
    ]
    return "\n\n".join(lines)


def examples() -> dict[str, Body]:
    """One body of every kind, from villages where each happened."""
    entries: list[bytes] = []
    for script in SCRIPTS:
        history = History()
        for step in script:
            history.take(step)
        entries += history.village.entries
    bodies = [parse_entry(data).event.body for data in entries]
    return {body.kind: body for body in sorted(bodies, key=lambda body: (len(body.parties()), _given(body)))}


def _given(body: Body) -> int:
    return sum(getattr(body, name) is not UNSET for name in body.__struct_fields__)


def signed_by(body: Body) -> Iterator[str]:
    """Each requirement in words."""
    for need in body.requirements():
        who = "/".join(f"`{role}`" for role in need.roles)
        count = f"{need.at_least} × {who}" if need.at_least else f"{who} may also sign"
        if need.at_most < SIGNATURES_MAX and need.at_most != need.at_least:
            count += f", at most {need.at_most}"
        yield count + _where(need, body)


def _where(need: Requirement, body: Body) -> str:
    if need.party is not None:
        return f", being `{_field_of(body, need.party)}`"
    return "" if need.scope == ANYWHERE else f", for `{_field_of(body, need.scope)}`"


def _field_of(body: Body, value: str) -> str:
    return next(name for name, found in msgspec.structs.asdict(body).items() if found == value)


def _holder(body: Body) -> str:
    return _field_of(body, str(body.holder()))


def concerns(body: Body) -> str:
    """The body's fields that name parties."""
    hints = get_type_hints(type(body), include_extras=True)
    named = [name for name, hint in hints.items() if fields.Party in (hint, *get_args(hint))]
    if fields.Scope in hints.values():
        named.append("scope")
    found = [f"`{name}`" for name in named]
    if "undo" in hints:
        found.append("the parties of `undo`")
    if "root" in hints and hints["root"] is not fields.DigestHex:
        found = ["every party that it lists"]
    return ", ".join(found) or "nobody"


def field_table(cls: type[Struct], parts: dict[str, type[Struct]]) -> str:
    """A table of the fields; structs met on the way are added to ``parts``."""
    hints = get_type_hints(cls, include_extras=True)
    rows = ["| field | value | |", "|---|---|---|"]
    for field in msgspec.structs.fields(cls):
        optional = UnsetType in get_args(hints[field.name])
        rows.append(
            f"| `{field.encode_name}` | {value_of(hints[field.name], parts)} | {'optional' if optional else ''} |"
        )
    return "\n".join(rows)


def value_of(hint: Any, parts: dict[str, type[Struct]]) -> str:
    """A type in words."""
    if hint in NAMES:
        return NAMES[hint]
    args = get_args(hint)
    if type(None) not in args and UnsetType in args:
        rest = tuple(arg for arg in args if arg is not UnsetType)
        return value_of(rest[0] if len(rest) == 1 else Union[rest], parts)  # noqa: UP007 - built from parts
    if hasattr(hint, "__metadata__"):
        return _bounded(hint, parts)
    if isinstance(hint, type) and issubclass(hint, Struct):
        parts.setdefault(hint.__name__, hint)
        return f"[{hint.__name__}](#{hint.__name__.lower()})"
    origin = get_origin(hint)
    if origin is list:
        return f"list of {value_of(args[0], parts)}"
    if origin is dict:
        return f"{value_of(args[0], parts)} → {value_of(args[1], parts)}"
    return " / ".join(f"`{arg}`" for arg in args) or {str: "text", int: "integer"}[hint]


def _bounded(hint: Any, parts: dict[str, type[Struct]]) -> str:
    meta, base = hint.__metadata__[0], value_of(hint.__origin__, parts)
    if hint.__origin__ is int:
        most = "2^53−1" if meta.le == MAX_INT else f"{meta.le:,}"
        least = "−(2^53−1)" if meta.ge == -MAX_INT else str(meta.ge)
        return f"integer {least} … {most}"
    if meta.pattern:
        return f"text of at most {meta.max_length} characters, `{meta.pattern.removesuffix('(?!' + chr(92) + 'n)')}`"
    what = "characters" if hint.__origin__ is str else "items"
    return f"{base}, {meta.min_length or 0} to {meta.max_length} {what}"


def codes_of_modules(modules: tuple[ModuleType, ...]) -> set[str]:
    """The codes that modules state."""
    return {code for module in modules for code in _codes(ast.parse(inspect.getsource(module)))}


def codes_of_kind(cls: type[Body]) -> Iterator[str]:
    """The codes that a kind's ``decide`` can reach, within the domain."""
    waiting: list[Callable[..., Any]] = [cls.decide]
    seen: set[Callable[..., Any]] = set()
    while waiting:
        function = waiting.pop()
        if function in seen or not function.__module__.startswith("ledger.domain"):
            continue
        seen.add(function)
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        yield from _codes(tree)
        for node in ast.walk(tree):
            found = None
            if isinstance(node, ast.Name):
                found = function.__globals__.get(node.id)
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
                found = inspect.getattr_static(cls, node.attr, None)
            if isinstance(found, FunctionType):
                waiting.append(found)


def _codes(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "code":
            for leaf in ast.walk(node.value):
                if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str):
                    yield leaf.value


def _sentence(cls: type) -> str:
    return " ".join((inspect.getdoc(cls) or "").replace("``", "`").split())


def _listed(codes: set[str]) -> str:
    return ", ".join(f"`{code}`" for code in sorted(codes)) or "nothing of its own"


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
