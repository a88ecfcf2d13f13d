"""The committed ABI and bytecode come from the sources, run on London, and hold no way to change what was anchored."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from eth_utils import keccak

from ledger.scenarios.processes import node_binary
from tests.helpers.nodes import environment

from .typed import TYPES, type_string
from .world import ARTIFACT, PROJECT, World

FILES = ["contracts/abi/LedgerAnchor.json", "tests/contracts/abi/ProofHarness.json"]
SPEC = (PROJECT / "docs/spec/contract.md").read_text()

RUNTIME = bytes.fromhex(ARTIFACT["deployedBytecode"][2:])
CREATION = bytes.fromhex(ARTIFACT["bytecode"][2:])

NEWER_THAN_PARIS = {0x49: "BLOBHASH", 0x4A: "BLOBBASEFEE", 0x5C: "TLOAD", 0x5D: "TSTORE", 0x5E: "MCOPY", 0x5F: "PUSH0"}
ESCAPES = {0xF0: "CREATE", 0xF1: "CALL", 0xF2: "CALLCODE", 0xF4: "DELEGATECALL", 0xF5: "CREATE2", 0xFF: "SELFDESTRUCT"}


def opcodes(code: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Position, opcode and pushed data of every instruction."""
    at = 0
    while at < len(code):
        width = code[at] - 0x5F if 0x60 <= code[at] <= 0x7F else 0
        yield at, code[at], code[at + 1 : at + 1 + width]
        at += 1 + width


def without_metadata(code: bytes) -> bytes:
    """The code before the CBOR map at its end, whose length stands in the last two bytes."""
    return code[: -2 - int.from_bytes(code[-2:], "big")]


def used_opcodes() -> set[int]:
    constructor = CREATION[: CREATION.index(RUNTIME)]
    return {op for code in (constructor, without_metadata(RUNTIME)) for _, op, _ in opcodes(code)}


def test_the_committed_files_are_what_the_sources_compile_to(tmp_path: Path) -> None:
    script = PROJECT / "contracts/export-abi.mjs"
    done = subprocess.run(
        [node_binary(), script, tmp_path], cwd=PROJECT, env=environment(), capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for file in FILES:
        assert (tmp_path / file).read_bytes() == (PROJECT / file).read_bytes(), f"{file}: run npm run export-abi"


def test_the_artifact_says_how_it_was_compiled() -> None:
    assert set(ARTIFACT) == {"contractName", "abi", "bytecode", "deployedBytecode", "compiler"}
    compiler = ARTIFACT["compiler"]
    assert (compiler["name"], compiler["version"]) == ("solc", "0.8.37")
    assert compiler["settings"]["evmVersion"] == "paris"
    assert compiler["settings"]["metadata"] == {"bytecodeHash": "none"}


def test_no_opcode_is_newer_than_paris() -> None:
    assert not {NEWER_THAN_PARIS[op] for op in used_opcodes() & set(NEWER_THAN_PARIS)}


def test_no_opcode_could_replace_the_code_or_move_control_elsewhere() -> None:
    assert not {ESCAPES[op] for op in used_opcodes() & set(ESCAPES)}


def test_the_opcode_walk_sees_what_it_should() -> None:
    assert [op for _, op, _ in opcodes(bytes.fromhex("605f5f7f" + "5f" * 32 + "5e"))] == [0x60, 0x5F, 0x7F, 0x5E]
    assert {0x54, 0x55, 0xFA, 0x20} <= used_opcodes()  # SLOAD, SSTORE, STATICCALL, KECCAK256


def test_the_code_is_smaller_than_the_limit_of_24_kib() -> None:
    assert len(RUNTIME) < 24_576


def test_the_deployed_code_is_the_committed_one_but_for_its_immutables(world: World) -> None:
    deployed = bytes(world.w3.eth.get_code(world.contract.address))
    patched = bytearray(deployed)
    for at, op, data in opcodes(without_metadata(RUNTIME)):
        if op == 0x7F and data == bytes(32):
            patched[at + 1 : at + 33] = bytes(32)
    assert bytes(patched) == RUNTIME


@pytest.mark.parametrize("struct", TYPES)
def test_every_type_string_is_in_the_specification_and_in_the_code(struct: str) -> None:
    assert f"`{type_string(struct)}`" in SPEC
    assert keccak(text=type_string(struct)) in RUNTIME


def test_the_specification_names_every_function_event_and_error() -> None:
    names = {one["name"] for one in ARTIFACT["abi"] if "name" in one}
    of_openzeppelin = {"EIP712DomainChanged", "eip712Domain", "InvalidShortString", "StringTooLong"}
    missing = {name for name in names - of_openzeppelin if not re.search(rf"`{name}\b", SPEC)}
    assert not missing


def test_the_domain_is_the_one_of_the_specification(world: World) -> None:
    fields, name, version, chain_id, contract, salt, extensions = world.contract.functions.eip712Domain().call()
    assert (fields, name, version, salt, extensions) == (b"\x0f", "LedgerAnchor", "1", bytes(32), [])
    assert (chain_id, contract) == (world.w3.eth.chain_id, world.contract.address)


def test_dependencies_are_exact_and_the_lock_names_no_registry() -> None:
    package = json.loads((PROJECT / "package.json").read_text())
    lock = (PROJECT / "package-lock.json").read_text()
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in package["devDependencies"].values())
    assert '"resolved"' not in lock
    assert "registry" not in lock
    assert json.loads(lock)["packages"][""]["devDependencies"] == package["devDependencies"]
