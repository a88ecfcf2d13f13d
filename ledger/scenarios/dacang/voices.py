"""群众之声 and 我家有农货: what villagers say, under a name or none, what offices answer, who offers which goods."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

from ledger.core.encoding import JSON
from ledger.scenarios.actors import Actor
from ledger.scenarios.dacang.plan import Notice, Suggestion
from ledger.scenarios.dacang.village import Village
from ledger.scenarios.draw import Draw
from ledger.scenarios.office import Office

Goods = tuple[str, int, str]
"""Farm goods, how many or how much, in which measure."""
ANSWER_DAYS: Final = 4
"""Days from one step to the next: the post, its referral, the answer to that, the reply."""


class Voices:
    """Posts of everybody, with the `Office`. ``posters`` are residents with a phone of their own."""

    def __init__(self, office: Office, village: Village, posters: Sequence[int], draw: Draw) -> None:
        self._office = office
        self._village = village
        self._posters = posters
        self._draw = draw
        self._spoken: list[int] = []

    def anonymous(self, number: int) -> Actor:
        """The fresh party and key of the post without a name that a suggestion of a number is."""
        return anonymous_poster(self._draw, number)

    @property
    def first_anonymous(self) -> Actor:
        """Who spoke up first without a name."""
        return self.anonymous(self._spoken[0])

    def suggest(self, number: int, suggestion: Suggestion) -> None:
        """A suggestion and all that follows from it: its referral, the answer to that, the village's reply."""
        if suggestion.named:
            poster = self._village.people[self._posters[number]].actor
            post = self.post(poster, "suggestion", suggestion.day, title=suggestion.title, text=suggestion.text)
        else:
            self._spoken.append(number)
            post = self.speak_up(self.anonymous(number), suggestion, mark=f"anonymous {number}")
        day = suggestion.day + timedelta(days=ANSWER_DAYS)
        if suggestion.refer_to:
            office = self._village.organisations[suggestion.refer_to]
            text = f"请{office.name}现场查看并答复。"
            self.say("referral", day, text=text, about=post, to=office.party)
            day += timedelta(days=ANSWER_DAYS)
            self.post(office, "reply", day, about=post, text=suggestion.answer)
            day += timedelta(days=ANSWER_DAYS)
        if suggestion.named:  # an anonymous poster's party stands in no other entry than the post
            self.say("reply", day, text=suggestion.reply, about=post, to=poster.party)
        else:
            self.say("reply", day, text=suggestion.reply, about=post)

    def speak_up(self, poster: Actor, suggestion: Suggestion, *, mark: str = "") -> str:
        """A suggestion without a name: a fresh party, signed by a key that is good for this entry alone."""
        body: dict[str, JSON] = {"type": "suggestion", "poster": poster.party, "one_time": dict(poster.reference())}
        private: dict[str, JSON] = {"title": suggestion.title, "text": suggestion.text}
        day = suggestion.day.isoformat()
        return self._office.scribe.write("civic_posted", [poster], body, day=day, private=private, mark=mark)

    def say(self, type_: str, day: date, *, about: str = "", to: str = "", title: str = "", text: str) -> str:
        """A post of the village committee, signed by its chair."""
        chair = self._office.officer("village", self._office.turn())
        return self.post(chair, type_, day, poster=self._village.committee, about=about, to=to, title=title, text=text)

    def post(
        self,
        signer: Actor,
        type_: str,
        day: date,
        *,
        poster: Actor | None = None,
        about: str = "",
        to: str = "",
        trade: str = "",
        **private: JSON,
    ) -> str:
        """A post under a name; what is empty is left out."""
        body = {"type": type_, "poster": (poster or signer).party, "about": about, "to": to, "trade": trade}
        return self._office.scribe.write(
            "civic_posted",
            [signer],
            {name: value for name, value in body.items() if value},
            day=day.isoformat(),
            private={name: value for name, value in private.items() if value},
        )

    def notices(self, day: date) -> None:
        """Who speaks for each group, by the village committee."""
        for number, group in enumerate(self._village.groups):
            name = self._village.homes[number].actor.name
            text = f"{group.name}村民代表：{name}。有事可直接联系，也可扫门牌二维码留言。"
            self.say("notice", day, title="村民代表", text=text)

    def announce(self, notice: Notice) -> None:
        """What the committee or another organisation makes known."""
        if notice.by == "committee":
            self.say("notice", notice.day, title=notice.title, text=notice.text)
        else:
            office = self._village.organisations[notice.by]
            self.post(office, "notice", notice.day, title=notice.title, text=notice.text)

    def offer(self, number: int, day: date, listing: Goods, trade: str) -> None:
        """Farm goods that a resident offers, or looks for."""
        goods, quantity, measure = listing
        poster = self._village.people[self._posters[-1 - number]].actor
        self.post(poster, "listing", day, trade=trade, goods=goods, quantity=quantity, measure=measure)


def anonymous_poster(draw: Draw, number: int) -> Actor:
    """A party that nobody knows, with a key that is used once."""
    return Actor.drawn(draw.split("anonymous", str(number)), "无名", "poster")
