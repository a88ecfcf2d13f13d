"""A C2SP tlog-proof: the index of an entry, its path, and the checkpoint note it leads to, as one text (formats §5)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from ledger.core.encoding import decode_base64, encode_base64
from ledger.core.merkle import verify_inclusion
from ledger.core.note import Checkpoint, parse_note
from ledger.core.types import DIGEST_SIZE, MAX_INT
from ledger.errors import FormatError

HEADER: Final = "c2sp.org/tlog-proof@v1"
MAX_PATH: Final = 64
_INDEX: Final = re.compile(r"index (0|[1-9][0-9]{0,15})\Z")


@dataclass(frozen=True, slots=True)
class TlogProof:
    """The proof that some entry is leaf ``index`` of the tree of a checkpoint.

    ``path`` goes from the leaf's sibling to the root's child; ``checkpoint`` is the note, verbatim. There is no extra
    data: nothing would authenticate it. Raises `FormatError`.
    """

    index: int
    path: tuple[bytes, ...]
    checkpoint: str

    def __post_init__(self) -> None:
        if type(self.index) is not int or not 0 <= self.index <= MAX_INT:
            raise FormatError("index out of range", field="index", expected="0 … 2^53-1")
        if len(self.path) > MAX_PATH or any(len(item) != DIGEST_SIZE for item in self.path):
            raise FormatError("not a path", field="path", expected=f"at most {MAX_PATH} hashes of {DIGEST_SIZE} bytes")
        Checkpoint.parse(parse_note(self.checkpoint).text)

    def __str__(self) -> str:
        hashes = "".join(encode_base64(item) + "\n" for item in self.path)
        return f"{HEADER}\nindex {self.index}\n{hashes}\n{self.checkpoint}"

    @classmethod
    def parse(cls, text: str) -> TlogProof:
        """The proof that ``text`` spells, in its only spelling. Raises `FormatError`."""
        head, blank, checkpoint = text.partition("\n\n")
        header, *lines = head.split("\n")
        match = _INDEX.match(lines[0]) if lines else None
        if not blank or header != HEADER or match is None or len(lines) > MAX_PATH + 1:
            raise FormatError("not a tlog-proof", field="proof", expected=f"{HEADER}, index, path, checkpoint")
        return cls(int(match[1]), tuple(decode_base64(line, "path") for line in lines[1:]), checkpoint)

    def verify(self, leaf_hash: bytes, checkpoint: Checkpoint) -> None:
        """Raise `ProofError` unless the path leads from ``leaf_hash`` to this checkpoint.

        The checkpoint is the one that opening the note under the verifier's keys gave.
        """
        verify_inclusion(leaf_hash, index=self.index, size=checkpoint.size, path=self.path, root=checkpoint.root)
