"""The commands against real files, databases and a server process; and when that server refuses to start."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from ledger import cli
from ledger.config import Settings
from ledger.core.disclosure import digest, make
from ledger.core.note import COSIGNATURE, VerifierKey
from ledger.core.tlogproof import TlogProof
from ledger.keys import new_event_key, new_log_key, new_vault_key, write_key
from ledger.service.storage import Storage
from ledger.store import entries as log
from ledger.store.database import writing
from tests.helpers.village import ORIGIN, person
from tests.unit.api.world import NAME, changed, founded, founding_events, maker, running, serving, write_keys


class Done(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Its result."""
        return json.loads(self.out)


Run = Callable[..., Done]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: object) -> Done:
        with pytest.raises(SystemExit) as stopped:
            cli.main([str(argument) for argument in arguments])
        shown = capsys.readouterr()
        code = stopped.value.code
        return Done(code if isinstance(code, int) else 0, shown.out, shown.err)

    return call


def good(done: Done) -> Done:
    """The same, after it went well."""
    assert done.code == 0, done
    return done


# From nothing to a proof ----------------------------------------------------------------------------------------------


def test_a_village_from_its_first_key_to_a_verified_receipt(tmp_path: Path, run: Run) -> None:
    keys, data = tmp_path / "keys", tmp_path / "var"
    root = good(run("key", "new", keys / "root.key", "--json")).json()
    clerk = good(run("key", "new", keys / "clerk.key", "--json")).json()
    assert good(run("key", "show", keys / "root.key", "--json")).json() == root
    assert stat.S_IMODE((keys / "root.key").stat().st_mode) == 0o600
    made = good(run("ledger", "create", ORIGIN, "--root-key", keys / "root.key", "--data-dir", data, "--json")).json()
    assert (made["name"], made["seq"]) == (NAME, 0)
    listed = good(run("ledger", "list", "--data-dir", data, "--json")).json()["ledgers"]
    assert [(view["name"], view["size"]) for view in listed] == [(NAME, 1)]

    event = tmp_path / "event.json"
    body = {"action": "grant", "party": clerk["party"], "role": "clerk", "scope": "*"}
    body |= {"key": {"public": clerk["public"], "suite": "ed25519"}}
    event.write_text(json.dumps(new_event("role_changed", body)))
    signed = tmp_path / "signed.json"
    signed.write_text(good(run("event", "sign", event, "--key", keys / "root.key")).out)
    with serving(Settings(data_dir=data)) as url:
        to = ("--url", url, "--ledger", NAME)
        assert good(run("event", "submit", signed, *to, "--json")).json()["seq"] == 1
        assert "stood there already" in good(run("event", "submit", signed, *to)).out
        httpx.post(f"{url}/v1/ledgers/{NAME}/commitments").raise_for_status()
        receipt = tmp_path / "receipt.json"
        assert "committed receipt of entry 1" in good(run("receipt", "1", *to, "--out", receipt)).out
        assert good(run("receipt", "1", *to)).out.encode() == receipt.read_bytes() + b"\n"
        proof = TlogProof.parse(good(run("receipt", "1", *to, "--tlog-proof")).out)
        assert proof.index == 1
        locked = run("ledger", "create", "a.example/other", "--root-key", keys / "root.key", "--data-dir", data)
        assert locked.code == 2
        assert "another process writes this database; stop it first" in locked.err
        assert good(run("ledger", "list", "--data-dir", data)).out.startswith(f"{NAME}  {ORIGIN}  3 entries")

    trust = tmp_path / "trust.toml"
    witness = VerifierKey.of(name="w.example", key=bytes(32), type=COSIGNATURE)
    trust.write_text(
        f'[[log]]\norigin = "{ORIGIN}"\nkeys = ["{made["log_key"]}"]\n'
        f'[[witness]]\nkey = "{witness}"\n[policy]\nwitnesses = 1\n'
    )
    verdict = run("verify", receipt, "--trust", trust, "--json")
    assert (verdict.code, verdict.json()["verdict"]) == (3, "pending"), "no witness has cosigned it"
    assert good(run("audit", "--data-dir", data, "--processes", 1)).out.startswith(f"{NAME}: everything holds: 3 ")


def test_many_events_are_loaded_at_once_and_refusals_are_named(tmp_path: Path, run: Run) -> None:
    data = tmp_path / "var"
    founded(Settings(data_dir=data))
    village = maker()
    events = founding_events(village)
    bad = changed(events[0], lambda value: value["event"].update(occurred_on="2021-01-02", id=str(uuid.uuid4())))
    file = tmp_path / "events.ndjson"
    file.write_bytes(b"\n".join([*events[:5], bad, *events[5:]]))
    to = ("--ledger", NAME, "--data-dir", data)
    loaded = run("event", "load", file, *to)
    assert (loaded.code, "6: " in loaded.out, "signature does not hold" in loaded.out) == (2, True, True)
    assert f"{len(events)} loaded, 1 refused" in loaded.out
    file.write_bytes(b"\n".join(events))
    again = good(run("event", "load", file, *to, "--json")).json()
    assert again == {"loaded": len(events), "refused": 0, "size": len(events) + 1}
    assert run("event", "load", file, "--ledger", "nowhere", "--data-dir", data).code == 2


def new_event(kind: str, body: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An event as an officer writes it, without v, id and actor."""
    return {"ledger": ORIGIN, "kind": kind, "occurred_on": "2021-11-20", "body": body, **more}


class TestSigning:
    """`gongfen event sign`."""

    def test_private_details_are_salted_and_their_digests_signed(self, tmp_path: Path, run: Run) -> None:
        clerk = write_keys(tmp_path, "clerk", "clerk two")
        body = {"action": "register", "party": person("zhang").party, "type": "resident"}
        ready = make(bytes(16), "number", "110")
        source = tmp_path / "event.json"
        source.write_text(json.dumps(new_event("party_changed", body, private={"number": digest(ready)})))
        options = ["--key", clerk["clerk"], "--key", clerk["clerk two"]]
        shown = good(run("event", "sign", source, *options, "--disclosure", "name=张三", "--disclosure", ready)).json()
        assert shown["disclosures"][1] == ready
        assert shown["event"]["private"]["name"] == digest(shown["disclosures"][0])
        assert shown["event"]["actor"] == person("clerk").party
        assert [s["key"] for s in shown["signatures"]] == [person("clerk").key, person("clerk two").key]

    @pytest.mark.parametrize("text", ["", "[]", '{"kind":"nonsense"}', '{"kind":"party_changed"}', "{"])
    def test_what_is_no_event_is_told(self, tmp_path: Path, run: Run, text: str) -> None:
        clerk = write_keys(tmp_path, "clerk")["clerk"]
        source = tmp_path / "event.json"
        source.write_text(text)
        done = run("event", "sign", source, "--key", clerk)
        assert (done.code, done.out) == (2, "")
        assert done.err.count("\n") == 1


def test_many_events_are_submitted_and_the_refused_are_counted(
    tmp_path: Path, server: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    village = maker()
    lines = [village.role("clerk", "clerk"), village.role("clerk two", "clerk"), village.role("x", "clerk", "stranger")]
    source = tmp_path / "events.ndjson"
    source.write_bytes(b"\n".join(lines) + b"\n\n")
    done = run("event", "submit", source, "--url", server, "--ledger", NAME, "--json")
    told = [json.loads(line) for line in done.out.splitlines()]
    assert done.code == 2
    assert [line.get("seq") for line in told] == [1, 2, None]
    assert told[2]["code"] == "unknown_key"
    assert done.err == "gongfen: 1 of 3 events were refused; the others stand in the ledger\n"
    monkeypatch.setenv("FORCE_COLOR", "1")  # as on a terminal: a bar on standard error, results where they belong
    again = run("event", "submit", source, "--url", server, "--ledger", NAME, "--json")
    assert [json.loads(line).get("replayed") for line in again.out.splitlines()] == [True, True, None]
    assert "submitting" in again.err
    monkeypatch.delenv("FORCE_COLOR")
    pretty = tmp_path / "one.json"
    pretty.write_text(json.dumps(json.loads(lines[0]), indent=2))
    assert good(run("event", "submit", pretty, "--url", server, "--ledger", NAME, "--json")).json()["replayed"]
    pretty.write_text("\n")
    assert run("event", "submit", pretty, "--url", server, "--ledger", NAME).code == 2
    refused = tmp_path / "refused.json"
    refused.write_bytes(lines[2])
    one = run("event", "submit", refused, "--url", server, "--ledger", NAME)
    assert (one.code, one.out) == (2, "")
    assert "no party holds this key" in one.err


def test_tokens_are_made_listed_and_revoked_while_the_server_runs(tmp_path: Path, run: Run) -> None:
    settings = Settings(data_dir=tmp_path)
    founded(settings)
    at = ("--data-dir", tmp_path)
    assert "open" in good(run("token", "list", *at)).out
    made = good(run("token", "create", "--scope", "read", "--label", "bank", "--days", 30, *at, "--json")).json()
    assert made["scopes"] == ["read"]
    with serving(settings) as url:
        to = ("--url", url, "--ledger", NAME)
        assert "a bearer token is needed" in run("receipt", "0", *to).err
        good(run("receipt", "0", *to, "--token", made["token"]))
        assert "scope" in run("receipt", "0", *to, "--token", made["token"], "--disclose").err
        good(run("token", "revoke", made["id"], *at))
        listed = good(run("token", "list", *at)).out
        assert listed.split()[:2] == [made["id"], "revoked"]
        assert made["token"].rpartition("_")[2] not in listed
        with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {made['token']}"}, timeout=10) as http:
            while http.get(f"/v1/ledgers/{NAME}/entries/0").status_code == 200:
                pass  # the server looks once a second
            assert "revoked" in http.get(f"/v1/ledgers/{NAME}/entries/0").json()["detail"]


def test_an_audit_finds_what_was_changed_behind_the_ledgers_back(tmp_path: Path, run: Run) -> None:
    founded(Settings(data_dir=tmp_path))
    at = ("--data-dir", tmp_path, "--processes", 1)
    good(run("audit", *at, "--ledger", NAME))
    with sqlite3.connect(tmp_path / "ledger.db") as database:
        database.execute("UPDATE facts SET value = CAST(replace(value, 'foshan', 'x') AS BLOB) WHERE key = 'ledger:'")
    done = run("audit", *at)
    assert done.code == 1
    assert "1 fault;" in done.out
    assert run("audit", *at, "--json").json()["ledgers"][0]["clean"] is False
    assert run("audit", *at, "--ledger", "none").code == 2


def test_a_ledger_of_a_taken_name_is_not_made_again(tmp_path: Path, run: Run) -> None:
    founded(Settings(data_dir=tmp_path))
    root = write_keys(tmp_path, "mayor")["mayor"]
    done = run("ledger", "create", "other.example/foshan-village", "--root-key", root, "--data-dir", tmp_path)
    assert done.code == 2
    assert "a ledger of this name exists" in done.err
    done = run("ledger", "create", "Not An Origin", "--root-key", root, "--data-dir", tmp_path)
    assert "not an origin" in done.err


def test_a_ledger_that_was_not_finished_is_not_listed_and_can_be_made_again(tmp_path: Path, run: Run) -> None:
    storage = Storage(Settings(data_dir=tmp_path))
    storage.open_for_writing()
    with writing(storage.engine) as connection:
        log.add_ledger(connection, NAME, ORIGIN)
    write_key(tmp_path / "keys" / "vault.key", new_vault_key())
    storage.close()
    assert good(run("ledger", "list", "--data-dir", tmp_path, "--json")).json() == {"ledgers": []}
    root = write_keys(tmp_path, "mayor")["mayor"]
    good(run("ledger", "create", ORIGIN, "--root-key", root, "--data-dir", tmp_path))
    assert len(good(run("ledger", "list", "--data-dir", tmp_path, "--json")).json()["ledgers"]) == 1


def test_a_key_file_is_never_written_over(tmp_path: Path, run: Run) -> None:
    write_keys(tmp_path, "mayor")
    before = (tmp_path / "mayor.key").read_bytes()
    assert "exists already" in run("key", "new", tmp_path / "mayor.key").err
    assert (tmp_path / "mayor.key").read_bytes() == before
    assert "not a party id" in run("key", "new", tmp_path / "new.key", "--party", "zhang").err


# Refusing to start ----------------------------------------------------------------------------------------------------


@pytest.fixture
def village(tmp_path: Path) -> Path:
    """A data directory with a ledger, a disclosure in its vault, and nobody who writes it."""
    settings = Settings(data_dir=tmp_path)
    founded(settings)
    with running(settings) as world:
        for name in ("clerk", "clerk two"):
            world.must(world.village.role(name, "clerk"))
        shown = make(bytes(16), "name", "张三")
        event = json.loads(_register(world.village, shown))
        world.must(json.dumps(event | {"disclosures": [shown]}).encode())
    return tmp_path


def _register(village: Any, shown: str) -> bytes:
    body = {"action": "register", "party": person("zhang").party, "type": "resident"}
    made: bytes = village.make("party_changed", body, "clerk", "clerk two", private={"name": digest(shown)})
    return made


def _replace_key(name: str, key: Any) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "keys" / name
        path.unlink()
        write_key(path, key())

    return change


def _sql(*statements: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        with sqlite3.connect(folder / "ledger.db") as database:
            for statement in statements:
                database.execute(statement)

    return change


def _remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / "keys" / name).unlink()


def _open_up(folder: Path) -> None:
    (folder / "keys" / f"{NAME}.log.key").chmod(0o644)


DOUBTFUL: dict[str, tuple[Callable[[Path], None], Sequence[str]]] = {
    "another log key": (
        _replace_key(f"{NAME}.log.key", lambda: new_log_key(ORIGIN)),
        ["the log key is not this ledger's", "give the key file"],
    ),
    "another event key": (_replace_key(f"{NAME}.event.key", new_event_key), ["the event key is not this ledger's"]),
    "another vault key": (_replace_key("vault.key", new_vault_key), ["the vault key does not open the key store"]),
    "no log key": (_remove(f"{NAME}.log.key"), ["cannot be read", f"{NAME}.log.key"]),
    "no event key": (_remove(f"{NAME}.event.key"), ["cannot be read", f"{NAME}.event.key"]),
    "no vault key": (_remove("vault.key"), ["the vault key is missing; put it back"]),
    "a key that others may read": (_open_up, ["chmod 600"]),
    "a head that was moved": (_sql("UPDATE heads SET size = size - 1"), ["gongfen audit"]),
    "a head without entries": (_sql("UPDATE heads SET size = size + 1"), ["gongfen audit"]),
    "an entry that was changed": (
        _sql("DROP TRIGGER entries_no_update", "UPDATE entries SET leaf = zeroblob(32) WHERE seq = 2"),
        ["gongfen audit"],
    ),
    "a newer schema": (_sql("UPDATE alembic_version SET version_num = '9999'"), ["newer version", "run the version"]),
    "a damaged database": (lambda folder: (folder / "ledger.db").write_bytes(b"x" * 9000) and None, ["not a database"]),
}


@pytest.mark.parametrize("name", DOUBTFUL)
def test_a_server_that_finds_doubtful_state_refuses_to_start_and_says_what_to_do(
    village: Path, run: Run, name: str
) -> None:
    change, words = DOUBTFUL[name]
    change(village)
    done = run("serve", "--port", "0", "--data-dir", village)
    assert (done.code, done.out) == (2, ""), done
    for word in words:
        assert word in done.err
    assert done.err.count("\n") == 1


def test_a_second_server_refuses_to_start(village: Path, run: Run) -> None:
    with serving(Settings(data_dir=village)) as url:
        done = run("serve", "--port", "0", "--data-dir", village)
        assert done.code == 2
        assert "another process writes this database; stop it first" in done.err
        assert httpx.get(url + "/readyz").status_code == 200
    Storage(Settings(data_dir=village)).open_for_writing()


def test_a_port_that_is_taken_is_told(village: Path, tmp_path_factory: pytest.TempPathFactory, run: Run) -> None:
    with serving(Settings(data_dir=village)) as url:
        other = tmp_path_factory.mktemp("other")
        done = run("serve", "--port", url.rpartition(":")[2], "--data-dir", other)
        assert done.code == 2
        assert "choose another with --host and --port" in done.err


def test_a_database_that_cannot_be_reached_is_told(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GONGFEN_DATABASE_URL", "mysql://x/y")
    assert "expected sqlite or postgresql" in run("serve", "--data-dir", tmp_path).err
    monkeypatch.setenv("GONGFEN_DATABASE_URL", "nonsense")
    assert "not a database URL" in run("serve", "--data-dir", tmp_path).err
    monkeypatch.setenv("GONGFEN_DATABASE_URL", "postgresql://127.0.0.1:1/none")
    done = run("serve", "--data-dir", tmp_path)
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert os.environ["GONGFEN_DATABASE_URL"] not in done.out
