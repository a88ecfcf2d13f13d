"""The members of the consortium as far as they are on this machine: key files that co-sign batches (EIP-712).

One operator holds these keys, so their quorum shows nothing about independent organisations; it exercises the rules. A
member with a machine of its own checks the same things there, against what it saw itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec
import structlog
from eth_account.signers.local import LocalAccount
from msgspec import Meta, Struct

from anchor.chain import Consortium
from anchor.evidence import LedgerSource, TreeHead, Watched, check_same_history, open_note
from anchor.typed import BatchStatement, batch_message, sign
from ledger.core.batch import batch_leaves, batch_root
from ledger.core.encoding import decode_digest
from ledger.core.hashing import ledger_id
from ledger.core.note import Checkpoint, parse_note
from ledger.core.receipt import DigestHex
from ledger.core.types import MAX_INT, ZERO_DIGEST
from ledger.errors import ConfigError, FormatError, LedgerError, ProofError
from ledger.files import replace_file
from ledger.store.outbox import ContractKey

logger = structlog.get_logger(__name__)
MEMORY_FORMAT: Final = "gongfen-member/1"


class _Seen(Struct, frozen=True, forbid_unknown_fields=True):
    size: Annotated[int, Meta(ge=1, le=MAX_INT)]
    root: DigestHex


class _Memory(Struct, frozen=True, forbid_unknown_fields=True):
    format: Annotated[str, Meta(pattern=f"^{MEMORY_FORMAT}$")]
    address: str
    heads: dict[str, _Seen]


class MemberMemory:
    """The largest head of each ledger that a member signed, in a file that is replaced as a whole and durably.

    A member that forgot could be shown another history; so without its file it does not start.
    """

    def __init__(self, path: Path, address: str) -> None:
        self._path = path
        try:
            memory = msgspec.json.decode(path.read_bytes(), type=_Memory)
        except OSError as error:
            raise ConfigError(
                "a member's memory is missing; put it back, without it the member could sign another history",
                field=str(path),
            ) from error
        except msgspec.DecodeError as error:
            raise ConfigError("a member's memory is damaged; restore it", field=str(path)) from error
        if memory.address != address:
            raise ConfigError("another member's memory", field=str(path), expected=address, got=memory.address)
        self._memory = memory

    @staticmethod
    def create(path: Path, address: str) -> None:
        """Write the empty memory of a new member. Raises `ConfigError` if there is one."""
        if path.exists():
            raise ConfigError("a member's memory exists already", field=str(path))
        replace_file(path, msgspec.json.encode(_Memory(MEMORY_FORMAT, address, {})) + b"\n")

    def newest(self, origin: str) -> TreeHead:
        """The largest head signed; size 0 if none was."""
        seen = self._memory.heads.get(origin)
        return TreeHead(0, ZERO_DIGEST) if seen is None else TreeHead(seen.size, decode_digest(seen.root))

    def remember(self, heads: Mapping[str, TreeHead]) -> None:
        """Keep those heads that are larger, durably."""
        merged = dict(self._memory.heads)
        for origin, head in heads.items():
            if head.size > self.newest(origin).size:
                merged[origin] = _Seen(head.size, head.root.hex())
        if merged != self._memory.heads:
            memory = msgspec.structs.replace(self._memory, heads=merged)
            replace_file(self._path, msgspec.json.encode(memory) + b"\n")
            self._memory = memory


class Member:
    """Co-signs a batch if it holds nothing but grown histories of ledgers that it watches."""

    def __init__(self, account: LocalAccount, memory: MemberMemory, watched: Sequence[Watched]) -> None:
        self.address = str(account.address).lower()
        self._account = account
        self._memory = memory
        self._watched = {ledger.origin: ledger for ledger in watched}

    def cosign(self, source: LedgerSource, key: ContractKey, statement: BatchStatement, notes: Sequence[str]) -> bytes:
        """The signature over a batch whose heads the notes state, in any order.

        Checks each log's signature, that each log grew from what this member signed last, and the batch root.
        Remembers before it signs. Raises `FormatError` or `ProofError`, with the ledger's origin as field.
        """
        checkpoints = [self._open(note) for note in notes]
        leaves = batch_leaves(sorted((ledger_id(one.origin), one.size, one.root) for one in checkpoints))
        root = batch_root(leaves)
        if root != statement.batch_root:
            raise ProofError("the batch holds other heads", field="batch_root", expected=root.hex(),
                             got=statement.batch_root.hex())  # fmt: skip
        heads = {str(one.origin): TreeHead(one.size, one.root) for one in checkpoints}
        for origin, head in heads.items():
            check_same_history(source, self._watched[origin], self._memory.newest(origin), head)
        self._memory.remember(heads)
        return sign(self._account, batch_message(key, statement))

    def _open(self, note: str) -> Checkpoint:
        origin = Checkpoint.parse(parse_note(note).text).origin
        ledger = self._watched.get(origin)
        if ledger is None:
            raise ProofError("a ledger that this member does not watch", field=origin)
        try:
            return open_note(note, ledger)
        except LedgerError as error:
            raise ProofError(error.message, field=origin) from error


class QuorumError(ProofError):
    """Too few members co-sign. ``field`` is the origin of the ledger they object to, if it is one."""

    default_code = "no_quorum"


class LocalMembers:
    """Co-signers whose keys lie on this machine."""

    def __init__(self, members: Sequence[Member], source: LedgerSource) -> None:
        self._members = sorted(members, key=lambda member: int(member.address, 16))
        self._source = source

    def cosign(
        self, key: ContractKey, consortium: Consortium, statement: BatchStatement, notes: Sequence[str]
    ) -> list[bytes]:
        """The quorum's signatures, ascending by address. Raises `QuorumError`; `BusyError` if the ledger is away."""
        signatures: list[bytes] = []
        objections: list[LedgerError] = []
        for member in self._members:
            if member.address not in consortium.members or len(signatures) == consortium.quorum:
                continue
            try:
                signatures.append(member.cosign(self._source, key, statement, notes))
            except (ProofError, FormatError) as error:
                logger.error("a member refuses to co-sign", member=member.address, reason=str(error))
                objections.append(error)
        if len(signatures) < consortium.quorum:
            first = objections[0] if objections else None
            raise QuorumError(
                first.message if first else "too few of the contract's members are here",
                field=first.field if first else None,
                expected=f"{consortium.quorum} cosignatures",
                got=str(len(signatures)),
            ) from first
        return signatures
