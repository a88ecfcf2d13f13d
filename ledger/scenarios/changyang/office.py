"""What the offices of these villages write beside what every office does: declarations, reviews, deductions, stars."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Unpack

from ledger.core.encoding import JSON
from ledger.scenarios.actors import Actor
from ledger.scenarios.changyang.deeds import Deed, Fine
from ledger.scenarios.changyang.plan import Sources
from ledger.scenarios.changyang.village import Post, Village
from ledger.scenarios.draw import Draw
from ledger.scenarios.office import Office, Options, points_of
from ledger.scenarios.scribe import Scribe


class VillageOffice(Office):
    """One village's office. ``photos`` gives the digests of the photos that go with acts."""

    def __init__(self, scribe: Scribe, found: Sources, village: Village, photos: Draw) -> None:
        super().__init__(scribe, found.profile, village.officers, village.committee)
        self._village = village
        self._photos = photos

    def reviewer_of(self, deed: Deed) -> Post:
        """A reviewer who neither declared the act nor lives in the household that it is about."""
        return next(
            post
            for post in self._village.reviewers
            if deed.person != post.person.actor.party and deed.home != post.person.household.actor.party
        )

    def details(self, deed: Deed | Fine) -> dict[str, JSON]:
        """What happened where and when, with the digest of its photo: the file that goes with every point."""
        photo = self._photos.take(32).hex()
        return {"matter": deed.matter, "photo": photo, "place": deed.place, "time": deed.day.isoformat()}

    def declare(
        self, deed: Deed, details: Mapping[str, JSON], *, task: str | None = None, version: int | None = None
    ) -> str:
        """The subject's own card or phone declares, or a helper for it."""
        body: dict[str, JSON] = {
            "issuer": self.issuer.party,
            "quantity": deed.quantity,
            "subject": deed.subject.party,
        }
        if task is not None:
            body["task"] = task
        rule = self.named(deed.rule, version)
        day = deed.day.isoformat()
        return self.scribe.write("claim_declared", [deed.declarer], body, day=day, private=details, rule=rule)

    def review(
        self,
        deed: Deed,
        claim: str,
        outcome: str = "approve",
        reason: str = "",
        *,
        reviewer: Actor | None = None,
        **more: Unpack[Options],
    ) -> str:
        """Somebody else reviews, three days after the act; or ``reviewer``, who perhaps must not."""
        body: dict[str, JSON] = {
            "claim": claim,
            "issuer": self.issuer.party,
            "outcome": outcome,
            "subject": deed.subject.party,
        }
        signer = reviewer or self.reviewer_of(deed).actor
        day = (deed.day + timedelta(days=3)).isoformat()
        private: dict[str, JSON] = {"reason": reason} if reason else {}
        return self.scribe.write("claim_reviewed", [signer], body, day=day, private=private, **more)

    def reward(
        self,
        deed: Deed,
        claim: str,
        details: Mapping[str, JSON],
        *,
        task: str | None = None,
        version: int | None = None,
        **more: Unpack[Options],
    ) -> str:
        """The award for a declared act, with the details that were declared."""
        return self.award(
            deed.subject.party,
            deed.rule,
            deed.day.isoformat(),
            details,
            quantity=deed.quantity,
            task=task,
            claim=claim,
            version=version,
            **more,
        )

    def deduct(self, fine: Fine, *, days_to_appeal: int = 15, **more: Unpack[Options]) -> str:
        """A deduction, told the day after the act; the oversight committee signs as well."""
        noticed = fine.day + timedelta(days=1)
        rule = self.rule(fine.rule)
        body: dict[str, JSON] = {
            "amount_units": points_of(rule),
            "appeal_until": (noticed + timedelta(days=days_to_appeal)).isoformat(),
            "issuer": self.issuer.party,
            "noticed_on": noticed.isoformat(),
            "quantity": 1,
            "subject": fine.subject.party,
            "units": list[JSON](rule.units or ()),
        }
        private = {**self.details(fine), "notice": f"{rule.name_zh}，拟减分；如有异议可于{days_to_appeal}日内申诉"}
        signers = [self.officer("issuer", self.turn()), self.officer("oversight")]
        named, day = self.named(fine.rule), fine.day.isoformat()
        return self.scribe.write("points_deducted", signers, body, day=day, private=private, rule=named, **more)

    def take_back(self, fine: Fine, deduction: str, text: str) -> str:
        """An appeal is upheld: the deduction is reversed."""
        amount, day = points_of(self.rule(fine.rule)), fine.day.isoformat()
        sides = ((self.issuer.party, -amount), (fine.subject.party, amount))
        undo = [(party, unit, delta) for party, delta in sides for unit in ("merit", "spend")]
        act: dict[str, JSON] = {"occurred_on": day, "rule": self.named(fine.rule)}
        return self.reverse(deduction, fine.subject.party, undo, act, text, reason="appeal")

    def honour(self, subject: Actor, rule_id: str, day: str, citation: str, **more: Unpack[Options]) -> str:
        """The council grants an honour for a year."""
        body: dict[str, JSON] = {"action": "grant", "issuer": self.issuer.party, "subject": subject.party}
        body["valid_to"] = f"{int(day[:4]) + 1}{day[4:]}"
        private: dict[str, JSON] = {"citation": citation, "title": self.rule(rule_id).name_zh}
        named = self.named(rule_id)
        council = [self.officer("council")]
        return self.scribe.write("honour_changed", council, body, day=day, private=private, rule=named, **more)

    def change_benefit(
        self,
        signer: Actor,
        subject: Actor,
        product: str,
        action: str,
        day: str,
        *,
        offer: str | None = None,
        private: Mapping[str, JSON] | None = None,
        **more: Unpack[Options],
    ) -> str:
        """A step of a benefit, ``offer`` being the one that began it."""
        body: dict[str, JSON] = {
            "action": action,
            "issuer": self.issuer.party,
            "product": product,
            "subject": subject.party,
        }
        if offer is not None:
            body["benefit"] = offer
        return self.scribe.write("benefit_changed", [signer], body, day=day, private=private, **more)
