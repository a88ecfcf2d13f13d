"""A village's year, planned before a line of it is written, so that awards less deductions come out to the point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Final, NamedTuple

from ledger.domain.rules import Rule
from ledger.errors import StateError
from ledger.scenarios.actors import Actor
from ledger.scenarios.changyang.plan import Plan, Size, Sources
from ledger.scenarios.changyang.village import Helper, Village
from ledger.scenarios.draw import Draw
from ledger.scenarios.office import points_of
from ledger.scenarios.people import Resident

VOLUNTEER: Final = "volunteer_per_person"
PROJECT: Final = "project_per_household"
PLANTING: Final = "planting"
TIDY: Final = "tidy_home"
BURNING: Final = "burning_per_household"
MESS: Final = "messy_bonsai"


class Deed(NamedTuple):
    """An act that earns points: whose it is, who declares it, and by which rule.

    ``home`` is the household's party that the subject is or lives in, ``person`` who is behind the declarer's key.
    ``project`` is the number of the project that a household helped.
    """

    day: date
    rule: str
    subject: Actor
    home: str
    declarer: Actor
    person: str
    quantity: int
    matter: str
    place: str
    project: int | None = None


class Fine(NamedTuple):
    """An act that costs points. ``appealed``: the deduction was taken back."""

    day: date
    rule: str
    subject: Actor
    home: str
    matter: str
    place: str
    appealed: bool


class Year(NamedTuple):
    """What happened in a village. ``late`` are deeds of before the second book that were declared after it.

    ``open`` is a deed that was declared and not reviewed yet. ``pacesetter`` is the household that gets all ten stars,
    ``almost`` one that gets nine.
    """

    spring: list[Deed]
    late: list[Deed]
    autumn: list[Deed]
    fines: list[Fine]
    open: Deed
    pacesetter: Actor
    almost: Actor


class Law:
    """The versions of the book that one village adopted, and which of them was in force on a day."""

    def __init__(self, found: Sources, *, votes_again: bool) -> None:
        self._second = found.plan.split.second_effective if votes_again else None
        self._rules = [{rule.id: rule for rule in book.rules} for book in found.books]

    def version(self, day: date) -> int:
        """The version that judges an act of a day."""
        return 1 if self._second is None or day < self._second else 2

    def units(self, rule_id: str, day: date) -> int:
        """What one quantity of a rule moves for an act of a day, in hundredths."""
        rule: Rule = self._rules[self.version(day) - 1][rule_id]
        return points_of(rule)


def plan_year(found: Sources, village: Village, size: Size, draw: Draw) -> Year:
    """The year of a village. Raises `StateError` where its volunteers cannot make up the sum."""
    split, law = found.plan.split, Law(found, votes_again=size.votes_again)
    planner = _Planner(found.plan, village, draw)
    helping, elders = planner.helping(), village.helpers
    fines = list(planner.fines(size, helping))
    fixed = [deed for group in helping for deed in group]
    fixed += [*planner.planting(), *planner.tidying(late=size.votes_again)]
    if size.number == 0:  # the first of the old people is spoken for
        fixed, elders = [*fixed, *planner.before_the_rice(split.rice)], elders[1:]
    net = sum(law.units(deed.rule, deed.day) * deed.quantity for deed in fixed)
    net -= sum(law.units(fine.rule, fine.day) for fine in fines if not fine.appealed)
    times, rest = divmod(size.net_units - net, law.units(VOLUNTEER, split.days.late))
    if rest:
        raise StateError("the points of a village do not add up", field=village.names.village_zh, got=rest)
    deeds = sorted([*fixed, *planner.volunteering(times, elders)], key=lambda deed: deed.day)
    return Year(
        spring=[deed for deed in deeds if deed.day < split.second_effective and deed.day != split.days.late],
        late=[deed for deed in deeds if deed.day == split.days.late],
        autumn=[deed for deed in deeds if deed.day >= split.second_effective],
        fines=fines,
        open=planner.left_open(),
        pacesetter=helping[0][0].subject,
        almost=helping[0][-1].subject,
    )


class _Planner:
    """Makes the deeds of one village, each by a resident or household of it."""

    def __init__(self, plan: Plan, village: Village, draw: Draw) -> None:
        self._plan = plan
        self._days = plan.split.days
        self._village = village
        self._draw = draw

    def helping(self) -> list[list[Deed]]:
        """The households that helped each project, as each declares by its own card."""
        groups = []
        for project, day in enumerate(self._days.projects):
            homes = self._draw.shuffled(self._village.households)[: self._plan.split.households_per_project]
            matter = self._plan.matters["projects"][project]
            groups.append([self._of_home(PROJECT, home.actor, day, matter, project) for home in homes])
        return groups

    def planting(self) -> Iterator[Deed]:
        """Householders who planted a few mu each."""
        for planter in self._draw.shuffled(self._village.householders)[: self._plan.split.plantings]:
            day = self._days.planted_from + timedelta(days=self._draw.below(28))
            yield self._of_person(PLANTING, planter, day, self._plan.split.planted_mu.drawn(self._draw))

    def tidying(self, *, late: bool) -> Iterator[Deed]:
        """Homes found tidy, one of them long before it was declared, where ``late``."""
        days = [*self._days.tidy, *([self._days.late] if late else [])]
        for home, day in zip(self._draw.shuffled(self._village.households), days, strict=False):
            yield self._of_home(TIDY, home.actor, day, self._draw.pick(self._plan.matters[TIDY]))

    def before_the_rice(self, rice: Mapping[str, int]) -> Iterator[Deed]:
        """What the first of the old people did, so as to exchange it later."""
        helper, (spring, autumn) = self._village.helpers[0], self._days.before_the_rice
        yield self._by_helper(PLANTING, helper, spring, rice["planting"])
        yield self._by_helper(VOLUNTEER, helper, autumn, rice["volunteering"])

    def left_open(self) -> Deed:
        """What a helper declared last for the first of the old people, a day before the end."""
        day = self._plan.split.as_of - timedelta(days=1)
        return self._by_helper(VOLUNTEER, self._village.helpers[0], day, 1)

    def volunteering(self, times: int, elders: Sequence[Helper]) -> Iterator[Deed]:
        """So many times of volunteering in all: the old by their helpers, householders by their phones.

        Raises `StateError` where somebody would never be there, or more often than the rule allows.
        """
        split, holder = self._plan.split, self._village.reviewers[0].person  # reviewers volunteer too; others review it
        others = [one for one in self._draw.shuffled(self._village.householders) if one is not holder]
        people: list[Helper | Resident] = [*elders, holder, *others[: split.volunteers - 1]]
        share, more = divmod(times, len(people))
        if not 1 <= share < split.volunteering_most:
            raise StateError("volunteers cannot make up the sum", field=self._village.names.village_zh, got=share)
        for place, one in enumerate(people):
            quantity, day = share + (place < more), self._days.volunteering[place % len(self._days.volunteering)]
            if isinstance(one, Helper):
                yield self._by_helper(VOLUNTEER, one, day, quantity)
            else:
                yield self._of_person(VOLUNTEER, one, day, quantity)

    def fines(self, size: Size, helping: Sequence[Sequence[Deed]]) -> Iterator[Fine]:
        """Households that burnt something, or let their bonsai lie about; each had points from a project before."""
        wanted = [(BURNING, True)] * size.appealed + [(BURNING, False)] * size.burnings + [(MESS, False)] * size.messes
        for place, (rule, appealed) in enumerate(wanted, 1):
            deed, matters = helping[0][place], self._plan.matters[rule]
            day = self._days.fined_from + timedelta(days=3 * place)
            yield Fine(day, rule, deed.subject, deed.home, self._draw.pick(matters), self._place(), appealed)

    def _of_home(self, rule: str, home: Actor, day: date, matter: str, project: int | None = None) -> Deed:
        return Deed(day, rule, home, home.party, home, home.party, 1, matter, self._place(), project)

    def _of_person(self, rule: str, person: Resident, day: date, quantity: int) -> Deed:
        actor, matter = person.actor, self._draw.pick(self._plan.matters[rule])
        home = person.household.actor.party
        return Deed(day, rule, actor, home, actor, actor.party, quantity, matter, self._place())

    def _by_helper(self, rule: str, helper: Helper, day: date, quantity: int) -> Deed:
        own = self._of_person(rule, helper.elder, day, quantity)
        return own._replace(declarer=helper.post.actor, person=helper.post.person.actor.party)

    def _place(self) -> str:
        return self._draw.pick(self._plan.names.places)
