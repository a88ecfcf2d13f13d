"""What chains say: contradictions are invalid, silence and shallowness pending, k of n enough."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from ledger.core.receipt import serialise
from ledger.core.types import Digest
from ledger.verify import TrustedChain, verify
from ledger.verify.chain import Answer, ChainAnswers, Prefetched, Question, Silence
from tests.helpers.fake_chain import FakeChain, Readers
from tests.helpers.receipts import failing, results, sample

OTHER = Digest(b"\x11" * 32)


class Edited:
    """A chain whose nodes' answers are edited, one edit for each node."""

    def __init__(self, chain: FakeChain, edits: Sequence[Callable[[Answer], Answer | Silence]]) -> None:
        self._chain = chain
        self._edits = edits

    def ask(self, chain: TrustedChain, question: Question) -> ChainAnswers:
        answer = self._chain.answer(question)
        return [edit(answer._replace(rpc=f"http://node{n}")) for n, edit in enumerate(self._edits)]


def same(answer: Answer) -> Answer:
    return answer


def anchor(**changes: object) -> Callable[[Answer], Answer]:
    return lambda answer: answer._replace(anchor=answer.anchor._replace(**changes))


def batch(**changes: object) -> Callable[[Answer], Answer]:
    return lambda answer: answer._replace(batch=answer.batch._replace(**changes))


def changed(**changes: object) -> Callable[[Answer], Answer]:
    return lambda answer: answer._replace(**changes)


CONTRADICTIONS = {
    "another chain": changed(chain_id=1),
    "another contract's code": changed(code_hash="00" * 32),
    "no code": changed(code_hash="", batch=None, anchor=None),
    "no such batch": changed(batch=None),
    "another batch root": batch(root=OTHER),
    "no anchor of this size": changed(anchor=None),
    "another root of the ledger": anchor(root=OTHER),
    "another size": anchor(size=3),
    "another batch": anchor(batch=1),
    "another block": anchor(block=99),
    "no such block": changed(transactions=None),
    "another transaction": changed(transactions=("0x" + "00" * 32,)),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_chain_that_contradicts_makes_the_receipt_invalid(name: str) -> None:
    s = sample()
    report = s.judge(s.receipt(), chain=Edited(s.chain, [CONTRADICTIONS[name]]))
    assert (report.verdict, failing(report)) == ("invalid", {"anchored"})


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_one_node_that_contradicts_the_others_is_enough(name: str) -> None:
    s = sample()
    trust = s.ledger.trust(chains=[s.chain], rpc=["http://node0", "http://node1"])
    for edits in ([same, CONTRADICTIONS[name]], [CONTRADICTIONS[name], same]):
        assert s.judge(s.receipt(), trust=trust, chain=Edited(s.chain, edits)).verdict == "invalid"


def test_nodes_that_disagree_on_what_the_receipt_does_not_say_are_a_fault_too() -> None:
    s = sample()
    trust = s.ledger.trust(chains=[s.chain], rpc=["http://node0", "http://node1"])
    for edit in (anchor(time_s=1), batch(time_s=1), batch(hash=OTHER)):
        report = s.judge(s.receipt(), trust=trust, chain=Edited(s.chain, [same, edit]))
        assert report.verdict == "invalid"
        assert "contradict" in report.steps[-1].detail


def silent(answer: Answer) -> Silence:
    return Silence(answer.rpc, "time-out")


MISSING = {
    "a node that is silent": [silent],
    "one of two nodes silent": [same, silent],
    "a node that lags behind": [changed(latest=50, anchor=None, batch=None, transactions=None)],
    "one of two nodes lagging": [same, changed(latest=50, anchor=None, batch=None, transactions=None)],
    "no answer at all": [],
}


@pytest.mark.parametrize("name", MISSING)
def test_silence_and_lag_leave_the_receipt_pending(name: str) -> None:
    s = sample()
    report = s.judge(s.receipt(), chain=Edited(s.chain, MISSING[name]))
    assert (report.verdict, results(report)["anchored"]) == ("pending", "missing")
    assert report.missing


def test_every_node_that_the_trust_file_lists_must_have_been_asked() -> None:
    s = sample()
    trust = s.ledger.trust(chains=[s.chain], rpc=["http://node0", "http://node1"])
    assert s.judge(s.receipt(), trust=trust, chain=Edited(s.chain, [same, same])).verdict == "genuine"
    assert s.judge(s.receipt(), trust=trust, chain=Edited(s.chain, [same])).verdict == "pending"


def test_without_a_reader_a_receipt_stays_pending_where_a_chain_is_asked_for() -> None:
    s = sample()
    report = verify(serialise(s.receipt()), s.trust, now_ms=s.chain.now_ms)
    assert (report.verdict, results(report)["batched"]) == ("pending", "ok")


def test_answers_fetched_beforehand_serve_as_a_reader() -> None:
    s = sample()
    fetched = s.chain.prefetched(s.ledger.head(s.size))
    assert s.judge(s.receipt(), chain=fetched).verdict == "genuine"
    assert s.judge(s.receipt(), chain=Prefetched({})).verdict == "pending"
    assert s.judge(s.receipt(size=s.first), chain=fetched).verdict == "invalid"


def test_confirmations_count_the_anchors_own_block() -> None:
    s = sample()
    block = s.receipt().anchors[0].block  # type: ignore[index, union-attr]
    for wanted, verdict in ((0, "genuine"), (1, "genuine"), (6, "genuine"), (7, "pending")):
        trust = s.ledger.trust(chains=[s.chain], confirmations=wanted)
        report = s.judge(s.receipt(), trust=trust, chain=Edited(s.chain, [changed(latest=block + 5)]))
        assert report.verdict == verdict


def test_the_code_hash_is_optional() -> None:
    s = sample()
    trust = "\n".join(line for line in s.trust.split("\n") if not line.startswith("code_hash"))
    assert s.judge(s.receipt(), trust=trust, chain=Edited(s.chain, [changed(code_hash="77" * 32)])).verdict == "genuine"


def two_chains() -> tuple[FakeChain, FakeChain]:
    s = sample()
    second = FakeChain(chain_id=7, contract="0x" + "cd" * 20)
    second.anchor([s.ledger.head(s.size)])
    return s.chain, second


def test_a_policy_may_ask_for_k_of_n_chains() -> None:
    s = sample()
    chains = two_chains()
    receipt = s.ledger.receipt(s.seq, s.size, chains=chains)
    both = Readers(*chains)
    for wanted in (1, 2):
        trust = s.ledger.trust(chains=chains, policy={"chains": wanted})
        assert s.judge(receipt, trust=trust, chain=both).verdict == "genuine"
        one_silent = s.judge(receipt, trust=trust, chain=chains[0])
        assert one_silent.verdict == ("genuine" if wanted == 1 else "pending")
        alone = s.judge(s.receipt(), trust=trust, chain=both)
        assert alone.verdict == ("genuine" if wanted == 1 else "pending")


def test_a_contradiction_on_one_chain_is_a_fault_even_if_others_would_do() -> None:
    s = sample()
    chains = two_chains()
    receipt = s.ledger.receipt(s.seq, s.size, chains=chains)
    trust = s.ledger.trust(chains=chains, policy={"chains": 1})

    class Mixed:
        def ask(self, chain: TrustedChain, question: Question) -> ChainAnswers:
            if chain.id == chains[0].chain_id:
                return chains[0].ask(chain, question)
            return [answer._replace(anchor=None) for answer in chains[1].ask(chain, question)]  # type: ignore[union-attr]

    assert s.judge(receipt, trust=trust, chain=Mixed()).verdict == "invalid"


def test_of_two_chains_one_may_be_too_old_if_one_is_asked_for() -> None:
    s = sample()
    old, new = two_chains()
    new.anchors[s.ledger.id][0] = new.anchors[s.ledger.id][0]._replace(time_s=old.time_s + 86_400 * 40)
    receipt = s.ledger.receipt(s.seq, s.size, chains=[old, new])
    now_ms = (old.time_s + 86_400 * 41) * 1000
    for wanted, verdict in ((1, "genuine"), (2, "superseded")):
        trust = s.ledger.trust(chains=[old, new], policy={"chains": wanted, "max_age_days": 30})
        assert s.judge(receipt, trust=trust, chain=Readers(old, new), now_ms=now_ms).verdict == verdict


def test_anchors_on_chains_that_the_verifier_does_not_know_count_for_nothing() -> None:
    s = sample()
    known, unknown = two_chains()
    receipt = s.ledger.receipt(s.seq, s.size, chains=[unknown, known])
    assert s.judge(receipt).verdict == "genuine"
    only = s.judge(s.ledger.receipt(s.seq, s.size, chains=[unknown]))
    assert (only.verdict, failing(only)) == ("invalid", {"anchored"})
    assert "anchored where you do not trust" in only.steps[-1].detail


def test_a_reader_is_used_even_where_the_policy_asks_for_no_chain() -> None:
    s = sample()
    trust = s.ledger.trust(chains=[s.chain], policy={"chains": 0})
    assert s.judge(s.receipt(), trust=trust).verdict == "genuine"
    contradicted = s.judge(s.receipt(), trust=trust, chain=Edited(s.chain, [changed(anchor=None)]))
    assert contradicted.verdict == "invalid"
    assert s.judge(s.receipt(), trust=trust, chain=Prefetched({})).verdict == "genuine"
