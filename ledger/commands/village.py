"""`gongfen figures`, `gongfen household` and `gongfen expire`: a village at a glance, and points that lapse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from ledger.commands.common import DEFAULT_URL, Json, LedgerName, TokenText, Url, client_of, printable, show

UNITS = ("issued", "deducted", "redeemed", "settled", "expired", "recredited", "outstanding")


def figures(
    ledger: LedgerName,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    year: Annotated[int | None, typer.Option(min=0, max=9999, help="Rules of this year only; default: all.")] = None,
    as_json: Json = False,
) -> None:
    """Show what became of all points, what each rule gave in each year, and what is left of budgets."""
    with client_of(url, token) as client:
        found = client.figures(ledger, year=year)
    show(found, as_json, lambda: "\n".join(_figures(found)))


def household(
    party: Annotated[str, typer.Argument(help="The household's party id, as the people file has it.")],
    ledger: LedgerName,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    on: Annotated[
        str | None, typer.Option(help="Day, as YYYY-MM-DD; balances are what was entered by its end. Default: today.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="Awards to show, the newest first.")] = 50,
    before: Annotated[int | None, typer.Option(min=0, help="Show awards of entries before this one.")] = None,
    disclose: Annotated[bool, typer.Option("--disclose", help="With the private details.")] = False,
    as_json: Json = False,
) -> None:
    """Show a household on a day: its members, its and their points, month, year, honours and awards."""
    from ledger.core.types import parse_party

    with client_of(url, token) as client:
        found = client.household(
            ledger, parse_party(party.strip(), "household"), on=on, before=before, limit=limit, disclose=disclose
        )
    show(found, as_json, lambda: "\n".join(map(printable, _household(found))))


def expire(
    ledger: LedgerName,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    as_json: Json = False,
) -> None:
    """Let due points lapse now, and tell of those that soon will; a running server does it once a day by itself."""
    with client_of(url, token) as client:
        done = client.lapse(ledger)
    show(
        done,
        as_json,
        lambda: (
            f"told {done['notices']} times of points that will lapse; {points(done['units'])} lapsed in"
            f" {done['expiries']} entries{_refused(done['refused'])}"
        ),
    )


def points(units: int) -> str:
    """Hundredths as points: ``-12.34``."""
    return f"{'-' if units < 0 else ''}{abs(units) // 100}.{abs(units) % 100:02}"


def _refused(count: int) -> str:
    return f"; {count} were refused, the server's log says why" if count else ""


def _by_unit(units: Mapping[str, int]) -> str:
    return "  ".join(f"{unit} {points(held)}" for unit, held in units.items()) or "nothing"


def _figures(found: Mapping[str, Any]) -> list[str]:
    units = found["units"]
    lines = [f"{found['size']} entries", "", f"{'':12}" + "".join(f"{unit:>18}" for unit in units)]
    for name in UNITS:
        lines.append(f"{name:12}" + "".join(f"{points(one[name]):>18}" for one in units.values()))
    lines += ["", *map(_rule, found["rules"])] if found["rules"] else []
    return lines


def _rule(one: Mapping[str, Any]) -> str:
    line = (
        f"{one['year']}  {one['kind']}  {one['book']}/{one['rule']}: {one['entries']} entries, {_by_unit(one['units'])}"
    )
    if one["reversed"]:
        line += f"; {one['reversed']} reversed, {_by_unit(one['returned'])} returned"
    if "budget_units" in one:
        line += f"; {points(one['budget_left_units'])} left of {points(one['budget_units'])}"
    return line


def _household(found: Mapping[str, Any]) -> list[str]:
    standing = f", merged into {found['merged_into']}" if "merged_into" in found else ""
    lines = [f"{found['household']} on {found['on']}: {found['status']}{standing}, since {found['since']}", ""]
    for title in ("balances", "month", "year"):
        for side, units in found[title].items():
            lines.append(f"  {title:10}{side:11}{_by_unit(units)}")
    lines += _titled(
        "members", [f"{m['party']} since {m['since']}: {_by_unit(m['balances'])}" for m in found["members"]]
    )
    lines += _titled("honours", [f"{h['name_zh']} ({h['name_en']}) since {h['since']}" for h in found["honours"]])
    lines += _titled("awards", list(map(_award, found["awards"])))
    if "before" in found:
        lines.append(f"  older ones: --before {found['before']}")
    return lines


def _titled(title: str, lines: Sequence[str]) -> list[str]:
    return ["", title, *(f"  {line}" for line in lines)] if lines else []


def _award(one: Mapping[str, Any]) -> str:
    rule, details = one["rule"], one.get("details", {})
    line = (
        f"{one['seq']}  {one['occurred_on']}  {one['subject']}  {rule['book']}/{rule['id']}  {_by_unit(one['units'])}"
    )
    line += "".join(f"  {name}: {text}" for name, text in details.items())
    return line + (f"  (reversed by {one['reversed_by']})" if "reversed_by" in one else "")
