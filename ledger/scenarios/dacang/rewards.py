"""Awards by deed, meeting and month, and the few deductions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta

from ledger.core.encoding import JSON
from ledger.scenarios.actors import Actor
from ledger.scenarios.dacang.village import Village
from ledger.scenarios.dacang.year import Deed, Dumping, Meeting
from ledger.scenarios.office import Office, points_of


class Rewards:
    """What the committee gives and takes, with the `Office`. ``spend`` is what everybody has, by party."""

    def __init__(self, office: Office, village: Village, spend: Counter[str]) -> None:
        self._office = office
        self._village = village
        self._spend = spend

    def deed(self, deed: Deed) -> None:
        """An award; where it was entered for another household first, that one reversed, then the right one."""
        if deed.mistaken is not None:
            wrong = self._award(deed, self._village.homes[deed.mistaken].actor)
            replacement = self._office.scribe.new_id()
            reversal = self._office.reverse_award(
                wrong,
                self._village.homes[deed.mistaken].party,
                deed.rule,
                deed.day.isoformat(),
                "登记时看错了门牌，改给实际的农户",
                replacement=replacement,
            )
            self._spend[self._village.homes[deed.mistaken].party] -= points_of(self._office.rule(deed.rule))
            self._award(deed, self.subject_of(deed), event_id=replacement, causes=[reversal])
            return
        self._award(deed, self.subject_of(deed))

    def subject_of(self, deed: Deed) -> Actor:
        """Whose deed it is."""
        village = self._village
        return village.people[deed.subject].actor if deed.of_person else village.homes[deed.subject].actor

    def _award(self, deed: Deed, subject: Actor, *, event_id: str = "", causes: Sequence[str] = ()) -> str:
        day = deed.day.isoformat()
        details = details_of(deed.day, deed.matter, deed.place, deed.hour)
        self._spend[subject.party] += points_of(self._office.rule(deed.rule))
        return self._office.award(subject.party, deed.rule, day, details, event_id=event_id, causes=causes)

    def meeting(self, meeting: Meeting) -> None:
        """A meeting of the houses is announced and held; who came is rewarded."""
        rule, day = self._office.rule("house_meeting"), meeting.day.isoformat()
        matter = "屋场会：议村务、评积分"
        task = self._office.publish(
            rule.id,
            day=(meeting.day - timedelta(days=7)).isoformat(),
            starts_on=day,
            ends_on=day,
            capacity=len(meeting.people),
            budget_units=len(meeting.people) * points_of(rule),
            title=matter,
            place=meeting.place,
        )
        details = details_of(meeting.day, matter, meeting.place, "19:00–20:30")
        for person in meeting.people:
            party = self._village.people[person].party
            self._spend[party] += points_of(rule)
            self._office.award(party, rule.id, day, details, task=task)

    def rate(self, day: date, stars: list[int]) -> None:
        """The month's model households are named by the council, and rewarded."""
        parties = {self._village.homes[home].party: home for home in stars}
        body: dict[str, JSON] = {
            "issuer": self._village.committee.party,
            "period": day.isoformat()[:7],
            "rating": self._office.scribe.new_id(),
            "tiers": [{"party": party, "tier": "model"} for party in sorted(parties)],
        }
        rule = self._office.named("monthly_rating")
        self._office.scribe.write(
            "rating_published", [self._office.officer("council")], body, day=day.isoformat(), rule=rule
        )
        for home in stars:
            self.deed(Deed(day, "monthly_star", home, "评为月度文明户", "村部", "18:00"))

    def deduct(self, dumping: Dumping) -> None:
        """Points taken for waste that was dumped, after a notice and open to appeal."""
        rule, party = self._office.rule("dumping"), self._village.homes[dumping.home].party
        noticed = dumping.day + timedelta(days=dumping.noticed)
        amount = points_of(rule)
        body: dict[str, JSON] = {
            "amount_units": amount,
            "appeal_until": (noticed + timedelta(days=rule.appeal_days or 0)).isoformat(),
            "issuer": self._village.committee.party,
            "noticed_on": noticed.isoformat(),
            "quantity": 1,
            "subject": party,
            "units": list[JSON](rule.units or ()),
        }
        details = details_of(dumping.day, "向路边沟渠倾倒垃圾", dumping.place, "21:00")
        self._office.scribe.write(
            "points_deducted",
            [self._office.officer("issuer", self._office.turn()), self._office.officer("reviewer")],
            body,
            day=dumping.day.isoformat(),
            private={**details, "notice": "已上门告知，限三日内清理"},
            rule=self._office.named(rule.id),
        )
        self._spend[party] -= min(amount, self._spend[party])


def details_of(day: date, matter: str, place: str, hour: str) -> dict[str, JSON]:
    """Matter, place and time of an award, which its subject reads at the door."""
    return {"matter": matter, "place": place, "time": f"{day.isoformat()} {hour}"}
