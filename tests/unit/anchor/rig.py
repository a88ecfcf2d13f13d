"""A ledger, a database, a chain in process and the anchor service over them, each part of which a test can spoil."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eth.vm.forks import LondonVM
from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_tester import EthereumTester, PyEVMBackend
from web3 import EthereumTesterProvider, Web3

from anchor.chain import Web3Chain
from anchor.deploy import Deployed, deploy, register_ledgers
from anchor.evidence import Watched
from anchor.members import LocalMembers, Member, MemberMemory
from anchor.outbox import Signer
from anchor.profiles import Profile, profile_of
from anchor.service import AnchorService, assemble
from ledger.client import Committed
from ledger.core.hashing import ledger_id
from ledger.core.merkle import consistency_path, root_of
from ledger.core.note import Checkpoint, VerifierKey, sign_note
from ledger.core.types import Digest, Origin, short_name
from ledger.errors import BusyError
from ledger.store import outbox as store
from ledger.store.database import open_engine, reading, writing
from ledger.store.entries import add_ledger
from ledger.store.migrate import upgrade
from ledger.store.outbox import BatchRow

PROFILE = profile_of("eth-tester")


def account(number: int) -> LocalAccount:
    """A fixed key for each number; no key of a real chain."""
    return Account.from_key((0xA0C0_0000 + number).to_bytes(32, "big"))


class Log:
    """A log of made-up leaves; ``fork_at`` changes every leaf from that index on."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.seed = hashlib.sha256(origin.encode()).digest()
        self.verifier_key = VerifierKey.of(name=origin, key=self.seed)
        self.size = 0
        self.fork_at: int | None = None

    def leaves(self, size: int) -> list[bytes]:
        forked = self.fork_at
        return [
            hashlib.sha256(f"{self.origin} {i} {forked is not None and i >= forked}".encode()).digest()
            for i in range(size)
        ]

    def root(self, size: int) -> Digest:
        return Digest(root_of(self.leaves(size)))

    def note(self, size: int) -> str:
        text = Checkpoint(Origin(self.origin), size, self.root(size)).text()
        return sign_note(text, name=self.origin, key=self.seed)


class Village:
    """The ledger server as the anchor service sees it."""

    def __init__(self, *names: str) -> None:
        self.logs = {name: Log(f"gongfen.example/{name}") for name in names}
        self.away = False
        self.notes: dict[str, str] = {}
        """Notes to hand out in place of the true ones."""

    def grow(self, name: str, entries: int = 5) -> int:
        self.logs[name].size += entries
        return self.logs[name].size

    def newest_commitment(self, name: str) -> Committed | None:
        if self.away:
            raise BusyError("no answer", code="unreachable")
        log = self.logs[name]
        if not log.size:
            return None
        return Committed(log.size, Digest(bytes(32)), self.notes.get(name) or log.note(log.size))

    def consistency(self, name: str, size_1: int, size_2: int) -> list[bytes]:
        if self.away:
            raise BusyError("no answer", code="unreachable")
        return consistency_path(self.logs[name].leaves(size_2), size_1)


class Rig:
    """Three members with a quorum of two, a contract on a chain in process, and a database."""

    def __init__(self, folder: Path, *names: str, confirmations: int = 1) -> None:
        self.folder = folder
        self.village = Village(*(names or ("foshan-village",)))
        self.confirmations = confirmations
        self.now_ms = 1_795_000_000_000
        self.tester = EthereumTester(PyEVMBackend(vm_configuration=((0, LondonVM),)))
        self.w3 = Web3(EthereumTesterProvider(self.tester))
        self.members = [account(number) for number in (1, 2, 3)]
        self.submitter = account(50)
        self.engine = open_engine(f"sqlite:///{folder / 'ledger.db'}")
        upgrade(self.engine)
        with writing(self.engine) as connection:
            for log in self.village.logs.values():
                add_ledger(connection, short_name(log.origin), log.origin)
        for member in self.members:
            MemberMemory.create(self.memory_path(member), member.address.lower())
        self.contracts = [self.deploy()]
        self.register()

    def memory_path(self, member: LocalAccount) -> Path:
        return self.folder / f"{member.address.lower()}.json"

    def head_key(self, name: str) -> LocalAccount:
        return account(1000 + sorted(self.village.logs).index(name))

    def deploy(self) -> Deployed:
        return deploy(self.w3, PROFILE, self.submitter, [one.address for one in self.members], 2)

    def register(self, *names: str) -> list[str]:
        ledgers = [(self.village.logs[name].origin, self.head_key(name).address) for name in names or self.village.logs]
        key = self.contracts[-1].key
        return register_ledgers(self.w3, PROFILE, key, self.submitter, ledgers, self.members)

    def chain(self, deployed: Deployed | None = None, profile: Profile = PROFILE) -> Web3Chain:
        made = deployed or self.contracts[0]
        return Web3Chain(self.w3, profile, made.key, code_hash=made.code_hash, first_block=made.block)

    def watched(self) -> list[Watched]:
        return [Watched(log.origin, (log.verifier_key,)) for log in self.village.logs.values()]

    def service(self, *chains: Any, members: Sequence[LocalAccount] | None = None) -> AnchorService:
        """A freshly started process."""
        watched = self.watched()
        cosigners = [
            Member(one, MemberMemory(self.memory_path(one), one.address.lower()), watched)
            for one in (self.members if members is None else members)
        ]
        return assemble(
            self.engine,
            self.village,
            [(chain, self.confirmations) for chain in chains or (self.chain(),)],
            signer=Signer({one.origin: (one, self.head_key(one.name)) for one in watched}),
            members=LocalMembers(cosigners, self.village),
            submitter=self.submitter,
            clock=lambda: self.now_ms,
        )

    # What came of it

    def batches(self) -> list[BatchRow]:
        """Every attempt of every contract, in order."""
        with reading(self.engine) as connection:
            found = []
            for made in self.contracts:
                last = self.chain(made).last_batch().id
                for batch_id in range(1, last + 3):
                    found += store.attempts_of(connection, made.key, batch_id)
        return sorted(found, key=lambda row: (row.contract, row.number))

    def states(self) -> list[tuple[int, str]]:
        """(batch id, state) of every attempt, in order."""
        return [(row.batch_id, str(row.state)) for row in self.batches()]

    def flags(self) -> dict[int, str]:
        with reading(self.engine) as connection:
            return {flag.ledger_id: flag.code for flag in store.read_flags(connection)}

    def anchored(self, name: str) -> int:
        """The largest size with a final anchor, by the outbox."""
        number = list(self.village.logs).index(name) + 1
        with reading(self.engine) as connection:
            return store.read_anchored_size(connection, number)

    def on_chain(self, name: str) -> int:
        """The largest anchored size, by the contract."""
        return self.chain().frontiers([ledger_id(self.village.logs[name].origin)])[0].size


class Crash(Exception):
    """The process ended here."""


class SpoiltChain(Web3Chain):
    """A chain whose answers a test replaces: set a method of the same name on ``spoil``, given the true one first."""

    def __init__(self, rig: Rig, deployed: Deployed | None = None, profile: Profile = PROFILE) -> None:
        made = deployed or rig.contracts[0]
        super().__init__(rig.w3, profile, made.key, code_hash=made.code_hash, first_block=made.block)
        self.spoil: dict[str, Any] = {}

    def __getattribute__(self, name: str) -> Any:
        true = super().__getattribute__(name)
        if name.startswith("_") or name == "spoil" or name not in (spoil := super().__getattribute__("spoil")):
            return true
        return lambda *arguments: spoil[name](true, *arguments)
