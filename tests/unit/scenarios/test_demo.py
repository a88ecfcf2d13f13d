"""The demonstration's own parts: the one changed digit, and the folder it may use."""

from __future__ import annotations

import base64
import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

DEMO = Path(__file__).resolve().parents[3] / "scripts" / "lib" / "demo.py"


@pytest.fixture(scope="module")
def demo() -> ModuleType:
    spec = importlib.util.spec_from_file_location("demo", DEMO)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def receipt_of(entry: bytes) -> dict[str, str]:
    return {"format": "gongfen-receipt/1", "entry": base64.b64encode(entry).decode()}


@pytest.mark.parametrize(("before", "after"), [(b"3500", b"9500"), (b"900", b"800"), (b"9", b"8")])
def test_exactly_one_digit_of_the_amount_is_changed(demo: ModuleType, before: bytes, after: bytes) -> None:
    entry = b'{"event":{"body":{"amount_units":%b,"quantity":1}},"effects":{"delta":%b}}'
    receipt = receipt_of(entry % (before, before))
    changed = demo.tampered(receipt)
    assert base64.b64decode(changed["entry"]) == entry % (after, before)
    assert {**changed, "entry": ""} == {**receipt, "entry": ""}


def test_an_entry_without_an_amount_cannot_be_tampered_with_in_this_way(demo: ModuleType) -> None:
    with pytest.raises(ValueError, match="no amount"):
        demo.tampered(receipt_of(json.dumps({"event": {}}).encode()))


def test_a_folder_with_other_files_is_left_alone(demo: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(SystemExit):
        demo._make_room(tmp_path)
    assert (tmp_path / "data").exists()


def test_what_an_earlier_demonstration_left_is_replaced_and_nothing_else(demo: ModuleType, tmp_path: Path) -> None:
    demo._make_room(tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "receipt.json").write_text("{}")
    (tmp_path / "notes.txt").write_text("mine")
    demo._make_room(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["demo.json", "notes.txt"]
