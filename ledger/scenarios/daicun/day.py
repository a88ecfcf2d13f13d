"""The first day, planned before a line of it is written: who took part in what and for how long, then who bought what.

Residents have numbers, from 0. A tenth of the awards and of their points falls to residents without a smartphone, whose
paper card a social worker scans. Minutes of volunteering are chosen so that both sums come out exactly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Final, NamedTuple

from ledger.errors import StateError
from ledger.scenarios.daicun.plan import Doing, Hamlet, Size, Sources
from ledger.scenarios.daicun.village import Village
from ledger.scenarios.draw import Draw

BY_MINUTE: Final = "volunteering"
MINUTES: Final = (60, 300)
"""The shortest and the longest that somebody volunteers in one part of the day."""


class Attendance(NamedTuple):
    """A resident who took part in a session; ``quantity`` is what the rule counts, ``scanned`` a paper card."""

    resident: int
    quantity: int
    scanned: bool


class Session(NamedTuple):
    """Something that took place in a part of the day, and who took part."""

    part: int
    starts: str
    doing: Doing
    title: str
    place: str
    attending: list[Attendance]

    @property
    def rule(self) -> str:
        """The rule that rewards it."""
        return self.doing.rule


class Day(NamedTuple):
    """The plan: sessions in order; households and residents by number.

    ``honours`` are declared and approved, ``unfounded`` declared and rejected.
    """

    sessions: list[Session]
    safe_families: list[int]
    honours: list[int]
    unfounded: list[int]


def plan_day(found: Sources, hamlet: Hamlet, size: Size, village: Village, draw: Draw) -> Day:
    """The first day of a village. Raises `StateError` if its points cannot add up."""
    sessions = _fill_minutes(found, size, _sessions(found, hamlet, size, village, draw), draw.split("minutes"))
    declaring = draw.split("honours").shuffled(range(size.residents))
    return Day(
        sessions=sessions,
        safe_families=sorted(draw.split("families").shuffled(range(size.households))[: size.safe_families]),
        honours=declaring[: size.honours],
        unfounded=declaring[size.honours : size.honours + max(1, size.honours // 10)],
    )


def _sessions(found: Sources, hamlet: Hamlet, size: Size, village: Village, draw: Draw) -> list[Session]:
    """All sessions, with one quantity for what goes by the minute. Nobody is at two places at a time."""
    cards = sorted(village.with_card)
    phones = [resident for resident in range(size.residents) if resident not in village.with_card]
    plan, sessions = found.plan, list[Session]()
    for number, period in enumerate(plan.parts):
        stream = draw.split("part", str(number))
        scanned = _share(size.card_awards, number, len(plan.parts))
        others = _share(size.attendances - size.card_awards, number, len(plan.parts))
        wanted = -(-(scanned + others) // plan.split.places_per_session)
        held = max(len(period.sequence), wanted)
        dealt: list[list[Attendance]] = [[] for _ in range(held)]
        for people, places, by_card in ((cards, scanned, True), (phones, others, False)):
            if places > len(people):
                raise StateError("too few residents", field=period.starts, expected=places, got=len(people))
            for turn, resident in enumerate(stream.shuffled(people)[:places]):
                dealt[turn % held].append(Attendance(resident, 1, by_card))
        for turn, attending in enumerate(dealt):
            doing = plan.doing(period.sequence[turn % len(period.sequence)])
            attending = [one._replace(quantity=doing.quantity) for one in attending]
            title, place = stream.pick(doing.titles), stream.pick(hamlet.places)
            sessions.append(Session(number, period.starts, doing, title, place, attending))
    return sessions


def _fill_minutes(found: Sources, size: Size, sessions: list[Session], draw: Draw) -> list[Session]:
    """Give volunteers their minutes, so that scanned awards and all others add up to what they must."""
    besides = size.safe_families * found.points("safe_family") + size.honours * found.points("honour_declared")
    targets = {True: size.card_units, False: size.total_units - size.card_units - besides}
    fixed, volunteers = Counter[bool](), Counter[bool]()
    for session in sessions:
        for one in session.attending:
            volunteers[one.scanned] += session.rule == BY_MINUTE
            fixed[one.scanned] += one.quantity * found.points(session.rule) * (session.rule != BY_MINUTE)
    minutes = {
        scanned: iter(_spread(target - fixed[scanned], found.points(BY_MINUTE), volunteers[scanned], draw))
        for scanned, target in targets.items()
    }
    return [
        session._replace(attending=[one._replace(quantity=next(minutes[one.scanned])) for one in session.attending])
        if session.rule == BY_MINUTE
        else session
        for session in sessions
    ]


def _spread(units: int, points_units: int, number: int, draw: Draw) -> list[int]:
    """So many quantities, about a tenth around their mean, that give exactly ``units``. Raises `StateError`."""
    weights = [90 + draw.below(21) for _ in range(number)]
    wanted, rest = divmod(units, points_units)
    shares = [wanted * weight // sum(weights) for weight in weights]
    for place in range(wanted - sum(shares)):
        shares[place] += 1
    least, most = MINUTES
    if rest or not shares or not least <= min(shares) <= max(shares) <= most:
        shortest, longest = min(shares, default=0), max(shares, default=0)
        raise StateError("the points of the day do not add up", expected=MINUTES, got=f"{shortest} to {longest}")
    return shares


def _share(whole: int, place: int, parts: int) -> int:
    """The part of a place, where a number is shared out as evenly as it goes."""
    return whole // parts + (place < whole % parts)


class Purchase(NamedTuple):
    """Goods at a shop, by the resident's and the shop's number; points pay the bill, or part of it."""

    day: str
    resident: int
    shop: int
    goods: str
    bill_fen: int
    amount_units: int


def earned(found: Sources, day: Day) -> Counter[int]:
    """What each resident may spend after the first day, in hundredths."""
    held: Counter[int] = Counter()
    for session in day.sessions:
        for one in session.attending:
            held[one.resident] += one.quantity * found.points(session.rule)
    for resident in day.honours:
        held[resident] += found.points("honour_declared")
    return held


def plan_purchases(
    found: Sources, size: Size, held: Counter[int], with_card: frozenset[int], apart: Sequence[int], draw: Draw
) -> list[Purchase]:
    """What residents buy until the month ends, but for those ``apart``; no card spends more than its cap of a day."""
    rate: int = found.rule("cash").units_per_yuan or 0
    first, last = found.plan.stated.launched, found.plan.split.settled_on
    cap = found.profile.card_daily_cap_units
    buying = [resident for resident in draw.shuffled(sorted(held)) if resident not in apart][: size.buyers]
    bought = []
    for number, resident in enumerate(buying):
        room = min(held[resident], cap) if resident in with_card else held[resident]
        goods = draw.pick(found.goods)
        amount = min(room, goods.price_fen * rate // 100)
        day = first + timedelta(days=draw.below((last - first).days))
        shop = number % len(found.profile.shops)
        bought.append(Purchase(day.isoformat(), resident, shop, goods.name_zh, goods.price_fen, amount))
    return sorted(bought, key=lambda purchase: purchase.day)
