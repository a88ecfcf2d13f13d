"""Tiles: the tree cut into subtrees of height 8, after C2SP tlog-tiles (formats §5).

Tile ``(L, N)`` holds the nodes ``256·N … 256·N + 255`` of tree level ``8·L``. Only full tiles are stored, each as a
*blob* with its inner nodes: 256 hashes, then their 128 parents, 64, … 2, which is 510 hashes or 16,320 bytes. The
tile's own root is a hash of the tile above. What lies right of the full tiles is the *right edge*; it is folded once
for a tree size, and then a proof takes one blob a level and hashes nothing.

A store offers no more than `TileSource`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from ledger.core.merkle import (
    EMPTY_ROOT,
    MAX_SIZE,
    CompactRange,
    consistency_nodes,
    inclusion_nodes,
    node_hash,
    pair_up,
    trailing_zeros,
)
from ledger.core.types import DIGEST_SIZE, MAX_INT, Digest
from ledger.errors import FormatError, ProofError, StateError

TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 256
TILE_SIZE: Final = TILE_WIDTH * DIGEST_SIZE
"""Bytes of a full tile as it is handed out; its blob begins with them."""
BLOB_SIZE: Final = (2 * TILE_WIDTH - 2) * DIGEST_SIZE
"""Bytes of a full tile as it is stored."""
MAX_TILE_LEVEL: Final = 63
MAX_ENTRY_SIZE: Final = 65_535

_OFFSETS: Final = tuple((2 * TILE_WIDTH - (2 * TILE_WIDTH >> height)) * DIGEST_SIZE for height in range(TILE_HEIGHT))
"""Where the nodes of each height within a tile begin in its blob."""
_SIBLINGS: Final = tuple(
    tuple(
        slice(start := offset + ((position >> height) ^ 1) * DIGEST_SIZE, start + DIGEST_SIZE)
        for height, offset in enumerate(_OFFSETS)
    )
    for position in range(TILE_WIDTH)
)
"""Where in a blob the siblings by height lie, for each of the 256 positions in a tile."""
_PATH: Final = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?\Z")

Levels = tuple[Sequence[bytes], ...]
"""The perfect nodes of a partial tile by height 0 … 7 within it."""


class TileSource(Protocol):
    """What proofs need of a store."""

    def full_tile(self, level: int, index: int) -> bytes:
        """The blob of a full tile: 16,320 bytes."""

    def leaf_hashes(self, first: int, last: int) -> Sequence[bytes]:
        """The hashes of the leaves ``first … last - 1``, in order."""


@dataclass(frozen=True, slots=True)
class TilePath:
    """The name of a tile, or of a bundle of entries, under a log's URL (C2SP tlog-tiles).

    ``level`` is the tile level 0 … 63, None for entries; ``width`` is 256 for a full one, otherwise 1 … 255.
    """

    level: int | None
    index: int
    width: int = TILE_WIDTH

    def __str__(self) -> str:
        groups = [f"{self.index % 1000:03}"]
        rest = self.index // 1000
        while rest:
            groups.insert(0, f"x{rest % 1000:03}")
            rest //= 1000
        suffix = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{'entries' if self.level is None else self.level}/{'/'.join(groups)}{suffix}"

    @classmethod
    def parse(cls, text: str) -> TilePath:
        """The name that ``text`` spells, in its only spelling. Raises `FormatError`."""
        if match := _PATH.match(text):
            kind, groups, width = match.groups()
            path = cls(
                None if kind == "entries" else int(kind),
                int(groups.replace("/", "").replace("x", "")),
                int(width) if width else TILE_WIDTH,
            )
            in_range = (path.level or 0) <= MAX_TILE_LEVEL and path.index <= MAX_INT
            if in_range and (width is None or path.width < TILE_WIDTH) and str(path) == text:
                return path
        raise FormatError("not a tile path", field="path", expected="tile/<L>/<N>[.p/<W>]", got=ascii(text))


def width_at(level: int, index: int, size: int) -> int:
    """How many hashes tile ``(level, index)`` has in a tree of ``size``: 0 if it does not exist, 256 if it is full."""
    return max(0, min(TILE_WIDTH, (size >> TILE_HEIGHT * level) - index * TILE_WIDTH))


def tiles_of(size: int) -> Iterator[TilePath]:
    """Every hash tile of a tree of ``size``, full and partial, level by level."""
    level = 0
    while nodes := size >> TILE_HEIGHT * level:
        for index in range(nodes >> TILE_HEIGHT):
            yield TilePath(level, index)
        if nodes % TILE_WIDTH:
            yield TilePath(level, nodes >> TILE_HEIGHT, nodes % TILE_WIDTH)
        level += 1


def tiles_filled(size_1: int, size_2: int) -> list[tuple[int, int]]:
    """The tiles ``(level, index)`` that become full when the tree grows from ``size_1`` to ``size_2``."""
    filled: list[tuple[int, int]] = []
    shift = TILE_HEIGHT
    while size_2 >> shift:
        filled += [(shift // TILE_HEIGHT - 1, index) for index in range(size_1 >> shift, size_2 >> shift)]
        shift += TILE_HEIGHT
    return filled


def encode_bundle(entries: Sequence[bytes]) -> bytes:
    """A bundle of 1 … 256 entries, each after its length as 2 bytes big-endian. Raises `FormatError`."""
    if not 1 <= len(entries) <= TILE_WIDTH:
        raise FormatError("not a bundle", field="entries", expected=f"1 … {TILE_WIDTH} entries", got=str(len(entries)))
    if any(len(entry) > MAX_ENTRY_SIZE for entry in entries):
        raise FormatError("entry too long for a bundle", field="entries", expected=f"at most {MAX_ENTRY_SIZE} bytes")
    return b"".join([len(entry).to_bytes(2, "big") + entry for entry in entries])


def parse_bundle(data: bytes, width: int) -> list[bytes]:
    """The ``width`` entries of a bundle; nothing may be missing or left over. Raises `FormatError`."""
    entries: list[bytes] = []
    at = 0
    while at + 2 <= len(data) and len(entries) < width:
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if end > len(data):
            break
        entries.append(data[at + 2 : end])
        at = end
    if len(entries) != width or at != len(data):
        raise FormatError("not a bundle", field="entries", expected=f"{width} entries", got=f"{len(data)} bytes")
    return entries


def parse_tile(data: bytes, width: int) -> list[bytes]:
    """The hashes of a tile as it is handed out. Raises `FormatError` unless it has exactly ``width`` of them."""
    if not 1 <= width <= TILE_WIDTH or len(data) != width * DIGEST_SIZE:
        raise FormatError("not a tile", field="tile", expected=f"{width} hashes", got=f"{len(data)} bytes")
    return _split(data)


def build_blob(hashes: Sequence[bytes]) -> bytes:
    """The blob of a full tile from its 256 hashes."""
    if len(hashes) != TILE_WIDTH:
        raise ValueError(f"a full tile has {TILE_WIDTH} hashes, got {len(hashes)}")
    return b"".join([b"".join(nodes) for nodes in _perfect_levels(hashes)])


def root_of_blob(blob: bytes) -> Digest:
    """The root of a full tile, which is a hash of the tile above. Raises `StateError` if the blob has another size."""
    _check_blob(blob)
    return node_hash(blob[-2 * DIGEST_SIZE : -DIGEST_SIZE], blob[-DIGEST_SIZE:])


def read_tile(source: TileSource, path: TilePath) -> bytes:
    """A hash tile as it is handed out, full or partial. The caller knows that the tree is large enough for it."""
    level = path.level
    if level is None:
        raise ValueError("a bundle of entries is no hash tile")
    if path.width == TILE_WIDTH:
        blob = source.full_tile(level, path.index)
        _check_blob(blob)
        return blob[:TILE_SIZE]
    return b"".join(_read_hashes(source, level, path.index, path.width, 0))


class TileFrontier:
    """The growing right edge of a log: takes leaf hashes, gives the tiles that they fill, knows the root.

    Appending is O(1) amortised. Not safe to share between threads; take a `copy` before work that may have to be
    undone.
    """

    __slots__ = ("_partial", "_range")

    def __init__(self) -> None:
        self._range = CompactRange()
        self._partial: list[list[bytes]] = []

    @classmethod
    def load(cls, size: int, source: TileSource) -> TileFrontier:
        """The frontier of a stored log of ``size`` leaves. Raises `StateError` if what is stored does not fit."""
        edge = RightEdge.load(size, source)
        frontier = cls()
        frontier._range = CompactRange.of(size, edge.peaks)
        frontier._partial = [list(levels[0]) for levels in edge.tiles]
        return frontier

    @property
    def size(self) -> int:
        """How many leaves the log has."""
        return self._range.size

    def root(self) -> Digest:
        """The root of the log so far."""
        return self._range.root()

    def extend(self, leaves: Sequence[bytes]) -> list[tuple[int, int, bytes]]:
        """Append leaf hashes; the tiles that became full, as ``(level, index, blob)``, lower levels first."""
        size = self._range.size
        self._range.extend(leaves)
        filled: list[tuple[int, int, bytes]] = []
        risen, level = list(leaves), 0
        while risen:
            if level == len(self._partial):
                self._partial.append([])
            hashes = self._partial[level] + risen
            whole = len(hashes) - len(hashes) % TILE_WIDTH
            index = size >> TILE_HEIGHT * (level + 1)
            blobs = [build_blob(hashes[at : at + TILE_WIDTH]) for at in range(0, whole, TILE_WIDTH)]
            filled += [(level, index + offset, blob) for offset, blob in enumerate(blobs)]
            self._partial[level] = hashes[whole:]
            risen = [root_of_blob(blob) for blob in blobs]
            level += 1
        return filled

    def copy(self) -> TileFrontier:
        """An independent frontier of the same log."""
        twin = TileFrontier()
        twin._range = self._range.copy()
        twin._partial = [list(hashes) for hashes in self._partial]
        return twin

    def edge(self) -> RightEdge:
        """The right edge of the tree as it stands."""
        return RightEdge.of(self.size, self._partial)


@dataclass(frozen=True, slots=True)
class RightEdge:
    """All of a tree of one size that lies outside full tiles, folded; made once, good for every proof at that size.

    ``tiles[L]`` are the perfect nodes of the partial tile at tile level L by height within it. ``ragged[l]`` is the
    node at tree level l that covers the last leaf and is no perfect subtree, if there is one.
    """

    size: int
    tiles: tuple[Levels, ...]
    ragged: tuple[bytes | None, ...]
    peaks: tuple[bytes, ...]
    """The roots of the perfect subtrees, the largest first, as in a `CompactRange`."""
    root: Digest

    @classmethod
    def of(cls, size: int, partial: Sequence[Sequence[bytes]]) -> RightEdge:
        """Fold the hashes of the partial tiles, one list for each tile level that a tree of ``size`` has."""
        tiles = tuple(_perfect_levels(hashes) for hashes in partial)
        ragged: list[bytes | None] = []
        peaks: list[bytes] = []
        running: bytes | None = None
        for level in range(TILE_HEIGHT * len(tiles)):
            ragged.append(running)
            if size >> level & 1:
                peak = tiles[level // TILE_HEIGHT][level % TILE_HEIGHT][-1]
                running = peak if running is None else node_hash(peak, running)
                peaks.insert(0, peak)
        return cls(size, tiles, tuple(ragged), tuple(peaks), EMPTY_ROOT if running is None else Digest(running))

    @classmethod
    def load(cls, size: int, source: TileSource, *, stored_size: int | None = None) -> RightEdge:
        """Read and fold the right edge of a tree of ``size``.

        ``stored_size`` is the size of the log that the source holds, where it has grown since: then partial tiles that
        are full by now take one read. Raises `StateError` if the source does not answer as promised.
        """
        if type(size) is not int or not 0 <= size <= MAX_SIZE:
            raise ProofError("no such tree size", field="size", expected="0 … 2^53-1")
        stored = size if stored_size is None else stored_size
        partial: list[list[bytes]] = []
        while nodes := size >> TILE_HEIGHT * len(partial):
            index, width = divmod(nodes, TILE_WIDTH)
            partial.append(_read_hashes(source, len(partial), index, width, stored))
        return cls.of(size, partial)


class TreeReader:
    """Proofs in a tree of one size: full tiles from a source, the rest from the folded right edge."""

    __slots__ = ("_edge", "_source", "size")

    def __init__(self, source: TileSource, edge: RightEdge) -> None:
        self.size = edge.size
        self._source = source
        self._edge = edge

    @property
    def root(self) -> Digest:
        """The root of the tree."""
        return self._edge.root

    def inclusion_path(self, index: int) -> list[bytes]:
        """The path of leaf ``index``, as `merkle.inclusion_path`. Raises `ProofError` if there is no such leaf."""
        if type(index) is not int or not 0 <= index < self.size:
            inclusion_nodes(index, self.size)
        return self._path(index, 0)

    def consistency_path(self, size_1: int) -> list[bytes]:
        """The proof from the tree of ``size_1``, as `merkle.consistency_path`.

        Raises `ProofError` unless 1 ≤ size_1 ≤ size.
        """
        if not consistency_nodes(size_1, self.size):
            return []
        level = trailing_zeros(size_1)
        return self._path(size_1 - 1, level, whole=size_1 != 1 << level)

    def _path(self, index: int, first: int, *, whole: bool = False) -> list[bytes]:
        """The siblings from tree level ``first`` up on the way from leaf ``index`` to the root.

        With ``whole``, the node on that way at level ``first`` itself, a perfect subtree, goes before them.
        """
        path: list[bytes] = []
        tile_level, height = divmod(first, TILE_HEIGHT)
        while tile_level < len(self._edge.tiles):
            position = (index >> TILE_HEIGHT * tile_level) % TILE_WIDTH
            tile_index = index >> TILE_HEIGHT * (tile_level + 1)
            if tile_index < self.size >> TILE_HEIGHT * (tile_level + 1):
                blob = self._source.full_tile(tile_level, tile_index)
                _check_blob(blob)
                if whole:
                    start = _OFFSETS[height] + (position >> height) * DIGEST_SIZE
                    path.append(blob[start : start + DIGEST_SIZE])
                path += [blob[where] for where in _SIBLINGS[position][height:]]
            else:
                if whole:
                    path.append(self._edge.tiles[tile_level][height][position >> height])
                path += self._edge_siblings(tile_level, height, position)
            whole = False
            height = 0
            tile_level += 1
        return path

    def _edge_siblings(self, tile_level: int, height: int, position: int) -> Iterator[bytes]:
        """The siblings that exist, from ``height`` up, within the partial tile at ``tile_level``."""
        for up in range(height, TILE_HEIGHT):
            nodes, sibling = self._edge.tiles[tile_level][up], position >> up ^ 1
            if sibling < len(nodes):
                yield nodes[sibling]
            elif sibling == len(nodes) and (ragged := self._edge.ragged[tile_level * TILE_HEIGHT + up]) is not None:
                yield ragged


def _perfect_levels(hashes: Sequence[bytes]) -> Levels:
    """The nodes by height 0 … 7 over at most 256 hashes, perfect subtrees only."""
    levels: list[Sequence[bytes]] = [hashes]
    while len(levels) < TILE_HEIGHT:
        levels.append(pair_up(levels[-1]))
    return tuple(levels)


def _read_hashes(source: TileSource, level: int, index: int, width: int, stored_size: int) -> list[bytes]:
    """The first ``width`` hashes of a tile that need not be full, by the fewest reads."""
    if width == 0:
        return []
    if index < stored_size >> TILE_HEIGHT * (level + 1):
        blob = source.full_tile(level, index)
        _check_blob(blob)
        return _split(blob[: width * DIGEST_SIZE])
    first = index * TILE_WIDTH
    if level:
        return [root_of_blob(source.full_tile(level - 1, below)) for below in range(first, first + width)]
    hashes = list(source.leaf_hashes(first, first + width))
    if len(hashes) != width or any(len(item) != DIGEST_SIZE for item in hashes):
        raise StateError("stored leaf hashes are not whole", expected=f"{width} from {first}", got=f"{len(hashes)}")
    return hashes


def _split(data: bytes) -> list[bytes]:
    return [data[at : at + DIGEST_SIZE] for at in range(0, len(data), DIGEST_SIZE)]


def _check_blob(blob: bytes) -> None:
    if len(blob) != BLOB_SIZE:
        raise StateError("stored tile is not whole", expected=f"{BLOB_SIZE} bytes", got=f"{len(blob)} bytes")
