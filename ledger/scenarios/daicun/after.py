"""What follows the first day: honours declared, voices answered, points spent, shops settled, good names put to use."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Unpack

from ledger.core.encoding import JSON
from ledger.scenarios.actors import Actor
from ledger.scenarios.daicun.day import Purchase
from ledger.scenarios.daicun.plan import Offer, Voice
from ledger.scenarios.daicun.story import Story
from ledger.scenarios.office import Options
from ledger.scenarios.scenario import Answers


def declare_honours(story: Story) -> None:
    """Honours, declared by phone or by a social worker, reviewed, then awarded; some are rejected with a reason."""
    story.scribe.phase = "honours declared"
    residents = [*story.day.honours, *story.day.unfounded]
    claims = [_declare(story, resident) for resident in residents]
    story.scribe.phase = "honours reviewed"
    approved = len(story.day.honours)
    for place, (resident, claim) in enumerate(zip(residents, claims, strict=True)):
        _review(story, resident, claim, approve=place < approved)
    story.scribe.phase = "honours awarded"
    for resident, claim in zip(story.day.honours, claims[:approved], strict=True):
        story.office.award(story.village.party(resident), "honour_declared", story.launched, {}, claim=claim)


def _declare(story: Story, resident: int) -> str:
    party = story.village.party(resident)
    helper = story.village.workers[resident % len(story.village.workers)].actor
    photo = sha256(f"{party}/honour".encode()).hexdigest()
    return story.scribe.write(
        "claim_declared",
        [helper if resident in story.village.with_card else story.carried[resident]],
        {"issuer": story.village.committee.party, "quantity": 1, "subject": party},
        day=story.launched,
        private={"matter": "镇级以上荣誉证书", "photo": photo},
        rule=story.office.named("honour_declared"),
    )


def _review(story: Story, resident: int, claim: str, *, approve: bool) -> None:
    body: dict[str, JSON] = {
        "claim": claim,
        "issuer": story.village.committee.party,
        "outcome": "approve" if approve else "reject",
        "subject": story.village.party(resident),
    }
    reason = None if approve else {"reason": "证书已过有效期"}
    story.scribe.write("claim_reviewed", [story.office.officer("reviewer")], body, day=story.launched, private=reason)


def speak_up(story: Story) -> None:
    """我有话说: suggestions by phone, by card or without a name, each with the village's reply."""
    draw = story.draw.split("voices")
    cards = draw.shuffled(sorted(story.village.with_card))
    phones = draw.shuffled([n for n in range(story.size.residents) if n not in story.village.with_card])
    for number, voice in enumerate(story.found.plan.voices):
        if voice.by == "nobody":
            poster = Actor.drawn(draw.split(str(number)), "无名", "poster")
        else:
            poster = story.carried[(cards if voice.by == "card" else phones)[number]]
        _speak(story, voice, poster)


def _speak(story: Story, voice: Voice, poster: Actor) -> None:
    day = story.found.plan.split.settled_on.isoformat()
    committee = story.village.committee.party
    body: dict[str, JSON] = {"poster": poster.party, "type": "suggestion"}
    if voice.by == "nobody":
        body["one_time"] = dict(poster.reference())
    said: dict[str, JSON] = {"title": voice.title, "text": voice.text}
    story.scribe.phase = "suggestions"
    about = story.scribe.write("civic_posted", [poster], body, day=day, private=said)
    reply: dict[str, JSON] = {"about": about, "poster": committee, "to": poster.party, "type": "reply"}
    text: dict[str, JSON] = {"text": voice.reply}
    story.scribe.write("civic_posted", [story.office.officer("village")], reply, day=day, private=text)


def shop(story: Story, purchases: list[Purchase]) -> None:
    """Points spent like cash, each time signed by the shop and by the resident's card or phone."""
    story.scribe.phase = "village shops"
    for purchase in purchases:
        pay(story, purchase)


def pay(story: Story, purchase: Purchase, *, carried: Actor | None = None, **more: Unpack[Options]) -> str:
    """One bill; ``carried`` signs instead of what the resident carries now."""
    till = story.village.shops[purchase.shop]
    more.setdefault("mark", f"till {purchase.shop}")
    return story.office.redeem(
        till,
        carried or story.carried[purchase.resident],
        purchase.amount_units,
        purchase.bill_fen,
        "cash",
        purchase.day,
        {"goods": purchase.goods, "place": till.name},
        **more,
    )


def settle(story: Story, purchases: list[Purchase], answers: Answers) -> None:
    """Every shop is settled with for all that it took in, up to its last bill."""
    story.scribe.phase = "settlements"
    day = story.found.plan.split.settled_on.isoformat()
    for number, till in enumerate(story.village.shops):
        taken = sum(purchase.amount_units for purchase in purchases if purchase.shop == number)
        if taken:
            story.office.settle(till, taken, answers[f"till {number}"].seq, day)


def offer_benefits(story: Story) -> Iterator[None]:
    """Job referrals and small contracts: offered, answered by the resident, decided by a person."""
    story.scribe.phase = "benefits"
    chosen = story.draw.split("benefits").shuffled(range(story.size.residents))
    for resident, offer in zip(chosen, story.found.plan.offers, strict=False):
        _offer(story, resident, offer)
        yield


def _offer(story: Story, resident: int, offer: Offer) -> None:
    def step(action: str, signer: Actor, benefit: str | None, private: dict[str, JSON] | None = None) -> str:
        body: dict[str, JSON] = {
            "action": action,
            "issuer": story.village.committee.party,
            "product": offer.product,
            "subject": story.village.party(resident),
        }
        if benefit is not None:
            body["benefit"] = benefit
        day = story.found.plan.split.settled_on.isoformat()
        return story.scribe.write("benefit_changed", [signer], body, day=day, private=private)

    decider = story.office.officer("decider")
    benefit = step("offer", decider, None, {"terms": offer.terms})
    step(offer.answer, story.carried[resident], benefit)
    if offer.answer == "accept":
        step("grant", decider, benefit, {"reason": offer.reason})
    if offer.revoked:
        step("revoke", decider, benefit, {"reason": offer.revoked})
