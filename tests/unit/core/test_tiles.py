"""Tiles: names, widths, bundles, and proofs from them, held to the tree in memory."""

from __future__ import annotations

import random
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import pytest

from ledger.core import merkle
from ledger.core.tiles import (
    BLOB_SIZE,
    TILE_SIZE,
    RightEdge,
    TileFrontier,
    TilePath,
    TreeReader,
    build_blob,
    encode_bundle,
    parse_bundle,
    parse_tile,
    read_tile,
    root_of_blob,
    tiles_filled,
    tiles_of,
    width_at,
)
from ledger.errors import FormatError, ProofError, StateError

SIZE = 70_000
LEAVES = [sha256(b"%d" % n).digest() for n in range(SIZE)]


class MemoryStore:
    """What the database holds: full tiles and the leaf hashes; counts its reads."""

    def __init__(self) -> None:
        self.tiles: dict[tuple[int, int], bytes] = {}
        self.leaves: list[bytes] = []
        self.reads: list[tuple[int, int]] = []

    def append(self, frontier: TileFrontier, leaves: Sequence[bytes]) -> list[tuple[int, int]]:
        self.leaves += leaves
        filled = frontier.extend(leaves)
        self.tiles.update({(level, index): blob for level, index, blob in filled})
        return [(level, index) for level, index, _ in filled]

    def full_tile(self, level: int, index: int) -> bytes:
        self.reads.append((level, index))
        return self.tiles[level, index]

    def leaf_hashes(self, first: int, last: int) -> Sequence[bytes]:
        return self.leaves[first:last]


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    full = MemoryStore()
    full.append(TileFrontier(), LEAVES)
    return full


PATHS = {
    "tile/0/000": TilePath(0, 0),
    "tile/0/x001/x234/067": TilePath(0, 1234067),
    "tile/0/273.p/112": TilePath(0, 273, 112),
    "tile/1/x001/000.p/1": TilePath(1, 1000, 1),
    "tile/63/999": TilePath(63, 999),
    "tile/entries/x001/x234/067": TilePath(None, 1234067),
    "tile/entries/000.p/255": TilePath(None, 0, 255),
    "tile/5/x009/x007/x199/x254/x740/991": TilePath(5, 2**53 - 1),
}


@pytest.mark.parametrize(("text", "path"), PATHS.items())
def test_a_tile_path_has_one_spelling(text: str, path: TilePath) -> None:
    assert str(path) == text
    assert TilePath.parse(text) == path


BAD_PATHS = [
    "",
    "tile/0",
    "tile/0/",
    "tile/0/0",
    "tile/0/00",
    "tile/0/0000",
    "tile/0/x000/067",
    "tile/0/x000/x001/067",
    "tile/0/001/067",
    "tile/0/x001",
    "tile/0/x001/x067",
    "tile/0/X001/067",
    "tile/00/067",
    "tile/01/067",
    "tile/64/067",
    "tile/100/067",
    "tile/-1/067",
    "tile/+1/067",
    "tile/x/067",
    "tile/0/-01",
    "tile/0/067.p/0",
    "tile/0/067.p/00",
    "tile/0/067.p/01",
    "tile/0/067.p/256",
    "tile/0/067.p/999",
    "tile/0/067.p/",
    "tile/0/067.p",
    "tile/0/067.P/1",
    "tile/0/067.p/1/",
    "tile/0/067/",
    "/tile/0/067",
    "tile//067",
    "tile/0//067",
    "tile/0/067\n",
    "tile/0/ 67",
    "tile/0/०६७",
    "tile/٠/067",
    "tile/entries",
    "tile/Entries/067",
    "tile/data/067",
    "tile/0/x009/x007/x199/x254/x740/992",
    "tile/0/x001/x009/x007/x199/x254/x740/991",
    "tile/0/x001/x001/x009/x007/x199/x254/x740/991",
    "tile/0/../067",
]


@pytest.mark.parametrize("text", BAD_PATHS)
def test_every_other_spelling_of_a_tile_path_is_refused(text: str) -> None:
    with pytest.raises(FormatError, match="not a tile path"):
        TilePath.parse(text)


def test_a_tree_of_70000_has_the_tiles_that_the_specification_names() -> None:
    paths = list(tiles_of(SIZE))
    full = [path for path in paths if path.width == 256]
    assert [(path.level, path.index) for path in full] == [*((0, n) for n in range(273)), (1, 0)]
    assert [str(path) for path in paths if path.width != 256] == [
        "tile/0/273.p/112",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
    ]


def test_a_tree_of_256_is_one_full_tile_and_one_hash_above() -> None:
    assert [str(path) for path in tiles_of(256)] == ["tile/0/000", "tile/1/000.p/1"]
    assert list(tiles_of(0)) == []


def test_widths_are_those_of_the_listed_tiles() -> None:
    for size in (0, 1, 255, 256, 257, 511, 65_535, 65_536, 65_537, SIZE):
        listed = {(path.level, path.index): path.width for path in tiles_of(size)}
        for level in range(4):
            for index in (0, 1, 2, 254, 255, 256, 273, 274, 10_000):
                assert width_at(level, index, size) == listed.get((level, index), 0)


def test_the_tiles_that_fill_between_two_sizes_are_the_new_full_ones() -> None:
    sizes = [0, 1, 255, 256, 257, 512, 65_535, 65_536, 66_000, SIZE]
    full = {size: {(p.level, p.index) for p in tiles_of(size) if p.width == 256} for size in sizes}
    for size_1 in sizes:
        for size_2 in sizes:
            if size_1 <= size_2:
                filled = tiles_filled(size_1, size_2)
                assert set(filled) == full[size_2] - full[size_1]
                assert len(filled) == len(set(filled))


def test_a_blob_holds_the_tile_and_its_inner_nodes() -> None:
    blob = build_blob(LEAVES[:256])
    assert len(blob) == BLOB_SIZE == 16_320
    assert parse_tile(blob[:TILE_SIZE], 256) == LEAVES[:256]
    assert blob[TILE_SIZE : TILE_SIZE + 32] == merkle.node_hash(LEAVES[0], LEAVES[1])
    assert blob[-64:-32] == merkle.root_of(LEAVES[:128])
    assert root_of_blob(blob) == merkle.root_of(LEAVES[:256])


@pytest.mark.parametrize("count", [0, 255, 257])
def test_a_blob_is_built_of_256_hashes_only(count: int) -> None:
    with pytest.raises(ValueError, match="256 hashes"):
        build_blob(LEAVES[:count])


@pytest.mark.parametrize(
    ("data", "width"), [(b"", 0), (b"", 1), (bytes(31), 1), (bytes(64), 1), (bytes(257 * 32), 257)]
)
def test_tiles_of_another_width_are_refused(data: bytes, width: int) -> None:
    with pytest.raises(FormatError, match="not a tile"):
        parse_tile(data, width)


def test_a_bundle_gives_its_entries_back() -> None:
    entries = [b"", b"a", bytes(65_535), b"last"]
    data = encode_bundle(entries)
    assert data[:5] == b"\x00\x00\x00\x01a"
    assert parse_bundle(data, 4) == entries
    assert len(parse_bundle(encode_bundle([b"x"] * 256), 256)) == 256


@pytest.mark.parametrize("entries", [[], [b""] * 257, [bytes(65_536)]], ids=["none", "257", "too long"])
def test_a_bundle_takes_1_to_256_entries_below_64_kib(entries: list[bytes]) -> None:
    with pytest.raises(FormatError):
        encode_bundle(entries)


BAD_BUNDLES = {
    "empty": (b"", 1),
    "half a length": (b"\x00", 1),
    "entry cut off": (b"\x00\x05abcd", 1),
    "one entry missing": (b"\x00\x01a", 2),
    "one entry too many": (b"\x00\x01a\x00\x01b", 1),
    "a byte left over": (b"\x00\x01ab", 1),
    "half a length left over": (b"\x00\x01a\x00", 2),
    "width zero with data": (b"\x00\x00", 0),
}


@pytest.mark.parametrize(("data", "width"), BAD_BUNDLES.values(), ids=BAD_BUNDLES.keys())
def test_bundles_that_are_cut_or_stretched_are_refused(data: bytes, width: int) -> None:
    with pytest.raises(FormatError, match="not a bundle"):
        parse_bundle(data, width)


def test_a_growing_frontier_fills_each_tile_once_and_keeps_the_root() -> None:
    grown, frontier, choose = MemoryStore(), TileFrontier(), random.Random(7)
    assert (frontier.size, frontier.root()) == (0, merkle.EMPTY_ROOT)
    oracle = merkle.CompactRange()
    while frontier.size < SIZE:
        size = frontier.size
        group = LEAVES[size : size + choose.choice([1, 2, 34, 255, 256, 257, 3_000, 15_000])]
        twin = frontier.copy()
        assert grown.append(frontier, group) == tiles_filled(size, size + len(group))
        assert (twin.size, twin.root()) == (size, oracle.root())
        oracle.extend(group)
        edge = frontier.edge()
        assert frontier.root() == oracle.root() == edge.root
        assert edge.peaks == oracle.hashes
        assert RightEdge.load(frontier.size, grown) == edge
    assert frontier.extend([]) == []
    assert frontier.root() == merkle.root_of(LEAVES)


def test_a_frontier_read_back_from_a_store_goes_on_as_the_one_before() -> None:
    whole, whole_store = TileFrontier(), MemoryStore()
    whole_store.append(whole, LEAVES[:66_000])
    for size in (0, 1, 255, 256, 257, 600, 65_535, 65_536, 65_537):
        part_store = MemoryStore()
        part_store.append(TileFrontier(), LEAVES[:size])
        resumed = TileFrontier.load(size, part_store)
        part_store.append(resumed, LEAVES[size:66_000])
        assert (resumed.size, resumed.root()) == (whole.size, whole.root())
        assert part_store.tiles == whole_store.tiles


EDGE_SIZES = [1, 2, 3, 255, 256, 257, 300, 511, 512, 513, 5_000, 65_535, 65_536, 65_537, 65_541, 65_792, 69_999, SIZE]


def test_the_edge_of_an_earlier_size_is_the_same_whatever_was_stored_since(store: MemoryStore) -> None:
    for size in [0, *EDGE_SIZES]:
        edge = RightEdge.load(size, store)
        assert edge == RightEdge.load(size, store, stored_size=SIZE)
        assert edge.root == merkle.root_of(LEAVES[:size])
        assert len(edge.peaks) == size.bit_count()


def test_partial_tiles_that_are_full_by_now_take_one_read_each(store: MemoryStore) -> None:
    store.reads.clear()
    RightEdge.load(65_000, store, stored_size=SIZE)
    assert store.reads == [(0, 253), (1, 0)]


def test_inclusion_paths_from_tiles_are_those_of_the_tree_in_memory(store: MemoryStore) -> None:
    choose = random.Random(11)
    for size in EDGE_SIZES:
        reader = TreeReader(store, RightEdge.load(size, store))
        assert (reader.size, reader.root) == (size, merkle.root_of(LEAVES[:size]))
        near = {0, 1, 127, 128, 255, 256, 257, 511, 65_535, 65_536, size // 2, size - 2, size - 1}
        for index in sorted(near | {choose.randrange(size) for _ in range(40)}):
            if 0 <= index < size:
                path = reader.inclusion_path(index)
                merkle.verify_inclusion(LEAVES[index], index=index, size=size, path=path, root=reader.root)


def test_consistency_proofs_from_tiles_are_those_of_the_tree_in_memory(store: MemoryStore) -> None:
    choose = random.Random(13)
    for size_2 in EDGE_SIZES:
        reader = TreeReader(store, RightEdge.load(size_2, store))
        for size_1 in sorted({choose.randint(1, size_2) for _ in range(30)} | {n for n in EDGE_SIZES if n <= size_2}):
            root_1 = RightEdge.load(size_1, store).root
            path = reader.consistency_path(size_1)
            merkle.verify_consistency(size_1=size_1, root_1=root_1, size_2=size_2, root_2=reader.root, path=path)
            if size_2 <= 5_000:
                assert path == merkle.consistency_path(LEAVES[:size_2], size_1)


def test_a_proof_reads_at_most_one_blob_a_level(store: MemoryStore) -> None:
    reader = TreeReader(store, RightEdge.load(SIZE, store))
    for number in (0, 12_345, 65_535, 65_536, 69_900, SIZE - 1):
        for prove in (reader.inclusion_path, lambda index: reader.consistency_path(index + 1)):
            store.reads.clear()
            prove(number)
            levels = [level for level, _ in store.reads]
            assert len(levels) == len(set(levels)) <= 2


class SparseStore:
    """A tree of ten million leaves that repeat every 256, so that each level is known from a few hashes."""

    def __init__(self) -> None:
        self.blobs = [build_blob(LEAVES[:256])]
        for _ in range(2):
            self.blobs.append(build_blob([root_of_blob(self.blobs[-1])] * 256))

    def full_tile(self, level: int, index: int) -> bytes:
        return self.blobs[level]

    def leaf_hashes(self, first: int, last: int) -> Sequence[bytes]:
        return [LEAVES[n % 256] for n in range(first, last)]


def test_proofs_in_a_tree_of_ten_million_leaves_hold() -> None:
    size, sparse, choose = 10_000_000, SparseStore(), random.Random(17)
    reader = TreeReader(sparse, RightEdge.load(size, sparse))
    for _ in range(200):
        index = choose.randrange(size)
        path = reader.inclusion_path(index)
        merkle.verify_inclusion(LEAVES[index % 256], index=index, size=size, path=path, root=reader.root)
    for _ in range(40):
        size_1 = choose.randint(1, size)
        root_1 = RightEdge.load(size_1, sparse, stored_size=size).root
        path = reader.consistency_path(size_1)
        merkle.verify_consistency(size_1=size_1, root_1=root_1, size_2=size, root_2=reader.root, path=path)


def test_tiles_are_handed_out_full_or_put_together(store: MemoryStore) -> None:
    for path in tiles_of(SIZE):
        assert path.level is not None
        span = 256**path.level
        first = path.index * 256 * span
        hashes = [merkle.root_of(LEAVES[first + n * span : first + (n + 1) * span]) for n in range(path.width)]
        if path.level or path.index in (0, 100, 273):
            assert parse_tile(read_tile(store, path), path.width) == hashes


def test_a_bundle_of_entries_is_not_read_as_a_hash_tile(store: MemoryStore) -> None:
    with pytest.raises(ValueError, match="no hash tile"):
        read_tile(store, TilePath(None, 0))


def test_a_store_with_broken_tiles_is_found_out(store: MemoryStore) -> None:
    class Broken(MemoryStore):
        def full_tile(self, level: int, index: int) -> bytes:
            return store.full_tile(level, index)[:-1]

    for attempt in (
        lambda: RightEdge.load(SIZE, Broken()),
        lambda: RightEdge.load(100, Broken(), stored_size=SIZE),
        lambda: read_tile(Broken(), TilePath(0, 0)),
        lambda: TreeReader(Broken(), RightEdge.load(SIZE, store)).inclusion_path(5),
    ):
        with pytest.raises(StateError, match="not whole"):
            attempt()


@pytest.mark.parametrize("leaves", [[], [bytes(32)] * 99, [bytes(32)] * 101, [bytes(31)] * 100], ids=len)
def test_a_store_with_missing_leaves_is_found_out(leaves: list[bytes]) -> None:
    class Broken(MemoryStore):
        def leaf_hashes(self, first: int, last: int) -> Sequence[bytes]:
            return leaves

    with pytest.raises(StateError, match="not whole"):
        RightEdge.load(100, Broken())


@pytest.mark.parametrize("bad", [-1, 300, 2**64, True, None, 1.0, "1"], ids=repr)
def test_proofs_of_what_is_not_in_the_tree_are_refused(store: MemoryStore, bad: Any) -> None:
    reader = TreeReader(store, RightEdge.load(300, store))
    with pytest.raises(ProofError):
        reader.inclusion_path(bad)
    with pytest.raises(ProofError):
        reader.consistency_path(301 if bad == 300 else bad)


@pytest.mark.parametrize("bad", [-1, 2**53, True, None, 1.0], ids=repr)
def test_there_is_no_edge_of_an_impossible_size(store: MemoryStore, bad: Any) -> None:
    with pytest.raises(ProofError, match="no such tree size"):
        RightEdge.load(bad, store)


def test_an_empty_tree_proves_nothing(store: MemoryStore) -> None:
    reader = TreeReader(store, RightEdge.load(0, store))
    assert reader.root == merkle.EMPTY_ROOT
    with pytest.raises(ProofError):
        reader.inclusion_path(0)
    with pytest.raises(ProofError):
        reader.consistency_path(0)
