"""Trust files: strict, and refused with the field at fault."""

from __future__ import annotations

import pytest

from ledger.core.note import VerifierKey
from ledger.errors import ConfigError
from ledger.verify import Trust
from tests.helpers.cast import Witness, seed_of
from tests.helpers.fake_chain import FakeChain
from tests.helpers.ledger_builder import LedgerBuilder

LEDGER = LedgerBuilder()
CHAIN = FakeChain()
GOOD = LEDGER.trust(chains=[CHAIN])
LOG_KEY = str(VerifierKey.of(name=LEDGER.origin, key=LEDGER.log_seed))
WITNESS_KEY = LEDGER.witnesses[0].verifier_key()
CHAIN_SECTION = GOOD[GOOD.index("[[chain]]") :]


def test_a_good_file_is_read() -> None:
    trust = Trust.parse(GOOD)
    assert list(trust.logs) == [LEDGER.origin]
    assert [str(key) for key in trust.logs[LEDGER.origin]] == [LOG_KEY]
    assert [str(key) for key in trust.witnesses] == [witness.verifier_key() for witness in LEDGER.witnesses]
    assert trust.auditors == {trust.witnesses[1].public_key}
    assert (trust.policy.witnesses, trust.policy.auditors, trust.policy.chains) == (2, 1, 1)
    assert [(chain.id, chain.contract, chain.rpc) for chain in trust.chains] == [
        (CHAIN.chain_id, CHAIN.contract, list(CHAIN.rpc))
    ]


def test_addresses_and_code_hashes_are_read_in_any_spelling() -> None:
    spelt = GOOD.replace(CHAIN.contract, "0x" + CHAIN.contract[2:].upper())
    spelt = spelt.replace(CHAIN.code_hash, "0x" + CHAIN.code_hash.upper())
    assert Trust.parse(spelt) == Trust.parse(GOOD)


def test_several_logs_may_stand_in_one_file() -> None:
    other = LedgerBuilder("gongfen.example/other")
    trust = Trust.parse(GOOD + other.trust().split("\n\n")[0])
    assert set(trust.logs) == {LEDGER.origin, other.origin}


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


WRONG_KIND = str(VerifierKey.of(name="w.example/x", key=seed_of("x")))
SELF_WITNESS = Witness("w.example/self", LEDGER.log_seed).verifier_key()
OTHER_LOG_KEY = str(VerifierKey.of(name="gongfen.example/other", key=seed_of("y")))

BAD = {
    "no toml": ("[[log]", None),
    "too long": ("#" * ((1 << 20) + 1), None),
    "no log": ("[policy]\nwitnesses=1\n", None),
    "an unknown section": (GOOD + "\n[extra]\n", None),
    "an unknown field": (changed("audits = false", "audit = false"), "witness[0]"),
    "a text for a number": (changed("witnesses = 2", 'witnesses = "2"'), "policy.witnesses"),
    "a fraction for a number": (changed("witnesses = 2", "witnesses = 2.0"), "policy.witnesses"),
    "a truth for a number": (changed("witnesses = 2", "witnesses = true"), "policy.witnesses"),
    "a negative number": (changed("chains = 1", "chains = -1"), "policy.chains"),
    "no policy": (GOOD[: GOOD.index("[policy]")], None),
    "neither witnesses nor chains": (
        changed("witnesses = 2\nauditors = 1\nchains = 1", "auditors = 0"),
        "policy",
    ),
    "more witnesses than listed": (changed("witnesses = 2", "witnesses = 3"), "policy.witnesses"),
    "more auditors than listed": (changed("auditors = 1", "auditors = 2"), "policy.auditors"),
    "more auditors than witnesses": (changed("witnesses = 2", "witnesses = 0"), "policy.auditors"),
    "more chains than listed": (changed("chains = 1", "chains = 2"), "policy.chains"),
    "an age of nothing": (changed("chains = 1", "chains = 1\nmax_age_days = 0"), "policy.max_age_days"),
    "not an origin": (changed(f'origin = "{LEDGER.origin}"', 'origin = "Foshan"'), "log[0].origin"),
    "a log twice": (GOOD + LEDGER.trust().split("\n\n")[0], "log[1].origin"),
    "no log key": (changed(f'keys = ["{LOG_KEY}"]', "keys = []"), "log[0].keys"),
    "not a key": (changed(LOG_KEY, "a+b+c"), "log[0].keys[0]"),
    "a log key twice": (changed(f'"{LOG_KEY}"', f'"{LOG_KEY}", "{LOG_KEY}"'), "log[0].keys"),
    "a log key of another log": (changed(LOG_KEY, OTHER_LOG_KEY), "log[0].keys[0]"),
    "a witness key for a log key": (changed(LOG_KEY, WITNESS_KEY), "log[0].keys[0]"),
    "a log key for a witness key": (changed(WITNESS_KEY, WRONG_KIND), "witness[0].key"),
    "a witness twice": (changed(LEDGER.witnesses[1].verifier_key(), WITNESS_KEY), "witness[1].key"),
    "a witness under two names": (
        changed(LEDGER.witnesses[1].verifier_key(), Witness("two.example/x", LEDGER.witnesses[0].seed).verifier_key()),
        "witness[1].key",
    ),
    "the log as its own witness": (changed(WITNESS_KEY, SELF_WITNESS), "witness[0].key"),
    "not an address": (changed(CHAIN.contract, "0xabc"), "chain[0].contract"),
    "a short code hash": (changed(CHAIN.code_hash, "0x" + CHAIN.code_hash[2:]), "chain[0].code_hash"),
    "a code hash with a line break": (changed(f'"{CHAIN.code_hash}"', f'"{CHAIN.code_hash}\\n"'), "chain[0].code_hash"),
    "a contract twice": (GOOD + CHAIN_SECTION, "chain[1].contract"),
    "a node twice": (changed(f'"{CHAIN.rpc[0]}"', f'"{CHAIN.rpc[0]}", "{CHAIN.rpc[0]}"'), "chain[0].rpc"),
    "a chain id of nothing": (changed("id = 31337", "id = 0"), "chain[0].id"),
    "a profile that is no name": (changed('"hardhat"', '"Hard Hat"'), "chain[0].profile"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_with_its_field(name: str) -> None:
    text, field = BAD[name]
    with pytest.raises(ConfigError) as refused:
        Trust.parse(text)
    assert refused.value.field == field
