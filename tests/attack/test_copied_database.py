"""Whoever copies the database, without the key store and the keys, reads no private detail; nor do logs and metrics."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path

import pytest

from api.server import configure_logging
from ledger.config import Settings
from ledger.core.disclosure import digest, make
from tests.helpers.village import person, sign
from tests.unit.api.world import EVENTS, NAME, World, founded, running

DETAILS = {"name": "张桂芳的名字", "number": "440682-1957-0042", "address": "松塘村九巷十一号"}
SALT = b"a salt of sixtee"


def spellings(disclosure: str, value: str) -> list[bytes]:
    """A detail as a copy might hold it: in any encoding, alone, or within its disclosure."""
    texts = [value.encode(), value.encode("utf-16-le"), b64encode(value.encode()).rstrip(b"="), disclosure.encode()]
    return [*texts, ascii(value)[1:-1].encode(), disclosure[24:-8].encode(), value.encode().hex().encode(), SALT]


def register(world: World) -> tuple[bytes, dict[str, str]]:
    """A registration with private details, and its disclosures by value."""
    texts = {value: make(SALT, name, value) for name, value in DETAILS.items()}
    private = {name: digest(texts[value]) for name, value in DETAILS.items()}
    body = {"action": "register", "party": person("guifang").party, "type": "resident"}
    event = world.village.event("party_changed", "clerk", body, private=private)
    return sign(event, "clerk", "clerk two", disclosures=list(texts.values())), texts


def test_a_copied_database_holds_no_private_detail_in_the_clear(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    configure_logging()
    settings = Settings(data_dir=tmp_path, commit_interval_s=3600)
    founded(settings)
    with running(settings) as world:
        world.populate()
        submission, texts = register(world)
        spoilt = submission.replace(b'"v":1}', b'"v":2}')
        told = [world.http.post(EVENTS, content=spoilt).content]
        told += [world.http.post(EVENTS, content=submission.replace(b"ed25519", b"sm2-sm3", 1)).content]
        event_id = world.must(submission)
        told += [world.http.post(EVENTS, content=submission).content]
        world.client().commit_state(NAME)
        receipt = f"/v1/ledgers/{NAME}/receipts/{event_id['seq']}"
        paths = [receipt, "/metrics", "/openapi.json", f"/v1/ledgers/{NAME}/accounts/{person('guifang').party}"]
        told += [world.http.get(path).content for path in [*paths, f"/v1/ledgers/{NAME}/entries?first=1"]]
        shown = world.http.get(receipt, params={"disclose": "true"}).json()["disclosures"]
        assert sorted(shown) == sorted(texts.values()), "whoever may read them does"
        while_open = [path.read_bytes() for path in tmp_path.glob("ledger.db*")]
    after = [path.read_bytes() for path in tmp_path.glob("*.db*")]
    logged = "".join(capfd.readouterr()).encode()
    assert len(while_open) > 1
    for value, disclosure in texts.items():
        for spelling in spellings(disclosure, value):
            for place in [*while_open, *after, *told, logged]:
                assert spelling not in place, spelling
