"""What good faith is good for: ten stars, the pacesetter, a benefit that a person decides, goods for points."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from ledger.scenarios.actors import Actor
from ledger.scenarios.changyang.deeds import PLANTING
from ledger.scenarios.changyang.stage import Stage
from ledger.scenarios.office import units_for


def give_stars(stage: Stage) -> None:
    """Ten stars make a pacesetter; nine do not, and stay nine."""
    stage.office.scribe.phase = "stars"
    stars = [rule.id for rule in stage.found.books[0].rules if rule.category == "star"]
    _give(stage, stage.year.pacesetter, stars)
    _make_pacesetter(stage, stage.year.pacesetter, "pacesetter")
    if stage.tries("nine stars"):
        _give(stage, stage.year.almost, stars[:-1])
        with stage.office.scribe.expecting("honours_missing"):
            _make_pacesetter(stage, stage.year.almost, "pacesetter with nine stars")


def _give(stage: Stage, home: Actor, stars: Sequence[str]) -> None:
    for number, star in enumerate(stars, 1):
        stage.office.honour(home, star, stage.days.stars.isoformat(), f"村民代表会议评议通过，第{number}颗星")


def _make_pacesetter(stage: Stage, home: Actor, mark: str) -> None:
    day = stage.days.pacesetters.isoformat()
    stage.office.honour(home, "pacesetter", day, "十星齐备，村民公认", mark=mark)


def give_benefit(stage: Stage) -> None:
    """The pacesetter is offered a benefit and accepts it; a person decides to grant it, and says why."""
    office, home = stage.office, stage.year.pacesetter
    found = stage.found.benefits[stage.size.number % len(stage.found.benefits)]
    offered, granted = stage.days.benefits, stage.days.benefits + timedelta(days=3)
    decider, day = office.officer("decider"), granted.isoformat()
    terms, reason = {"terms": found.terms_zh}, {"reason": "十星户、诚信标兵户，公示无异议"}
    offer = office.change_benefit(decider, home, found.id, "offer", offered.isoformat(), private=terms)
    office.change_benefit(home, home, found.id, "accept", day, offer=offer)
    if stage.tries("another decides"):
        issuer, mark = office.officer("issuer"), "benefit granted by another"
        with office.scribe.expecting("not_authorised"):
            office.change_benefit(issuer, home, found.id, "grant", day, offer=offer, private=reason, mark=mark)
    office.change_benefit(decider, home, found.id, "grant", day, offer=offer, private=reason)


def sell(stage: Stage) -> int:
    """In the first village an old person takes the rice; everywhere a planter and a household take something small.

    Answers what the shop took in, in hundredths of a point; the last sale is marked.
    """
    stage.office.scribe.phase = "exchange"
    taken, bought = 0, stage.found.plan.split.bought
    if stage.size.number == 0:
        old = stage.village.helpers[0].elder.actor
        taken += _sale(stage, old, "exchange", stage.found.plan.stated.exchange.goods, "rice")
    planter = next(one.subject for one in stage.year.spring if one.rule == PLANTING and one.declarer == one.subject)
    taken += _sale(stage, planter, "exchange", bought["person"])
    return taken + _sale(stage, stage.year.pacesetter, "exchange_household", bought["household"], "last sale")


def _sale(stage: Stage, holder: Actor, rule: str, name: str, mark: str = "") -> int:
    office, shop = stage.office, stage.village.shop
    price_fen = next(one.price_fen for one in stage.found.goods if one.name_zh == name)
    units = units_for(office.rule(rule), price_fen)
    details, day = {"goods": name, "place": shop.name}, stage.days.exchange.isoformat()
    office.redeem(shop, holder, units, price_fen, rule, day, details, mark=mark)
    return units


def settle(stage: Stage, taken_units: int, through_seq: int) -> None:
    """The shop is paid for what it took, up to its last sale."""
    stage.office.scribe.phase = "settlement"
    stage.office.settle(stage.village.shop, taken_units, through_seq, stage.found.plan.split.as_of.isoformat())
