"""The consistency verifier against the naive recursion: all small pairs, random pairs below 2^53, and forgeries."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice

import pytest

from . import oracle
from .world import GAS, HARNESS, World, deploy

Case = tuple[int, bytes, int, bytes, list[bytes]]
LEAVES = tuple(oracle.sha256(bytes([i])) for i in range(64))
SMALL = [(m, n) for n in range(1, 65) for m in range(1, n + 1)]


@pytest.fixture(scope="module")
def harness():
    return deploy(World().w3, HARNESS)


def verdicts(harness, cases: list[Case]) -> list[bool]:
    out, rest = [], iter(cases)
    while chunk := list(islice(rest, 200)):
        out += harness.functions.verifyAll(chunk).call({"gas": GAS})
    return out


def small_case(m: int, n: int) -> Case:
    return (m, oracle.root(LEAVES[:m]), n, oracle.root(LEAVES[:n]), oracle.consistency(m, LEAVES[:n]))


def large_pairs(count: int, seed: int) -> Iterator[tuple[int, int]]:
    """Sizes of every magnitude below 2^53, with those at powers of two among them."""
    rng = random.Random(seed)
    for _ in range(count):
        n = rng.randrange(2, 1 << rng.randint(2, 53))
        m = rng.randrange(1, n)
        yield rng.choice([(m, n), (oracle.split(n), n), (n - 1, n), (1, n), (oracle.split(m + 1), n)])


def large_case(m: int, n: int, seed: int) -> Case:
    old, new, proof = oracle.synthetic(m, n, random.Random(seed))
    return (m, old, n, new, proof)


def forgeries(case: Case, rng: random.Random) -> Iterator[Case]:
    """Ways to be almost right."""
    m, old, n, new, proof = case
    junk = rng.randbytes(32)
    yield (m, junk, n, new, proof)
    yield (m, old, n, junk, proof)
    yield (m, old, n, new, [*proof, junk])
    yield (m, old, n, new, [junk, *proof])
    yield (0, old, n, new, proof)
    if m < n:
        at = rng.randrange(len(proof))
        flipped = bytearray(proof[at])
        flipped[rng.randrange(32)] ^= 1 << rng.randrange(8)
        yield (m, old, n, new, [*proof[:at], bytes(flipped), *proof[at + 1 :]])
        yield (m, old, n, new, proof[:-1])
        yield (m, old, n, new, proof[1:])
        yield (n, new, m, old, proof)
        yield (m, new, n, old, proof)
        yield (m, old, n, old, proof)
    if len(proof) > 1:
        yield (m, old, n, new, proof[::-1])


def test_every_pair_up_to_64_verifies(harness) -> None:
    assert all(verdicts(harness, [small_case(m, n) for m, n in SMALL]))


def test_no_forgery_of_a_small_pair_verifies(harness) -> None:
    rng = random.Random(1)
    chosen = rng.sample(SMALL, 250)
    cases = [forged for m, n in chosen for forged in forgeries(small_case(m, n), rng)]
    assert not any(verdicts(harness, cases))


def test_a_proof_for_one_pair_fails_for_every_other_size(harness) -> None:
    m, old, n, new, proof = small_case(13, 37)
    others = [(i, j) for i, j in SMALL if (i, j) != (m, n) and i < j]
    taken = verdicts(harness, [(i, old, j, new, proof) for i, j in others])
    # A proof does not bind sizes that need the same hashes in the same places; heads bind sizes by signature.
    accepted = {pair for pair, verdict in zip(others, taken, strict=True) if verdict}
    assert accepted == {pair for pair in others if shape(*pair) == shape(m, n)}


class Counting(random.Random):
    """Names the subtrees of a proof by the order in which they come up."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def randbytes(self, n: int) -> bytes:
        self.count += 1
        return self.count.to_bytes(n, "big")


def shape(m: int, n: int) -> tuple[bytes, bytes, list[bytes]]:
    """Equal for two pairs exactly when one proof and one pair of roots fit both."""
    return oracle.synthetic(m, n, Counting())


def test_random_pairs_below_2_to_the_53_verify(harness) -> None:
    cases = [large_case(m, n, i) for i, (m, n) in enumerate(large_pairs(600, seed=2))]
    assert all(verdicts(harness, cases))


def test_no_forgery_of_a_large_pair_verifies(harness) -> None:
    rng = random.Random(3)
    pairs = enumerate(large_pairs(60, seed=4))
    cases = [forged for i, (m, n) in pairs for forged in forgeries(large_case(m, n, i), rng)]
    assert not any(verdicts(harness, cases))


def test_the_largest_sizes_verify(harness) -> None:
    top = 2**53 - 1
    pairs = [(1, top), (top - 1, top), (2**52, top), (2**52 - 1, 2**52), (2**52 - 1, top), (top, top)]
    cases = [large_case(m, n, i) for i, (m, n) in enumerate(pairs)]
    assert all(verdicts(harness, cases))


def test_proof_lengths_are_those_of_the_recursion(harness) -> None:
    pairs = SMALL + list(large_pairs(500, seed=5))
    expected = [len(large_case(m, n, 0)[4]) for m, n in pairs]
    assert harness.functions.proofLengths(pairs).call({"gas": GAS}) == expected


def test_the_synthetic_proofs_have_the_shape_of_real_ones() -> None:
    for m, n in SMALL:
        assert len(large_case(m, n, 0)[4]) == len(oracle.consistency(m, LEAVES[:n]))
