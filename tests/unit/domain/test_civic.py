"""Posts under a name, and posts that nobody can tie to a person or to another post."""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Iterator
from typing import Any, NamedTuple, get_args, get_type_hints

import pytest
from msgspec.structs import replace

from ledger.core.disclosure import digest, make
from ledger.core.encoding import canonical, encode_base64url
from ledger.core.receipt import Receipt, Statement, serialise
from ledger.core.signature import sign_event_bytes
from ledger.domain.append import Appended
from ledger.domain.entries import parse_entry
from ledger.domain.facts import Account, Key
from ledger.domain.kinds.civic import MAY, MUST, CivicPosted
from ledger.domain.state import Replay
from ledger.errors import LedgerError
from ledger.keys import new_event_key
from ledger.verify import Report, verify
from tests.helpers.fake_chain import FakeChain
from tests.helpers.ledger_builder import LedgerBuilder
from tests.helpers.receipts import failing, results
from tests.helpers.recognition import anonymous, erase, post, private, village_of_honours
from tests.helpers.village import ORIGIN, TODAY, Village, person, sign

PUBLIC = {"v", "ledger", "kind", "occurred_on", "type", "suite"}
"""What every anonymous post of a day has in common with every other."""
OFFICIAL = ("village one", "department one", "community one", "council")


@pytest.fixture
def village() -> Village:
    return village_of_honours()


def suggested(village: Village) -> str:
    """An anonymous suggestion by ``nobody``; answers its id."""
    return village.must(anonymous(village, "nobody")).event_id


def concerned(done: Appended) -> list[str]:
    return parse_entry(done.data).effects.parties


# Under a name ---------------------------------------------------------------------------------------------------------


def test_residents_and_households_suggest_and_list_goods_with_their_own_card_or_phone(village: Village) -> None:
    goods = private(title="土豆", goods="土豆", quantity=50, measure="斤", text="自家种的")
    village.must(post(village, "suggestion", "li", "li/phone"))
    village.must(post(village, "listing", "zhang", "zhang/card", body={"trade": "offer"}, private=goods))
    done = village.must(post(village, "listing", "house", "house/card", body={"trade": "want"}))
    assert concerned(done) == [person("house").party]


@pytest.mark.parametrize("signer", OFFICIAL)
def test_an_organisation_speaks_through_each_of_its_offices(village: Village, signer: str) -> None:
    village.must(post(village, "notice", "coop", signer))


def test_a_suggestion_is_referred_to_another_organisation_and_answered_there(village: Village) -> None:
    about = suggested(village)
    referral = {"about": about, "to": person("forestry").party}
    done = village.must(post(village, "referral", "coop", "village one", body=referral))
    assert concerned(done) == sorted([person("coop").party, person("forestry").party])
    reply = {"about": about, "to": person("nobody").party}
    done = village.must(post(village, "reply", "forestry", "department one", body=reply))
    assert concerned(done) == sorted([person("forestry").party, person("nobody").party])
    village.must(post(village, "reply", "forestry", "department one", body={"about": done.event_id}))


def test_a_thread_goes_on_under_a_name_and_without(village: Village) -> None:
    about = {"about": suggested(village)}
    village.must(post(village, "suggestion", "zhang", "zhang/card", body=about))
    village.must(post(village, "notice", "coop", "council", body=about))
    village.must(anonymous(village, "somebody", "listing", body=about, private=private(goods="土豆")))


def test_every_type_of_post_says_what_it_must_and_may_have() -> None:
    types = set(get_args(get_type_hints(CivicPosted)["type"]))
    assert set(MUST) == set(MAY) == types


# Without a name -------------------------------------------------------------------------------------------------------


def test_an_anonymous_post_brings_a_key_that_held_for_its_own_entry_alone(village: Village) -> None:
    done = village.must(anonymous(village, "nobody", "listing", private=private(goods="鸡蛋")))
    nobody = person("nobody")
    key = village.facts[f"key:{nobody.key}"]
    assert isinstance(key, Key)
    assert (key.party, key.public) == (nobody.party, nobody.public)
    assert [(g.role, g.scope, g.from_, g.until) for g in key.grants] == [("poster", "*", done.seq - 1, done.seq + 1)]
    account = village.facts[f"account:{nobody.party}"]
    assert isinstance(account, Account)
    assert (account.count, account.last) == (1, done.seq)


def test_a_one_time_key_signs_nothing_else_ever(village: Village) -> None:
    """Neither another anonymous post, nor anything as the party that it made."""
    village.must(anonymous(village, "nobody"))
    fresh = {"one_time": person("nobody").ref(), "poster": person("fresh").party, "type": "suggestion"}
    event = village.event("civic_posted", "fresh", fresh, private=private(text="再说"))
    error = village.refusal(sign(event, "nobody"))
    assert (error.code, error.field) == ("key_taken", "body.one_time")
    assert village.refusal(anonymous(village, "nobody")).code == "key_taken"
    assert village.refusal(post(village, "suggestion", "nobody", "nobody")).code == "not_authorised"
    assert village.refusal(post(village, "notice", "nobody", "nobody")).code == "not_authorised"
    assert village.refusal(erase(village, "zhang", "request", "nobody")).code == "not_authorised"


def test_of_two_posts_with_one_key_in_a_group_the_second_is_refused(village: Village) -> None:
    first, second = anonymous(village, "nobody"), anonymous(village, "nobody")
    outcomes = village.submit(first, second)
    assert [getattr(one, "code", "ok") for one in outcomes] == ["ok", "key_taken"]


def test_the_same_post_again_gets_the_first_answer(village: Village) -> None:
    data = anonymous(village, "nobody")
    seq = village.must(data).seq
    assert [getattr(one, "seq", None) for one in village.submit(data)] == [seq]


def test_the_key_of_an_officer_does_not_post_without_a_name(village: Village) -> None:
    """Nobody can make the log say that a known key belongs to an unknown party."""
    body = {"one_time": person("council").ref(), "poster": person("fresh").party, "type": "suggestion"}
    before = village.facts[f"key:{person('council').key}"]
    event = village.event("civic_posted", "fresh", body, private=private(text="假的"))
    assert village.refusal(sign(event, "council")).code == "key_taken"
    assert village.facts[f"key:{person('council').key}"] == before


def test_an_anonymous_post_is_no_foundation() -> None:
    """Neither in an empty ledger nor as entry 0 of a log that somebody made up."""
    assert Village().refusal(anonymous(Village(), "nobody")).code == "not_created"
    village = village_of_honours()
    forged = json.loads(village.must(anonymous(village, "nobody")).data)
    forged["chain"] |= {"seq": 0, "prev": "00" * 32}
    with pytest.raises(LedgerError) as caught:
        Replay(village.entries.__getitem__).apply(canonical(forged))
    assert caught.value.code == "not_created"


def anonymous_by_somebody(text: str) -> tuple[dict[str, Any], bytes, str]:
    """An anonymous post as a client makes it, from randomness alone: the event, its submission and its disclosure."""
    key = new_event_key()
    shown = make(secrets.token_bytes(16), "text", text)
    event = {
        "v": 1,
        "ledger": ORIGIN,
        "id": str(uuid.uuid4()),
        "kind": "civic_posted",
        "occurred_on": TODAY,
        "actor": key.party_id,
        "body": {"one_time": key.reference(), "poster": key.party_id, "type": "suggestion"},
        "private": {"text": digest(shown)},
    }
    signature = encode_base64url(sign_event_bytes(canonical(event), key.seed))
    signatures = [{"key": key.key_id, "suite": "ed25519", "sig": signature}]
    return event, canonical({"event": event, "signatures": signatures, "disclosures": [shown]}), shown


def values(value: Any, name: str = "") -> Iterator[str]:
    """Every scalar within a value, but for what all posts of a day share by their nature."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from values(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from values(item, name)
    elif name not in PUBLIC:
        yield str(value)


def test_nothing_in_two_anonymous_posts_of_one_person_is_equal(village: Village) -> None:
    """Not even where the same person says the same words twice, in entry, disclosures or facts of the state map."""
    posts = [anonymous_by_somebody("路灯坏了") for _ in range(2)]
    entries = [json.loads(village.must(data).data) for _, data, _ in posts]
    told = [
        {
            "event": entry["event"],
            "signatures": entry["signatures"],
            "parties": entry["effects"]["parties"],
            "shown": text,
        }
        for entry, (_, _, text) in zip(entries, posts, strict=True)
    ]
    first, second = (set(values(one)) for one in told)
    assert len(first) > 6
    assert first & second == set()
    known = {key for key in village.facts if any(one["event"]["actor"] in key for one in entries)}
    assert known == {f"{kind}:{event['actor']}" for event, _, _ in posts for kind in ("account", "party")}


# Receipts -------------------------------------------------------------------------------------------------------------


class Posted(NamedTuple):
    """An anonymous post in a ledger with an anchored checkpoint after it."""

    ledger: LedgerBuilder
    chain: FakeChain
    seq: int
    size: int

    def judge(self, proof: Receipt | Statement) -> Report:
        """What a verifier says who asks for all witnesses and the chain."""
        trust = self.ledger.trust(chains=[self.chain])
        return verify(serialise(proof), trust, chain=self.chain, now_ms=self.chain.now_ms)


@pytest.fixture(scope="module")
def posted() -> Posted:
    ledger, chain = LedgerBuilder.village(), FakeChain()
    nobody = ledger.person("nobody")
    body = {"one_time": nobody.key_ref(), "poster": nobody.party, "type": "suggestion"}
    seq = ledger.append("civic_posted", body, ["nobody"], private={"text": "路灯坏了"})
    ledger.award()
    size = ledger.commit()
    chain.anchor([ledger.head(size)])
    return Posted(ledger, chain, seq, size)


def test_the_receipt_of_an_anonymous_post_verifies_as_any_other(posted: Posted) -> None:
    early = posted.judge(posted.ledger.early_receipt(posted.seq))
    assert (early.verdict, failing(early)) == ("pending", set())
    whole = posted.judge(posted.ledger.receipt(posted.seq, posted.size, chains=[posted.chain]))
    assert whole.verdict == "genuine", whole
    statement = posted.judge(posted.ledger.statement("nobody", posted.size, chains=[posted.chain]))
    assert statement.verdict == "genuine", statement


@pytest.mark.parametrize("moved", [-1, 1])
def test_a_one_time_key_proves_no_entry_but_its_own(posted: Posted, moved: int) -> None:
    receipt = posted.ledger.receipt(posted.seq, posted.size, chains=[posted.chain])
    entry = json.loads(receipt.entry)
    entry["chain"]["seq"] += moved
    assert results(posted.judge(receipt))["authorised"] == "ok"
    report = posted.judge(replace(receipt, entry=canonical(entry)))
    assert report.verdict == "invalid"
    assert "authorised" in failing(report)


def test_nobody_is_registered_as_an_anonymous_poster(village: Village) -> None:
    """Else a clerk could pass somebody off as who wrote it."""
    village.must(anonymous(village, "nobody"))
    error = village.refusal(village.party("register", "nobody", type="resident"))
    assert (error.code, error.got) == ("party_exists", "poster, registered on 2021-11-20")
