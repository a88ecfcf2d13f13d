"""Telling the first day of a village as signed events, in the order in which the ledger takes them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from ledger.core.encoding import JSON
from ledger.scenarios.actors import Actor
from ledger.scenarios.daicun.day import BY_MINUTE, Attendance, Day, Session
from ledger.scenarios.daicun.plan import Hamlet, Size, Sources
from ledger.scenarios.daicun.scanning import Scanner
from ledger.scenarios.daicun.village import Village, family_number
from ledger.scenarios.draw import Draw
from ledger.scenarios.office import Office
from ledger.scenarios.scribe import Scribe

EVERY: Final = 400
"""Events after which the story hands over what it wrote."""


class Story:
    """A village's doings, told with its `Office`. ``carried`` is what each resident signs with, card or phone.

    ``tasks`` are the ids of the sessions, in their order.
    """

    def __init__(self, found: Sources, hamlet: Hamlet, size: Size, village: Village, day: Day, draw: Draw) -> None:
        self.found, self.hamlet, self.size = found, hamlet, size
        self.village, self.day, self.draw = village, day, draw
        self.scribe = Scribe(hamlet.origin, draw.split("events"))
        self.office = Office(self.scribe, found.profile, village.officers, village.committee)
        self.carried: list[Actor] = [resident.actor for resident in village.residents]
        self.scanners = [Scanner(worker, number) for number, worker in enumerate(village.workers)]
        self.tasks: list[str] = []
        self.launched = found.plan.stated.launched.isoformat()
        self.eve = (found.plan.stated.launched - timedelta(days=1)).isoformat()

    def open_office(self) -> None:
        """Powers first, then the book by vote, the committee, the shops and their powers."""
        split = self.found.plan.split
        before, eligible = split.book_adopted.isoformat(), 4 * self.size.residents // 5
        self.scribe.phase = "roles"
        self.office.empower(before)
        self.scribe.phase = "book"
        self.office.adopt_book(
            self.found.book, day=split.book_adopted, effective=split.book_effective, eligible=eligible
        )
        self.scribe.phase = "organisation"
        self.office.register_party(self.village.committee, "organisation", before)
        for shop in self.village.shops:
            self.office.open_shop(shop, before)

    def register(self) -> Iterator[None]:
        """Everybody under the own name and number, then a card or phone for each."""
        village, day = self.village, self.eve
        self.scribe.phase = "groups and households"
        for group in village.groups:
            self.office.register_party(group, "group", day)
        for place, home in enumerate(village.households):
            number = family_number(self.hamlet, place)
            group_party = home.group.party
            self.office.register_party(
                home.actor, "household", day, group=group_party, number=number, address=home.address
            )
        self.scribe.phase = "residents"
        for place, resident in enumerate(village.residents):
            home_party = resident.household.actor.party
            self.office.register_party(resident.actor, "resident", day, household=home_party, number=resident.number)
            if place % EVERY == 0:
                yield
        self.scribe.phase = "cards and phones"
        for place, carried in enumerate(self.carried):
            issue = self.office.issue_card if place in village.with_card else self.office.issue_phone
            issue(carried, day)
            if place % EVERY == 0:
                yield

    def empower_workers(self) -> None:
        """Social workers award in the field, and declare for those without a smartphone; each is a resident too."""
        self.scribe.phase = "social workers"
        for worker in self.village.workers:
            person = self.village.party(worker.person)
            self.office.grant(worker.actor, "issuer", self.village.committee.party, self.eve, person=person)
            self.office.grant(worker.actor, "helper", "*", self.eve)

    def hold_sessions(self) -> Iterator[None]:
        """Sessions are announced; whoever came with a phone is awarded at once. What was mistyped is put right."""
        self.scribe.phase = "sessions"
        self.tasks = [self._announce(session) for session in self.day.sessions]
        mistyped = self._mistyped()
        wrong = []
        for number, session in enumerate(self.day.sessions):
            self.scribe.phase = f"awards from {session.starts} on"
            for one in session.attending:
                if not one.scanned and (number, one) in mistyped:
                    typed = one._replace(quantity=one.quantity // 10)
                    wrong.append((number, typed, one, self.award(number, typed)))
                elif not one.scanned:
                    self.award(number, one)
            yield
        self.scribe.phase = "corrections"
        for number, typed, one, event in wrong:
            self._correct(number, typed, one, event)

    def award_families(self) -> None:
        """The safe families, an honour of the house."""
        self.scribe.phase = "safe families"
        matter: dict[str, JSON] = {"matter": "全家无事故、无纠纷、无违法"}
        for household in self.day.safe_families:
            party = self.village.households[household].actor.party
            self.office.award(party, "safe_family", self.launched, matter)

    def sync_scans(self) -> None:
        """In the evening every device hands over its scans, in its own order."""
        for turn, scanner in enumerate(self.scanners):
            self.scribe.phase = f"scans of {scanner.id}"
            for number, session in enumerate(self.day.sessions):
                if number % len(self.scanners) == turn:
                    scanner.arrive(self.launched, session.starts)
                    for one in session.attending:
                        if one.scanned:
                            self._scan(scanner, number, one)

    def _announce(self, session: Session) -> str:
        units = sum(one.quantity for one in session.attending) * self.found.points(session.rule)
        return self.office.publish(
            session.rule,
            day=self.eve,
            starts_on=self.launched,
            ends_on=self.launched,
            capacity=len(session.attending),
            budget_units=units,
            title=session.title,
            place=session.place,
        )

    def award(self, number: int, one: Attendance, *, event_id: str = "", causes: tuple[str, ...] = ()) -> str:
        """Points for one resident's part in the session of a number."""
        session = self.day.sessions[number]
        return self.office.award(
            self.village.party(one.resident),
            session.rule,
            self.launched,
            self.details(session, one.quantity),
            quantity=one.quantity,
            task=self.tasks[number],
            event_id=event_id,
            causes=causes,
        )

    def _scan(self, scanner: Scanner, number: int, one: Attendance) -> None:
        session = self.day.sessions[number]
        scan = scanner.scan(
            self.office,
            self.village.party(one.resident),
            session.rule,
            self.launched,
            self.details(session, one.quantity),
            quantity=one.quantity,
            task=self.tasks[number],
        )
        scanner.scans.append(scan)

    def details(self, session: Session, quantity: int) -> dict[str, JSON]:
        """Place, matter and time of an award, which only its subject reads."""
        length = session.doing.length or f"{quantity}分钟"
        time = f"{self.launched} {session.starts} 起，{length}"
        return {"matter": session.title, "place": session.place, "time": time}

    def _mistyped(self) -> set[tuple[int, Attendance]]:
        """Volunteers with a phone whose minutes lack their last digit at first, by session."""
        places = [
            (number, one)
            for number, session in enumerate(self.day.sessions)
            if session.rule == BY_MINUTE
            for one in session.attending
            if not one.scanned
        ]
        return set(self.draw.split("mistyped").shuffled(places)[: self.size.mistyped])

    def _correct(self, number: int, typed: Attendance, one: Attendance, event: str) -> None:
        replacement = self.scribe.new_id()
        reversal = self.office.reverse_award(
            event,
            self.village.party(one.resident),
            BY_MINUTE,
            self.launched,
            "分钟数少录了一位，按实际时间重记",
            quantity=typed.quantity,
            task=self.tasks[number],
            replacement=replacement,
        )
        self.award(number, one, event_id=replacement, causes=(reversal,))
