"""Telling the year as signed events, in the order in which the ledger takes them."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.scenarios.kangbashi.plan import Sources
from ledger.scenarios.kangbashi.town import REGISTERED_ON, People, number_of
from ledger.scenarios.kangbashi.year import ONE_SCORE_HAZARDS, ONE_SCORE_HOURS, Bill, Year
from ledger.scenarios.office import Office, points_of, units_for
from ledger.scenarios.scenario import Answers
from ledger.scenarios.scribe import Scribe

EVERY = 500
"""Events after which the story hands over what it wrote."""
RETURN_MONTHS = (1, 3, 5, 9, 10, 11)
"""Months in which something is given back that the shop was settled for."""


class Story:
    """The town's doings, told with its `Office`."""

    def __init__(self, found: Sources, people: People, year: Year, scribe: Scribe, answers: Answers) -> None:
        self.found = found
        self.people = people
        self.year = year
        self.scribe = scribe
        self.office = Office(scribe, found.profile, people.officers, people.centre)
        self._answers = answers
        self._taken = [0] * len(people.shops)
        self._owed = [0] * len(people.shops)

    def open_office(self) -> None:
        """Powers first, then the book by vote, the centre, the departments, the shops."""
        split = self.found.plan.split
        self.scribe.phase = "roles"
        self.office.empower(REGISTERED_ON)
        self.scribe.phase = "book"
        eligible = 4 * len(self.people.residents) // 5
        self.office.adopt_book(
            self.found.book, day=split.book_adopted, effective=split.book_effective, eligible=eligible
        )
        self.scribe.phase = "organisations"
        self.office.register_party(self.people.centre, "organisation", REGISTERED_ON)
        for department in self.people.departments:
            self.office.register_party(department, "organisation", REGISTERED_ON)
            self.office.grant(department, "department", department.party, REGISTERED_ON)
        for shop in self.people.shops:
            self.office.open_shop(shop, REGISTERED_ON)

    def register(self) -> Iterator[None]:
        """Residents, each by two clerks; then a phone for each, by two clerks as it has no daily cap."""
        self.scribe.phase = "residents"
        for place, resident in enumerate(self.people.residents):
            self.office.register_party(resident, "resident", REGISTERED_ON, number=number_of(place))
            if place % EVERY == 0:
                yield
        self.scribe.phase = "phones"
        for place, resident in enumerate(self.people.residents):
            self.office.issue_phone(resident, REGISTERED_ON)
            if place % EVERY == 0:
                yield

    def earn(self, month: int) -> Iterator[None]:
        """Material points for surveys and quizzes."""
        self.scribe.phase = f"month {month:02}: surveys and quizzes"
        for rule, answered in (("survey", self.year.surveys(month)), ("quiz", self.year.quizzes(month))):
            for place, (resident, quantity) in enumerate(answered):
                day = self.year.day(month, 1 + resident % 15)
                title = self.title(rule, resident)
                self.office.award(self.party(resident), rule, day, {"matter": title}, quantity=quantity)
                if place % EVERY == 0:
                    yield

    def volunteer(self, month: int) -> Iterator[None]:
        """Moral points for volunteering: activities with places for those who took part."""
        self.scribe.phase = f"month {month:02}: volunteering"
        self._one_score(month)
        for number, people in enumerate(self.year.volunteers(month)):
            day = self.year.day(month, 2 + number % 12)
            title, place = self.title("volunteering", number), self.found.plan.names.places[number % 6]
            hours = sum(hours for _, hours in people)
            task = self.office.publish(
                "volunteering",
                day=self.year.day(month, 1),
                starts_on=day,
                ends_on=day,
                capacity=len(people),
                budget_units=hours * points_of(self.office.rule("volunteering")),
                title=title,
                place=place,
            )
            for resident, quantity in people:
                party = self.party(resident)
                self.office.award(party, "volunteering", day, {"matter": title}, quantity=quantity, task=task)
            yield

    def _one_score(self, month: int) -> None:
        """The resident whose score is stated: in small parts, so that every one of its decimals is added."""
        party, day = self.party(0), self.year.day(month, 6)
        matter = {"matter": self.title("volunteering", month)}
        self.office.award(party, "volunteering", day, matter, quantity=ONE_SCORE_HOURS[month - 1])
        if month <= ONE_SCORE_HAZARDS // 2:
            matter = {"matter": self.title("hazard_report", month)}
            self.office.award(party, "hazard_report", day, matter, quantity=2)

    def spend(self, month: int) -> Iterator[bool]:
        """Bills at the partner shops; then every shop is settled with, and now and then something comes back."""
        self.scribe.phase = f"month {month:02}: partner shops"
        last: tuple[Bill, str] | None = None
        for place, bill in enumerate(self.year.bills(month)):
            last = bill, self.redeem(bill)
            if place % EVERY == 0:
                yield False
        yield True
        self.scribe.phase = f"month {month:02}: settlements"
        self.settle(month)
        if last is not None and month in RETURN_MONTHS[: self.year.size.returned]:
            self._return(*last)

    def redeem(self, bill: Bill, *, event_id: str = "", causes: tuple[str, ...] = ()) -> str:
        """Part of a bill paid with points, signed by the shop and the resident's phone."""
        self._taken[bill.shop] += bill.amount_units
        goods = self.found.goods[(bill.resident + bill.shop) % len(self.found.goods)].name_zh
        return self.office.redeem(
            self.people.shops[bill.shop],
            self.people.residents[bill.resident],
            bill.amount_units,
            bill.bill_fen,
            self.year.shares[bill.shop % 3].id,
            bill.day,
            {"goods": goods},
            mark=f"till {bill.shop}",
            event_id=event_id,
            causes=causes,
        )

    def settle(self, month: int) -> None:
        """Settle with every shop that took points in since, up to its last bill."""
        for place, shop in enumerate(self.people.shops):
            if self._taken[place]:
                day = self.year.day(month, 28)
                marks = (f"till {place}", f"exactly {place}")
                through = max(self._answers[mark].seq for mark in marks if mark in self._answers)
                self.office.settle(shop, self._taken[place], through, day, netted_units=self._owed[place])
                self._taken[place] = self._owed[place] = 0

    def _return(self, bill: Bill, event: str) -> None:
        """Goods come back after the shop was settled with: the centre gives the points back, and nets them later.

        The resident takes other goods for the same.
        """
        replacement = self.scribe.new_id()
        shop = self.people.shops[bill.shop]
        party, rule = self.party(bill.resident), self.year.shares[bill.shop % 3].id
        reversal = self.office.reverse_redemption(
            event, shop, party, bill.amount_units, rule, bill.day, "商品退换，积分退回", replacement=replacement
        )
        self._owed[bill.shop] += bill.amount_units
        self.redeem(bill, event_id=replacement, causes=(reversal,))

    def try_bills(self, month: int) -> None:
        """One bill at each share: a fen's worth too many is refused, exactly the share is taken."""
        self.scribe.phase = "bills at their limit"
        bill_fen = self.found.plan.split.bill_fen
        for place, rule in enumerate(self.year.shares):
            most = units_for(rule, bill_fen)
            bill = Bill(0, place, self.year.day(month, 17), bill_fen, most)
            with self.scribe.expecting("bill_cap_exceeded"):
                self._try_bill(bill._replace(amount_units=most + 100), f"over {place}")
            self._try_bill(bill, f"exactly {place}")
            self._taken[place] += most

    def _try_bill(self, bill: Bill, mark: str) -> None:
        shop, resident = self.people.shops[bill.shop], self.people.residents[bill.resident]
        rule = self.year.shares[bill.shop].id
        goods = {"goods": "家庭聚餐"}
        self.office.redeem(shop, resident, bill.amount_units, bill.bill_fen, rule, bill.day, goods, mark=mark)

    def title(self, rule: str, number: int) -> str:
        """What the act of a number is called."""
        titles = self.found.plan.titles(rule)
        return titles[number % len(titles)]

    def party(self, resident: int) -> str:
        """The party of a resident's number."""
        return self.people.residents[resident].party
