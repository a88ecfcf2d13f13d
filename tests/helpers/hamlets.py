"""A scenario of several small ledgers, for tests of what all scenarios share: each village awards one resident once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from ledger.scenarios.actors import Actor
from ledger.scenarios.data import read_book, read_profile
from ledger.scenarios.draw import Draw
from ledger.scenarios.office import Office
from ledger.scenarios.people import draw_officers
from ledger.scenarios.scenario import Answers, Chronicle, Must, Scenario, Told
from ledger.scenarios.scribe import Scribe, told

DAY = "2021-03-01"
AWARDED_UNITS = 2500
DETAILS = {"place": "村口", "matter": "志愿服务", "time": "上午"}


def hamlets(number: int) -> Scenario:
    """So many villages, each with a resident who volunteered once."""
    return Scenario(
        name="hamlets",
        seed=1,
        scale=1.0,
        chronicles=[_hamlet(f"hamlet-{n:02}") for n in range(number)],
        musts=[
            Must("every award is marked", lambda found: all(one.answers["award"].seq > 0 for one in found.ledgers)),
            Must("the second award is refused", lambda found: found.answer("again").code == "cap_exceeded"),
        ],
        lands={"residents": number, "awarded_units": number * AWARDED_UNITS, "ledgers": number},
    )


def _hamlet(name: str) -> Chronicle:
    draw = Draw("hamlets", name)
    officers = draw_officers(read_profile("foshan"), draw)

    def tell(answers: Answers) -> Told:
        scribe = Scribe(f"gongfen.example/{name}", draw.split("events"))
        issuer = Actor.drawn(draw.split("committee"), "村民委员会", "organisation")
        return told(scribe, _story(Office(scribe, read_profile("foshan"), officers, issuer), draw, answers))

    return Chronicle(f"gongfen.example/{name}", "foshan", officers["township"], tell)


def _story(office: Office, draw: Draw, answers: Answers) -> Iterator[bool | None]:
    resident = Actor.drawn(draw.split("resident"), "张三", "card")
    office.empower("2020-12-01")
    office.adopt_book(read_book("foshan"), day=date(2020, 12, 20), effective=date(2021, 1, 1), eligible=20)
    office.register_party(office.issuer, "organisation", "2021-01-01")
    office.register_party(resident, "resident", "2021-01-01")
    office.award(resident.party, "volunteering", DAY, DETAILS, mark="award")
    yield True
    assert answers["award"].seq > 0
    with office.scribe.expecting("cap_exceeded"):
        office.award(resident.party, "volunteering", DAY, DETAILS, quantity=2, mark="again")
