"""An erasure is carried out once its entry is durable, once for each entry, whatever fails in between."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ledger.core.disclosure import digest, make, parse
from ledger.core.note import cosign
from ledger.core.receipt import Receipt, serialise
from ledger.keys import new_event_key
from ledger.service.audit import audit_ledger
from ledger.service.commit import Answer
from ledger.service.founding import create_ledger
from ledger.service.intake import prepare
from ledger.service.receipts import ReceiptDesk
from ledger.service.storage import Storage
from ledger.store.database import reading
from ledger.store.vault import Vault
from ledger.verify import Report, verify
from tests.helpers.cast import WITNESSES, trust_file
from tests.helpers.recognition import erase
from tests.helpers.storage import BOTH, database, open_storage
from tests.helpers.village import ORIGIN, Village, person, sign

OFFICERS = ("clerk", "clerk two", "decider", "data_officer")


class World:
    """A stored ledger with two residents, and a reader of its receipts with a vault of its own."""

    def __init__(self, url: str, folder: Path) -> None:
        self.storage = open_storage(url, folder)
        self.village = Village()  # makes and signs events; the ledger is in the storage
        mayor = person("mayor")
        create_ledger(self.storage, ORIGIN, roots=[new_event_key(mayor.party, seed=mayor.seed)], profile="foshan")
        self.writer = self.storage.writer(self.storage.ledgers()[0])
        for name in OFFICERS:
            self.append(self.village.role(name, name.split()[0]))
        for name, kind in (("coop", "organisation"), ("zhang", "resident"), ("li", "resident")):
            self.append(self.village.party("register", name, type=kind))
        self.reader = Storage(self.storage.settings)

    def close(self) -> None:
        self.reader.close()
        self.storage.close()

    def offer(self, terms: str, subject: str = "zhang") -> bytes:
        """A benefit offered to a resident, with terms as a private detail."""
        shown = make(secrets.token_bytes(16), "terms", terms)
        body = {
            "action": "offer",
            "issuer": person("coop").party,
            "product": "loan",
            "subject": person(subject).party,
        }
        event = self.village.event("benefit_changed", "decider", body, private={"terms": digest(shown)})
        return sign(event, "decider", disclosures=[shown])

    def erasure(self, subject: str = "zhang") -> bytes:
        return erase(self.village, subject, "request", "data_officer")

    def append_all(self, *submissions: bytes) -> list[Any]:
        """One group; answers, and what refused them."""
        return self.writer.append([prepare(data, self.writer.public_key) for data in submissions])

    def append(self, submission: bytes) -> Answer:
        answer = self.append_all(submission)[0]
        assert isinstance(answer, Answer), answer
        return answer

    def restart(self) -> None:
        self.writer = self.storage.writer(self.writer.row)

    def receipt(self, answer: Answer) -> Receipt:
        """The receipt that another process than the writer's makes, with every detail that can be read."""
        with reading(self.reader.engine) as connection:
            return ReceiptDesk(self.writer.row, self.reader.vault).receipt(connection, answer.seq, disclose=True)

    def details(self, answer: Answer) -> list[object]:
        """What writer and reader still tell of an entry's details; both tell the same."""
        shown = self.receipt(answer).disclosures
        with reading(self.storage.engine) as connection:
            desk = ReceiptDesk(self.writer.row, self.storage.vault)
            assert desk.disclosures(connection, answer.seq) == shown
        return [parse(text).value for text in shown]

    def judge(self, receipt: Receipt) -> Report:
        """What a verifier says who trusts the log and two witnesses."""
        note = receipt.checkpoint
        for witness in WITNESSES:
            note = cosign(note, name=witness.name, key=witness.seed, time_s=self.storage.clock() // 1000)
        trust = trust_file(ORIGIN, [str(self.storage.log_key(self.writer.row).verifier_key)], WITNESSES, [], {})
        return verify(serialise(replace(receipt, checkpoint=note)), trust, now_ms=self.storage.clock())

    def faults(self) -> Sequence[object]:
        return audit_ledger(self.storage.engine, self.writer.row, vault=self.reader.vault, processes=0).faults


@pytest.fixture(params=BOTH)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    with database(request.param, tmp_path) as url:
        made = World(url, tmp_path)
        yield made
        made.close()


def test_after_an_erasure_nobody_reads_the_details_and_everything_else_still_holds(world: World) -> None:
    """The reader has read them before; a receipt handed out then keeps what it shows."""
    zhang, li = world.append(world.offer("四折")), world.append(world.offer("五折", "li"))
    world.writer.commit_state()
    before = world.receipt(zhang)
    assert world.details(zhang) == ["四折"]
    world.append(world.erasure())
    assert world.details(zhang) == []
    assert world.details(li) == ["五折"]
    after = world.receipt(zhang)
    assert (after.entry, after.disclosures) == (before.entry, [])
    for receipt in (before, after):
        report = world.judge(receipt)
        assert report.verdict == "genuine", report
    assert world.faults() == []


def test_what_is_recorded_after_an_erasure_survives_restarts_and_the_same_erasure_sent_again(world: World) -> None:
    erasure = world.erasure()
    before = world.append(world.offer("before"))
    world.append(erasure)
    after = world.append(world.offer("after"))
    world.restart()
    assert world.append(erasure).replayed
    assert world.append(world.offer("later")).seq == world.writer.size - 1
    assert (world.details(before), world.details(after)) == ([], ["after"])
    assert world.faults() == []


def test_in_one_group_only_what_stands_before_the_erasure_is_erased(world: World) -> None:
    submissions = (world.offer("one"), world.erasure(), world.offer("two"), world.erasure("li"), world.offer("three"))
    answers = world.append_all(*submissions)
    assert [answer.seq for answer in answers] == list(range(answers[0].seq, world.writer.size))
    assert [world.details(answers[place]) for place in (0, 2, 4)] == [[], ["two"], ["three"]]
    assert world.faults() == []


def test_a_second_erasure_erases_what_came_after_the_first(world: World) -> None:
    world.append(world.erasure())
    between = world.append(world.offer("between"))
    world.append(world.erasure())
    after = world.append(world.offer("after"))
    assert (world.details(between), world.details(after)) == ([], ["after"])
    assert world.faults() == []


def test_what_somebody_posted_without_a_name_can_be_erased_too_and_still_be_proved(world: World) -> None:
    """A restart comes between the post and the commitment that proves its one-time key."""
    shown = make(secrets.token_bytes(16), "text", "村长的电话是……")
    nobody = person("nobody")
    body = {"one_time": nobody.ref(), "poster": nobody.party, "type": "suggestion"}
    event = world.village.event("civic_posted", "nobody", body, private={"text": digest(shown)})
    done = world.append(sign(event, "nobody", disclosures=[shown]))
    world.restart()
    world.writer.commit_state()
    assert world.details(done) == ["村长的电话是……"]
    world.append(world.erasure("nobody"))
    assert world.details(done) == []
    report = world.judge(world.receipt(done))
    assert report.verdict == "genuine", report
    assert world.faults() == []


def test_a_refused_erasure_erases_nothing(world: World) -> None:
    done = world.append(world.offer("四折"))
    refused = world.append_all(erase(world.village, "zhang", "request", "clerk"))[0]
    assert refused.code == "not_authorised"
    assert world.details(done) == ["四折"]


@pytest.fixture
def broken_key_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """No key is destroyed, until the patch is undone."""

    def fail(*_: object) -> None:
        raise OSError("the key store is away")

    with monkeypatch.context() as patch:
        patch.setattr(Vault, "destroy", fail)
        yield patch


def test_an_erasure_that_a_crash_left_undone_is_carried_out_at_the_next_start(
    world: World, broken_key_store: pytest.MonkeyPatch
) -> None:
    done = world.append(world.offer("四折"))
    size = world.writer.size
    with pytest.raises(OSError, match="key store"):
        world.append(world.erasure())
    assert world.details(done) == ["四折"], "committed, not carried out"
    broken_key_store.undo()
    world.restart()
    assert world.writer.size == size + 1
    assert world.details(done) == []
    assert world.faults() == []


@pytest.mark.parametrize("by", ["the same event", "another event", "a commitment"])
def test_while_an_erasure_waits_nothing_is_appended_and_whatever_comes_first_carries_it_out(
    world: World, broken_key_store: pytest.MonkeyPatch, by: str
) -> None:
    before, erasure, after = world.append(world.offer("before")), world.erasure(), world.offer("after")
    for attempt in (erasure, after, erasure):
        with pytest.raises(OSError, match="key store"):
            world.append(attempt)
    size = world.writer.size
    assert size == before.seq + 2
    assert world.details(before) == ["before"]
    broken_key_store.undo()
    if by == "a commitment":
        assert world.writer.commit_state() is not None
    else:
        assert world.append(erasure if by == "the same event" else after).replayed == (by == "the same event")
    assert world.details(before) == []
    assert world.details(world.append(after)) == ["after"]
    assert world.faults() == []


def test_an_erasure_whose_commit_fails_erases_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    done = world.append(world.offer("四折"))

    def fail(*_: object, **__: object) -> None:
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("ledger.service.commit.write_facts", fail)
        with pytest.raises(OSError, match="disk is full"):
            world.append(world.erasure())
    kept = world.append(world.offer("五折"))
    assert (world.details(done), world.details(kept)) == (["四折"], ["五折"])


def test_a_key_that_an_old_copy_of_the_key_store_brings_back_is_destroyed_at_the_next_start(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    world = World(url, tmp_path)
    zhang, li = world.append(world.offer("四折")), world.append(world.offer("五折", "li"))
    live, copy = (sqlite3.connect(tmp_path / name) for name in ("keystore.db", "copy.db"))
    live.backup(copy)
    live.close()
    copy.close()
    world.append(world.erasure())
    world.close()
    (tmp_path / "copy.db").replace(tmp_path / "keystore.db")
    world.storage, world.reader = open_storage(url, tmp_path), Storage(world.storage.settings)
    assert (world.details(zhang), world.details(li)) == (["四折"], ["五折"]), "the copy is from before the erasure"
    world.restart()
    assert (world.details(zhang), world.details(li)) == ([], ["五折"])
    world.close()
