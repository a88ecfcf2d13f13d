"""docs/spec/examples.md, written from the example vectors for people who read rather than run."""

from __future__ import annotations

import json
import textwrap
from typing import Any, Final

from tests.helpers.spec_examples import EXAMPLES, ROOT

PAGE: Final = ROOT / "docs" / "spec" / "examples.md"
Json = dict[str, Any]
_INTRO: Final = """\
# Worked examples

Every value here is made by a test from fixed seeds and checked by a second test with other software; the whole sets
stand as JSON in `tests/vectors/examples/`. An implementation of [formats](formats.md) that gives these bytes is right.
**The seeds are public: never use these keys.** Write anew after a change: `python -m tests.helpers.spec_examples`.

Bytes that are text are shown as text, in UTF-8 and without a line feed at the end unless one is shown; all other bytes
as hex. `SHA-256(…)` of text means of its bytes."""


def page() -> str:
    """The text of the page."""
    data = {name: make() for name, make in EXAMPLES.items()}
    parts = [
        _INTRO,
        _encoding(data["encoding"]),
        _identifiers(data["identifiers"]),
        _events(data["events"]),
        _entries(data["entries"], data["events"]),
        _tree(data["tree"]),
        _checkpoint(data["checkpoint"]),
        _disclosures(data["disclosures"]),
        _state_map(data["state_map"]),
        _batch(data["batch"]),
        _receipt(data["receipt"]),
        _statement(data["statement"]),
    ]
    return "\n\n".join(parts) + "\n"


def _encoding(data: Json) -> str:
    good = [[_code(row["bytes"])] for row in data["canonical"]]
    bad = [[_code(_short(row["bytes"])), row["why"]] for row in data["refused"]]
    return "\n\n".join(
        ["## §1 Canonical JSON", _table(["canonical bytes"], good), _table(["refused", "because of"], bad)]
    )


def _identifiers(data: Json) -> str:
    ledgers = [[_code(row["origin"]), _code(row["ledger_id"])] for row in data["ledgers"]]
    parties = [[_code(row["bytes"]), _code(row["party"])] for row in data["parties"]]
    keys = [
        [row["name"], _code(row["seed"]), _code(row["public"]), _code(row["key"]), _code(row["party"])]
        for row in data["keys"]
    ]
    return "\n\n".join(
        [
            "## §2 Identifiers",
            _table(["origin", "ledger id"], ledgers),
            _table(["16 random bytes", "party"], parties),
            _table(["whose", "seed", "public key", "key id", "party"], keys),
        ]
    )


def _events(data: Json) -> str:
    parts = ["## §3 Events"]
    for row in data["events"]:
        parts.append(f"A `{row['event']['kind']}` event; its canonical bytes, with SHA-256 `{row['sha256']}`:")
        parts.append(_block(row["bytes"]))
        for signer in row["signatures"]:
            parts.append(
                f'Signed by *{signer["name"]}* over `"gongfen/event/v1\\n"` and those bytes: `{signer["sig"]}`.'
            )
    return "\n\n".join(parts)


def _entries(data: Json, events: Json) -> str:
    award = events["events"][0]["event"]["id"]
    entry = next(row for row in data["entries"] if award in row["bytes"])
    leaves = [[str(row["seq"]), str(len(row["bytes"].encode())), _code(row["leaf"])] for row in data["entries"]]
    return "\n\n".join(
        [
            "## §4 Entries",
            f"Entry {entry['seq']} holds the first event above:",
            _block(entry["bytes"]),
            "Leaf hashes; `chain.prev` of an entry is the leaf hash of the line before it.",
            _table(["seq", "bytes", "leaf hash"], leaves),
        ]
    )


def _tree(data: Json) -> str:
    roots = [[str(size), _code(root)] for size, root in enumerate(data["roots"])]
    inclusion = [row for row in data["inclusion"] if row["size"] == 7]
    consistency = [row for row in data["consistency"] if row["size_2"] == 7]
    return "\n\n".join(
        [
            "## §5 Tree",
            "Over the leaf hashes of the first entries:",
            _table(["size", "root"], roots),
            "Inclusion in the tree of size 7, from the leaf's sibling up:",
            _table(["index", "path"], [[str(row["index"]), _hashes(row["path"])] for row in inclusion]),
            "Consistency with the tree of size 7:",
            _table(["from size", "proof"], [[str(row["size_1"]), _hashes(row["path"])] for row in consistency]),
        ]
    )


def _checkpoint(data: Json) -> str:
    return "\n\n".join(
        [
            "## §5 Checkpoint",
            f"Log key: seed `{data['seed']}`, verifier key `{data['verifier_key']}`. The signed note:",
            _block(data["note"]),
            f"The first witness (seed `{data['cosigners'][0]['seed']}`) signs this text:",
            _block(data["cosigners"][0]["signed"]),
            "The note with both cosignatures:",
            _block(data["cosigned_note"]),
            "A tlog-proof of one entry in it:",
            _block(data["tlog_proof"]),
        ]
    )


def _disclosures(data: Json) -> str:
    parts = ["## §6 Disclosures"]
    for row in data["disclosures"]:
        parts.append(f"Salt `{row['salt']}`, canonical array, disclosure, digest:")
        parts.append(_block("\n".join([row["array"], row["disclosure"], row["digest"]])))
    return "\n\n".join(parts)


def _state_map(data: Json) -> str:
    parts = ["## §7 State map", "Three values, added one after the other:"]
    for place, row in enumerate(data["values"], 1):
        parts.append(f"`{row['type']}` of `{row['id']}`: key `{row['key']}`, value")
        parts.append(_block(row["value"]))
        told = f"its hash `{row['value_hash']}`, leaf `{row['leaf']}`; root with it `{data['roots'][place]}`;"
        parts.append(f"{told} its path in the map of three: {_hashes(row['path'])}.")
    for row in data["absence"]:
        end = "an empty subtree" if "other" not in row else f"the leaf of `{row['other']['key']}`"
        path = _hashes(row["path"])
        parts.append(f"Not there: the account of `{row['id']}`, key `{row['key']}`: path {path}, ending at {end}.")
    parts.append(f"The history head of `{data['history']['party']}`, whom these entries concern:")
    rows = [[str(row["seq"]), _code(row["leaf"]), _code(row["head"])] for row in data["history"]["entries"]]
    parts.append(_table(["seq", "leaf hash", "head after it"], rows))
    return "\n\n".join(parts)


def _batch(data: Json) -> str:
    parts = ["## §8 Batches"]
    for row in data["batches"]:
        parts.append(f"Batch {row['batch']}: root `{row['root']}`, previous `{row['previous']}`, hash `{row['hash']}`.")
        heads = [
            [_code(head["ledger_id"]), str(head["size"]), _code(head["root"]), _code(head["leaf"])]
            for head in row["heads"]
        ]
        parts.append(_table(["ledger id", "size", "root", "batch leaf"], heads))
    last = data["batches"][0]["heads"][-1]
    parts.append(f"The path of the last head of batch 1 (it rose unchanged twice): `{_compact(last['path'])}`.")
    return "\n\n".join(parts)


def _receipt(data: Json) -> str:
    return "\n\n".join(
        [
            "## §9 A receipt",
            "Of the award above, anchored. Entries are base64 of the bytes shown in §4.",
            _block(json.dumps(data["receipt"], ensure_ascii=False, indent=1), "json"),
            "A verifier's trust file, under which it is `genuine`; the chain's answers stand in the JSON file.",
            _block(data["trust"], "toml"),
        ]
    )


def _statement(data: Json) -> str:
    shown = data["statement"]
    seqs = ", ".join(str(entry["index"]) for entry in shown["entries"])
    return "\n\n".join(
        [
            "## §9 A statement",
            f"Everything about `{shown['party']}`: entries {seqs}, and this account, whose `head` is that of §7:",
            _block(_compact(shown["account"]["value"])),
            "The whole file stands in `tests/vectors/examples/statement.json`, with one of a party that has no entry.",
        ]
    )


def _table(names: list[str], rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def _block(text: str, language: str = "") -> str:
    return textwrap.dedent(f"```{language}\n{text.rstrip(chr(10))}\n```")


def _code(text: str) -> str:
    shown = text.replace("\n", "␊").replace("\x7f", "␡").replace("|", "\\|")
    return f"`{shown}`" if "`" not in shown else f"`` {shown} ``"


def _hashes(path: list[str]) -> str:
    return " ".join(_code(item) for item in path) or "empty"


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:12]}…"


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
