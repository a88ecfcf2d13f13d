"""What is installed and shipped (docs/adr/0001-flat-packages.md): three packages, one ABI, licences, locks."""

from __future__ import annotations

import json
import re
import tomllib
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
NAMES = {"ledger", "anchor", "api"}
LESSER = {"psycopg", "psycopg-binary"}
"""Runtime dependencies under the LGPL, which the ADR lists with its reasons."""
LOCKS = ("requirements/run.txt", "requirements/dev.txt")


def locked(lock: str) -> dict[str, str]:
    """Name → marker (empty: everywhere) of every locked package."""
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    found = (re.match(r"([A-Za-z0-9._-]+)==\S+(?: ; (.*?))?(?: \\)?$", line) for line in lines)
    return {match[1]: match[2] or "" for match in found if match}


def test_no_other_distribution_claims_our_three_names() -> None:
    claims: dict[str, set[str]] = {}
    for found in distributions():
        for file in found.files or ():
            top = file.parts[0].removesuffix(".py")
            if top in NAMES:
                claims.setdefault(top, set()).add(found.metadata["Name"])
        for top in (found.read_text("top_level.txt") or "").split():
            if top in NAMES:
                claims.setdefault(top, set()).add(found.metadata["Name"])
    assert set().union(*claims.values()) <= {"gongfen-ledger"}, claims


def test_the_wheel_holds_the_three_packages_and_the_abi() -> None:
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert set(wheel) == {"packages", "force-include"}
    assert set(wheel["packages"]) == NAMES
    assert wheel["force-include"] == {"contracts/abi": "anchor/abi"}
    assert sorted(path.name for path in (ROOT / "contracts" / "abi").iterdir()) == ["LedgerAnchor.json"]
    for name in NAMES:
        assert (ROOT / name / "__init__.py").is_file()


def test_the_installed_distribution_is_this_one_with_its_command() -> None:
    installed = distribution("gongfen-ledger")
    assert installed.version == PROJECT["project"]["version"]
    commands = {(point.group, point.name): point.value for point in installed.entry_points}
    assert commands == {
        ("console_scripts", "gongfen"): "ledger.cli:main",
        **{("gongfen.commands", name): f"{name}.commands:register" for name in NAMES},
    }


def test_it_is_never_uploaded() -> None:
    assert "Private :: Do Not Upload" in PROJECT["project"]["classifiers"]


def test_the_layers_are_a_contract() -> None:
    contracts = PROJECT["tool"]["importlinter"]["contracts"]
    assert ["api | anchor", "ledger"] in [contract.get("layers") for contract in contracts]
    pure = next(contract for contract in contracts if contract["type"] == "forbidden")
    assert set(pure["source_modules"]) == {"ledger.core", "ledger.domain", "ledger.verify"}


@pytest.mark.parametrize("name", sorted(locked("requirements/run.txt")))
def test_a_runtime_dependency_has_a_licence_that_we_may_ship(name: str) -> None:
    try:
        found = distribution(name)
    except PackageNotFoundError:
        # Not for this machine: a marker says for which, and its licence was read when it was locked.
        assert locked("requirements/run.txt")[name], f"{name} is locked for every machine but not installed"
        return
    licence = licence_of(found)
    assert licence, f"{name} names no licence"
    lesser = bool(re.search(r"LGPL|Lesser General Public", licence))
    assert lesser == (name in LESSER), licence
    if not lesser:
        assert not re.search(r"GPL|General Public Licen[sc]e", licence), licence


def licence_of(found: Distribution) -> str:
    """All that the metadata says: SPDX expression, first line of the text, classifiers."""
    metadata = found.metadata
    text = (metadata["License"] or "").strip().splitlines()[:1]
    classifiers = [line for line in metadata.get_all("Classifier") or [] if line.startswith("License ::")]
    return "; ".join(filter(None, [metadata["License-Expression"], *text, *classifiers]))


def test_the_decision_record_names_every_lesser_licence() -> None:
    text = (ROOT / "docs" / "adr" / "0001-flat-packages.md").read_text(encoding="utf-8")
    assert all(name in text for name in LESSER)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_python_lock_has_digests_and_names_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert not re.search(r"https?:|//|@ |--(extra-)?index|--find-links|--trusted-host", text)
    blocks = re.split(r"\n(?=[A-Za-z0-9])", text)
    pinned = [block for block in blocks if re.match(r"[A-Za-z0-9._-]+==", block)]
    assert len(pinned) == len(locked(lock)) > 50
    assert all("--hash=sha256:" in block for block in pinned)


def test_the_node_lock_has_digests_and_names_no_host() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert packages
    for name, package in packages.items():
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name
    assert not list(hosts(lock)), "only `funding`, which nobody downloads from, may name a host"


def hosts(value: Any) -> Any:
    """Every text with an address, outside ``funding``."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name != "funding":
                yield from hosts(item)
    elif isinstance(value, list):
        for item in value:
            yield from hosts(item)
    elif isinstance(value, str) and "://" in value:
        yield value


def test_there_is_no_lock_that_records_addresses() -> None:
    assert not (ROOT / "uv.lock").exists()
    assert "omit-lockfile-registry-resolved=true" in (ROOT / ".npmrc").read_text(encoding="utf-8").splitlines()
