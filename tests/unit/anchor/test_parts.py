"""Key files, members' memories, settings, profiles, the packaged ABI, typed signatures."""

from __future__ import annotations

import json
import stat
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchor.artifact import custom_errors, load_artifact
from anchor.connect import Reverted, asking
from anchor.evidence import TreeHead
from anchor.keys import EvmKey, new_key, read_key, write_key
from anchor.members import MemberMemory
from anchor.operate import founding_log_key
from anchor.profiles import PROFILES, profile_of
from anchor.settings import AnchorSettings, ChainSection, LedgerSection, load_settings, save_settings, trust_chain
from anchor.status import Status, lines
from anchor.typed import BatchStatement, batch_message, head_message, register_message, sign
from ledger.core.note import VerifierKey
from ledger.core.types import Digest
from ledger.errors import ChainError, ConfigError, FormatError
from ledger.store.outbox import ContractKey
from ledger.verify.trust import Trust
from tests.contracts import typed as oracle
from tests.unit.anchor.rig import account

ORIGIN = "gongfen.example/foshan-village"
LOG_KEY = str(VerifierKey.of(name=ORIGIN, key=bytes(32)))
CONTRACT = "0x" + "ab" * 20


class TestKeyFiles:
    def test_a_key_is_read_back_and_shows_no_secret(self, tmp_path: Path) -> None:
        key = new_key("head", ORIGIN)
        write_key(tmp_path / "keys" / "a.key", key)
        assert read_key(tmp_path / "keys" / "a.key", "head", ORIGIN) == key
        assert stat.S_IMODE((tmp_path / "keys" / "a.key").stat().st_mode) == 0o600
        assert key.secret not in repr(key)
        assert key.address == str(key.account.address).lower()

    def test_no_file_is_overwritten(self, tmp_path: Path) -> None:
        write_key(tmp_path / "a.key", new_key("member"))
        with pytest.raises(ConfigError, match="exists already"):
            write_key(tmp_path / "a.key", new_key("member"))

    def test_a_head_key_names_its_ledger_and_no_other_does(self) -> None:
        with pytest.raises(ConfigError):
            new_key("head")
        with pytest.raises(ConfigError):
            new_key("member", ORIGIN)

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("nonsense", "not a key file"),
            ({"use": "member"}, "another use"),
            ({"origin": "gongfen.example/other"}, "another ledger"),
            ({"secret": "0" * 64}, "not a secp256k1 key"),
            ({"secret": "f" * 64}, "not a secp256k1 key"),
            ({"secret": "AB" * 32}, "not a key file"),
            ({"format": "gongfen-evm-key/2"}, "not a key file"),
            ({"more": 1}, "not a key file"),
        ],
    )
    def test_what_is_no_such_key_is_refused(self, tmp_path: Path, content: Any, message: str) -> None:
        path = tmp_path / "a.key"
        good = msgspec.to_builtins(EvmKey("gongfen-evm-key/1", "head", "1" * 64, ORIGIN))
        path.write_text(content if isinstance(content, str) else json.dumps(good | content))
        path.chmod(0o600)
        with pytest.raises(ConfigError, match=message):
            read_key(path, "head", ORIGIN)

    def test_a_file_that_others_can_read_is_refused(self, tmp_path: Path) -> None:
        write_key(tmp_path / "a.key", new_key("member"))
        (tmp_path / "a.key").chmod(0o640)
        with pytest.raises(ConfigError, match="chmod 600"):
            read_key(tmp_path / "a.key", "member")

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="cannot be read"):
            read_key(tmp_path / "a.key", "member")


class TestMemory:
    ADDRESS = account(1).address.lower()

    def test_the_largest_head_is_kept_across_restarts(self, tmp_path: Path) -> None:
        path = tmp_path / "m.json"
        MemberMemory.create(path, self.ADDRESS)
        memory = MemberMemory(path, self.ADDRESS)
        assert memory.newest(ORIGIN).size == 0
        for size in (7, 5):
            memory.remember({ORIGIN: TreeHead(size, Digest(bytes([size]) * 32))})
        assert MemberMemory(path, self.ADDRESS).newest(ORIGIN) == TreeHead(7, Digest(bytes([7]) * 32))

    def test_a_member_does_not_start_without_its_memory(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="put it back"):
            MemberMemory(tmp_path / "m.json", self.ADDRESS)

    def test_damaged_foreign_and_second_memories_are_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "m.json"
        MemberMemory.create(path, self.ADDRESS)
        with pytest.raises(ConfigError, match="exists already"):
            MemberMemory.create(path, self.ADDRESS)
        with pytest.raises(ConfigError, match="another member's"):
            MemberMemory(path, account(2).address.lower())
        path.write_text("{")
        with pytest.raises(ConfigError, match="damaged"):
            MemberMemory(path, self.ADDRESS)


def chain(**other: Any) -> ChainSection:
    values: dict[str, Any] = {
        "id": 31337, "contract": CONTRACT, "code_hash": "1" * 64, "profile": "hardhat", "rpc": "http://127.0.0.1:8545",
    }  # fmt: skip
    return ChainSection(**values | other)


class TestSettings:
    def test_the_file_is_read_back_as_it_was_written(self, tmp_path: Path) -> None:
        ledger = LedgerSection(ORIGIN, [LOG_KEY], 'keys/a "quoted" \\ 键.key')
        settings = AnchorSettings(chain=[chain(), chain(id=5, confirmations=12)], ledger=[ledger])
        save_settings(tmp_path / "anchor.toml", settings)
        assert load_settings(tmp_path / "anchor.toml") == settings

    def test_a_trust_file_takes_the_chain_part_as_it_is(self) -> None:
        text = f'[[log]]\norigin = "{ORIGIN}"\nkeys = ["{LOG_KEY}"]\n[policy]\nchains = 1\n{trust_chain(chain())}'
        [trusted] = Trust.parse(text).chains
        assert (trusted.id, trusted.contract, trusted.code_hash) == (31337, CONTRACT, "1" * 64)
        assert (trusted.confirmations, trusted.profile, trusted.rpc) == (1, "hardhat", ["http://127.0.0.1:8545"])

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            (AnchorSettings(chain=[chain(), chain()]), "listed twice"),
            (AnchorSettings(chain=[chain(profile="dogecoin")]), "unknown chain profile"),
            (AnchorSettings(ledger=[LedgerSection("no origin", [LOG_KEY], "k")]), "not an origin"),
            (AnchorSettings(ledger=[LedgerSection(ORIGIN, ["no key"], "k")]), "not a verifier key"),
            (AnchorSettings(ledger=[LedgerSection("a.example/b", [LOG_KEY], "k")]), "not a key of this ledger's log"),
        ],
    )
    def test_what_cannot_be_is_not_written(self, tmp_path: Path, settings: AnchorSettings, message: str) -> None:
        with pytest.raises(ConfigError, match=message):
            save_settings(tmp_path / "anchor.toml", settings)
        assert not (tmp_path / "anchor.toml").exists()

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("[[chain", "not TOML"),
            ("colour = 1", "colour"),
            ("format = 'gongfen-anchor/2'", "gongfen-anchor/2"),
            ("interval_s = 0", "> 0"),
            (f"[[chain]]\nid = 1\ncontract = '{CONTRACT.upper()}'", "contract"),
        ],
    )
    def test_what_is_no_settings_file_is_refused(self, tmp_path: Path, text: str, message: str) -> None:
        (tmp_path / "anchor.toml").write_text(text)
        with pytest.raises(ConfigError, match=message):
            load_settings(tmp_path / "anchor.toml")

    def test_confirmations_are_the_profiles_unless_given(self) -> None:
        assert chain().depth == PROFILES["hardhat"].confirmations
        assert chain(confirmations=9).depth == 9

    @given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40))
    def test_any_text_survives_as_toml(self, text: str) -> None:
        assert tomllib.loads(trust_chain(chain(rpc=text)))["chain"][0]["rpc"] == [text]


def test_the_artifact_is_the_committed_one_and_has_the_errors_that_are_understood() -> None:
    assert load_artifact()["contractName"] == "LedgerAnchor"
    names = {name for name, _ in custom_errors().values()}
    assert {"ProofInvalid", "HeadSignerWrong", "BatchConflict", "QuorumNotReached"} <= names


def test_that_no_ledger_is_registered_is_said_first() -> None:
    assert "`gongfen anchor register`" in lines(Status([], [], []))[0]


def test_unknown_profiles_are_refused() -> None:
    with pytest.raises(ConfigError, match="unknown chain profile"):
        profile_of("dogecoin")


@given(st.binary(min_size=32, max_size=32), st.integers(0, 2**64 - 1), st.binary(min_size=32, max_size=32))
def test_signatures_are_those_that_the_contract_tests_make(ledger: bytes, number: int, root: bytes) -> None:
    key, signer = ContractKey(31337, CONTRACT), account(3)
    domain = oracle.Domain(31337, CONTRACT)
    head = {"ledger": ledger, "size": number, "root": root}
    assert sign(signer, head_message(key, ledger, number, root)) == domain.sign(signer, "Head", head)
    batch = {"batchId": number, "batchRoot": root, "previousBatchHash": ledger, "epoch": 4}
    message = batch_message(key, BatchStatement(number, root, ledger, 4))
    assert sign(signer, message) == domain.sign(signer, "Batch", batch)
    act = {"origins": [ORIGIN], "signers": [signer.address], "nonce": 3, "epoch": 4}
    registered = register_message(key, [ORIGIN], [signer.address], nonce=3, epoch=4)
    assert sign(signer, registered) == domain.sign(signer, "RegisterLedgers", act)


def test_whatever_a_library_raises_is_a_chain_error() -> None:
    for error in (ValueError("x"), OSError("x"), KeyError("x"), ConnectionError("x\ny")):
        with pytest.raises(ChainError, match="no usable answer") as caught, asking():
            raise error
        assert not isinstance(caught.value, Reverted)
        assert caught.value.__cause__ is error


@pytest.mark.parametrize(
    "entry",
    [b"nonsense", b"[]", b"{}", b'{"event":{"ledger":"a.example/b","body":{"log_key":"%s"}}}' % LOG_KEY.encode()],
)
def test_a_log_key_is_taken_only_from_the_ledgers_own_first_entry(entry: bytes) -> None:
    with pytest.raises(FormatError):
        founding_log_key(entry, ORIGIN)


def test_the_first_entry_states_the_log_key() -> None:
    entry = {"event": {"ledger": ORIGIN, "body": {"log_key": LOG_KEY}}}
    assert founding_log_key(json.dumps(entry).encode(), ORIGIN) == LOG_KEY
