"""Signed notes, checkpoints, cosignatures and tlog-proofs, held to notes that other software signed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from nacl.signing import SigningKey

from ledger.core import ed25519, merkle, note
from ledger.core.encoding import encode_base64
from ledger.core.note import (
    COSIGNATURE,
    MAX_NOTE_SIZE,
    MAX_SIGNATURES,
    Checkpoint,
    SignatureLine,
    VerifierKey,
    add_lines,
    cosign,
    cosignature_line,
    open_checkpoint,
    open_note,
    parse_note,
    sign_note,
    signature_line,
)
from ledger.core.tlogproof import TlogProof
from ledger.core.types import Digest, Origin
from ledger.errors import FormatError, LedgerError, ProofError, SignatureError
from tests.oracles.edwards import BASE, add, encode, small_order_points

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "signed_notes.json").read_text(encoding="utf-8"))
GO, COSIGNED = VECTORS["go_example"], VECTORS["cosigned"]

ORIGIN = "gongfen.example/foshan-village"
LOG, WITNESS, OTHER = bytes([1]) * 32, bytes([2]) * 32, bytes([3]) * 32
LOG_KEY = VerifierKey.of(name=ORIGIN, key=LOG)
WITNESS_KEY = VerifierKey.of(name="witness.example/w1", key=WITNESS, type=COSIGNATURE)
OTHER_KEY = VerifierKey.of(name="witness.example/w2", key=OTHER, type=COSIGNATURE)
CHECKPOINT = Checkpoint(Origin(ORIGIN), 7, Digest(bytes(range(32))))
TEXT = CHECKPOINT.text()
NOTE = sign_note(TEXT, name=ORIGIN, key=LOG)
COSIGNED_NOTE = cosign(NOTE, name=WITNESS_KEY.name, key=WITNESS, time_s=1_700_000_000)


def flipped(line: SignatureLine, at: int) -> SignatureLine:
    changed = bytearray(line.signature)
    changed[at] ^= 1
    return SignatureLine(line.name, line.key_id, bytes(changed))


def test_the_example_of_the_go_package_is_signed_byte_for_byte() -> None:
    seed = bytes.fromhex(GO["seed"])
    assert sign_note(GO["text"], name=GO["name"], key=seed) == GO["note"]
    assert sign_note(GO["text"], name=GO["name"], key=SigningKey(seed)) == GO["note"]
    assert str(VerifierKey.of(name=GO["name"], key=seed)) == GO["verifier_key"]
    opened = open_note(GO["note"], [GO["verifier_key"]])
    assert (opened.text, opened.unknown) == (GO["text"], ())
    assert opened.signed_by(GO["verifier_key"])
    assert not opened.signed_by(LOG_KEY)


def test_a_checkpoint_of_a_public_log_and_its_cosignatures_verify() -> None:
    opened = open_note(COSIGNED["note"], [COSIGNED["log_key"], *COSIGNED["witness_keys"]])
    assert opened.text == COSIGNED["text"]
    assert len(opened.signatures) == 5
    assert [line.key_id.hex() for line in opened.unknown] == ["cd333cb1"]  # the log's RFC 6962 signature
    assert set(opened.cosigners().values()) == {COSIGNED["time_s"]}
    assert len(opened.cosigners()) == len(COSIGNED["witness_keys"])


def test_a_single_changed_character_of_that_checkpoint_is_refused() -> None:
    changed = COSIGNED["note"].replace("1432088532", "1432088533")
    with pytest.raises(ProofError, match="does not hold"):
        open_note(changed, COSIGNED["witness_keys"])


@pytest.mark.parametrize("text", [GO["verifier_key"], *VECTORS["verifier_keys"], *COSIGNED["witness_keys"]])
def test_verifier_keys_of_other_software_are_read_and_spelled_alike(text: str) -> None:
    assert str(VerifierKey.parse(text)) == text


GOOD_KEY = str(LOG_KEY)
MATERIAL = bytes([1]) + LOG_KEY.public_key
BAD_KEYS = {
    "empty": "",
    "not a text": 5,
    "no parts": "name",
    "two parts": f"{ORIGIN}+{LOG_KEY.key_id.hex()}",
    "empty name": GOOD_KEY[len(ORIGIN) :],
    "other name": "x" + GOOD_KEY,
    "space in name": "a b" + GOOD_KEY[len(ORIGIN) :],
    "newline at the end": GOOD_KEY + "\n",
    "other id": GOOD_KEY.replace(LOG_KEY.key_id.hex(), "00000000"),
    "upper-case id": GOOD_KEY.replace(LOG_KEY.key_id.hex(), LOG_KEY.key_id.hex().upper()),
    "short id": GOOD_KEY.replace(LOG_KEY.key_id.hex(), LOG_KEY.key_id.hex()[:7]),
    "padding added": GOOD_KEY + "=",
    "only padding": f"{ORIGIN}+{LOG_KEY.key_id.hex()}+====",
    "type without a key": f"{ORIGIN}+{LOG_KEY.key_id.hex()}+{encode_base64(bytes([1]))}",
    "type 2": f"{ORIGIN}+{LOG_KEY.key_id.hex()}+{encode_base64(bytes([2]) + MATERIAL[1:])}",
    "key too long": f"{ORIGIN}+{LOG_KEY.key_id.hex()}+{encode_base64(MATERIAL + bytes(1))}",
    "too long": f"{'n' * 500}+{LOG_KEY.key_id.hex()}+{encode_base64(MATERIAL)}",
}


@pytest.mark.parametrize("text", BAD_KEYS.values(), ids=BAD_KEYS.keys())
def test_misspelled_verifier_keys_are_refused(text: Any) -> None:
    with pytest.raises((FormatError, SignatureError)):
        VerifierKey.parse(text)


def test_verifier_keys_of_small_or_mixed_order_are_refused() -> None:
    for point in small_order_points():
        for public in (encode(point), encode(add(point, BASE))):
            if public != encode(BASE):
                with pytest.raises(SignatureError, match="public key refused"):
                    VerifierKey("name", public)


@pytest.mark.parametrize(
    "name", ["", "a b", "a+b", "a\nb", "a\u00a0b", "a\u3000b", "a\u2028b", "\ud800", "n" * 257, "\x00", 5]
)
def test_names_with_spaces_plus_or_control_characters_are_refused(name: Any) -> None:
    for attempt in (
        lambda: VerifierKey(name, LOG_KEY.public_key),
        lambda: VerifierKey.of(name=name, key=LOG),
        lambda: sign_note(TEXT, name=name, key=LOG),
        lambda: cosign(NOTE, name=name, key=LOG, time_s=1),
    ):
        with pytest.raises(FormatError, match="not a key name"):
            attempt()


def test_the_same_key_under_another_type_has_another_id() -> None:
    assert VerifierKey.of(name="n", key=LOG).key_id != VerifierKey.of(name="n", key=LOG, type=COSIGNATURE).key_id


def test_text_and_signatures_are_parted_at_the_last_blank_line() -> None:
    for text in ("one\n\ntwo\n", "a\n\n", "\n", "— not a signature\n\nmore\n", "ed è subito sera\n"):
        signed = sign_note(text, name="n", key=LOG)
        assert open_note(signed, [VerifierKey.of(name="n", key=LOG)]).text == text
        assert str(parse_note(signed)) == signed


def test_unknown_keys_are_kept_apart_and_count_for_nothing() -> None:
    opened = open_note(COSIGNED_NOTE, [LOG_KEY])
    assert [signature.key for signature in opened.signatures] == [LOG_KEY]
    assert [line.name for line in opened.unknown] == [WITNESS_KEY.name]
    assert opened.cosigners() == {}


def test_a_note_without_a_known_signature_is_refused() -> None:
    for keys in ([], [OTHER_KEY], [VerifierKey.of(name=ORIGIN, key=OTHER)], [VerifierKey.of(name="other", key=LOG)]):
        with pytest.raises(ProofError, match="no known key") as caught:
            open_note(COSIGNED_NOTE, keys)
        assert caught.value.code == "unsigned"


def test_a_known_key_whose_signature_fails_refuses_the_note_even_beside_good_ones() -> None:
    parsed = parse_note(COSIGNED_NOTE)
    for position, size in ((0, 64), (1, 72)):
        for at in range(0, size, 5):
            lines = list(parsed.lines)
            lines[position] = flipped(lines[position], at)
            bad = str(note.UnverifiedNote(parsed.text, tuple(lines)))
            with pytest.raises(ProofError):
                open_note(bad, [LOG_KEY, WITNESS_KEY])
            doubled = str(note.UnverifiedNote(parsed.text, (*parsed.lines, lines[position])))
            with pytest.raises(ProofError):
                open_note(doubled, [LOG_KEY, WITNESS_KEY])


@pytest.mark.parametrize("cut", [0, 1, 63, 65, 71, 73])
def test_a_signature_of_another_length_by_a_known_key_refuses_the_note(cut: int) -> None:
    for line, key in (
        (signature_line(TEXT, name=ORIGIN, key=LOG), LOG_KEY),
        (parse_note(COSIGNED_NOTE).lines[1], WITNESS_KEY),
    ):
        signature = (line.signature + bytes(10))[: cut or 1]
        bad = str(note.UnverifiedNote(TEXT, (SignatureLine(line.name, line.key_id, signature),)))
        with pytest.raises(ProofError):
            open_note(bad, [key])


def test_a_signature_over_another_text_is_refused() -> None:
    other = sign_note(TEXT.replace("7", "8", 1), name=ORIGIN, key=LOG)
    with pytest.raises(ProofError, match="does not hold"):
        open_note(TEXT + other[len(TEXT) :], [LOG_KEY])


def test_a_plain_signature_does_not_pass_for_a_cosignature_nor_the_reverse() -> None:
    plain = signature_line(TEXT, name="n", key=LOG)
    timed = cosignature_line(TEXT, name="n", key=LOG, time_s=5)
    plain_key, timed_key = VerifierKey.of(name="n", key=LOG), VerifierKey.of(name="n", key=LOG, type=COSIGNATURE)
    for line, key in (
        (SignatureLine("n", timed_key.key_id, bytes(8) + plain.signature), timed_key),
        (SignatureLine("n", plain_key.key_id, timed.signature[8:]), plain_key),
    ):
        with pytest.raises(ProofError):
            open_note(str(note.UnverifiedNote(TEXT, (line,))), [key])


def test_a_cosignature_signs_the_lines_of_the_specification() -> None:
    line = cosignature_line(TEXT, name="n", key=LOG, time_s=1_679_315_147)
    assert line.signature[:8] == (1_679_315_147).to_bytes(8, "big")
    message = f"cosignature/v1\ntime 1679315147\n{TEXT}".encode()
    ed25519.verify(ed25519.public_key(LOG), message, line.signature[8:])


def test_a_quorum_counts_distinct_public_keys_and_takes_the_newest_time() -> None:
    alias = VerifierKey.of(name="witness.example/alias", key=WITNESS, type=COSIGNATURE)
    grown = cosign(COSIGNED_NOTE, name=alias.name, key=WITNESS, time_s=1_800_000_000)
    grown = cosign(grown, name=OTHER_KEY.name, key=OTHER, time_s=1_600_000_000)
    opened = open_note(grown, [LOG_KEY, WITNESS_KEY, alias, str(OTHER_KEY)])
    assert len(opened.signatures) == 4
    assert opened.cosigners() == {WITNESS_KEY.public_key: 1_800_000_000, OTHER_KEY.public_key: 1_600_000_000}


def test_a_newer_cosignature_of_a_key_takes_the_place_of_the_older() -> None:
    newer = cosign(COSIGNED_NOTE, name=WITNESS_KEY.name, key=WITNESS, time_s=1_700_000_001)
    assert len(parse_note(newer).lines) == 2
    assert open_note(newer, [WITNESS_KEY]).cosigners() == {WITNESS_KEY.public_key: 1_700_000_001}


@pytest.mark.parametrize("time_s", [-1, 2**63, True, 1.0, None])
def test_a_cosignature_takes_a_time_in_whole_seconds(time_s: Any) -> None:
    with pytest.raises(FormatError, match="time out of range"):
        cosign(NOTE, name="n", key=LOG, time_s=time_s)


def test_times_of_cosignatures_are_read_up_to_the_largest() -> None:
    for time_s in (0, 2**63 - 1):
        signed = cosign(NOTE, name=WITNESS_KEY.name, key=WITNESS, time_s=time_s)
        assert open_note(signed, [WITNESS_KEY]).cosigners() == {WITNESS_KEY.public_key: time_s}
    late = 2**63
    signature = late.to_bytes(8, "big") + ed25519.sign(WITNESS, f"cosignature/v1\ntime {late}\n{TEXT}".encode())
    line = SignatureLine(WITNESS_KEY.name, WITNESS_KEY.key_id, signature)
    with pytest.raises(ProofError, match="out of range"):
        open_note(add_lines(NOTE, [line]), [LOG_KEY, WITNESS_KEY])


def test_only_checkpoints_are_cosigned() -> None:
    with pytest.raises(FormatError, match="not a checkpoint"):
        cosign(sign_note("anything\n", name="n", key=LOG), name="w", key=WITNESS, time_s=1)


def test_a_second_signature_is_added_beside_the_first() -> None:
    both = add_lines(NOTE, [signature_line(TEXT, name=ORIGIN, key=OTHER)])
    rotated = VerifierKey.of(name=ORIGIN, key=OTHER)
    assert [signature.key for signature in open_note(both, [LOG_KEY, rotated]).signatures] == [LOG_KEY, rotated]


def test_two_keys_of_one_name_and_id_are_told_apart_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_note(NOTE, [LOG_KEY, str(LOG_KEY)]).signed_by(LOG_KEY)
    monkeypatch.setattr(note, "key_id_of", lambda name, type, public_key: b"same")
    keys = [VerifierKey.of(name="n", key=LOG), VerifierKey.of(name="n", key=OTHER)]
    with pytest.raises(FormatError, match="two keys of one name and id"):
        open_note(NOTE, keys)


SIGNATURE = NOTE[len(TEXT) + 1 :]
BAD_NOTES = {
    "not a text": None,
    "bytes": NOTE.encode(),
    "empty": "",
    "a newline": "\n",
    "text alone": TEXT,
    "text and blank line": TEXT + "\n",
    "signature alone": SIGNATURE,
    "no blank line": TEXT + SIGNATURE,
    "no last newline": NOTE[:-1],
    "blank line at the end": NOTE + "\n",
    "blank line between signatures": NOTE + "\n" + SIGNATURE.replace("—", "-"),
    "text after the signatures": NOTE + "more\n",
    "carriage return": NOTE.replace("\n", "\r\n"),
    "tab in the text": NOTE.replace("7", "\t", 1),
    "zero byte": NOTE.replace("7", "\x00", 1),
    "escape": NOTE.replace("7", "\x1b", 1),
    "lone surrogate": NOTE.replace("7", "\ud800", 1),
    "hyphen for the dash": NOTE.replace("— ", "- "),
    "en dash": NOTE.replace("— ", "– "),
    "no space after the dash": NOTE.replace("— ", "—"),
    "two spaces": NOTE.replace("— ", "—  "),
    "no-break space": NOTE.replace("— ", "—\u00a0"),
    "space at the end of the line": NOTE[:-1] + " \n",
    "no name": NOTE.replace(f"— {ORIGIN} ", "— "),
    "empty name": NOTE.replace(f"— {ORIGIN} ", "—  "),
    "plus in the name": NOTE.replace(f"— {ORIGIN} ", "— a+b "),
    "no base64": NOTE.replace(SIGNATURE, f"— {ORIGIN}\n"),
    "base64 without padding": NOTE[:-2] + "\n",
    "base64url": TEXT + f"\n— {ORIGIN} {encode_base64(bytes([255] * 68)).replace('/', '_')}\n",
    "junk in base64": NOTE[:-4] + "*" + NOTE[-3:],
    "key id without a signature": TEXT + f"\n— {ORIGIN} {encode_base64(LOG_KEY.key_id)}\n",
    "empty signature": TEXT + f"\n— {ORIGIN} \n",
    "too large": "x" * MAX_NOTE_SIZE + NOTE,
}


@pytest.mark.parametrize("bad", BAD_NOTES.values(), ids=BAD_NOTES.keys())
def test_malformed_notes_are_refused(bad: Any) -> None:
    with pytest.raises(FormatError):
        open_note(bad, [LOG_KEY])
    with pytest.raises(FormatError):
        parse_note(bad)


def test_at_least_16_signatures_are_read_and_too_many_are_refused() -> None:
    lines = [SignatureLine(f"witness.example/{n}", bytes(4), bytes(64)) for n in range(MAX_SIGNATURES)]
    full = add_lines(NOTE, lines[:-1])
    assert MAX_SIGNATURES >= 16
    assert len(open_note(full, [LOG_KEY]).unknown) == MAX_SIGNATURES - 1
    with pytest.raises(FormatError, match="too many signatures"):
        add_lines(NOTE, lines)
    with pytest.raises(FormatError, match="too many signatures"):
        open_note(full + str(lines[-1]), [LOG_KEY])


def test_sixteen_large_signatures_of_unknown_types_are_read() -> None:
    lines = [SignatureLine(f"witness.example/{n}", bytes(4), bytes(5_000)) for n in range(16)]
    assert open_note(add_lines(NOTE, lines), [LOG_KEY]).signed_by(LOG_KEY)


@pytest.mark.parametrize("text", ["", "no newline", "tab\t\n", "\x00\n", "\ud800\n", None])
def test_what_cannot_be_the_text_of_a_note_is_not_signed(text: Any) -> None:
    with pytest.raises(FormatError):
        sign_note(text, name="n", key=LOG)


def test_a_checkpoint_is_three_lines() -> None:
    assert TEXT == "gongfen.example/foshan-village\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
    assert Checkpoint.parse(TEXT) == CHECKPOINT
    empty = Checkpoint(Origin(ORIGIN), 0, merkle.EMPTY_ROOT)
    assert Checkpoint.parse(empty.text()) == empty
    largest = Checkpoint(Origin(ORIGIN), 2**53 - 1, Digest(bytes(32)))
    assert Checkpoint.parse(largest.text()) == largest


BAD_CHECKPOINTS = {
    "not a text": None,
    "bytes": TEXT.encode(),
    "empty": "",
    "no last newline": TEXT[:-1],
    "blank line": TEXT + "\n",
    "extension line": TEXT + "extension\n",
    "no origin": TEXT[len(ORIGIN) :],
    "no size": TEXT.replace("7\n", ""),
    "empty size": TEXT.replace("7\n", "\n"),
    "leading zero": TEXT.replace("\n7\n", "\n07\n"),
    "plus sign": TEXT.replace("\n7\n", "\n+7\n"),
    "minus sign": TEXT.replace("\n7\n", "\n-7\n"),
    "space": TEXT.replace("\n7\n", "\n 7\n"),
    "underscore": TEXT.replace("\n7\n", "\n7_0\n"),
    "other digits": TEXT.replace("\n7\n", "\n७\n"),
    "hexadecimal": TEXT.replace("\n7\n", "\n0x7\n"),
    "fraction": TEXT.replace("\n7\n", "\n7.0\n"),
    "2^53": TEXT.replace("\n7\n", f"\n{2**53}\n"),
    "17 digits": TEXT.replace("\n7\n", "\n12345678901234567\n"),
    "5000 digits": TEXT.replace("\n7\n", "\n" + "9" * 5000 + "\n"),
    "root of 31 bytes": TEXT.replace(encode_base64(bytes(range(32))), encode_base64(bytes(31))),
    "root of 33 bytes": TEXT.replace(encode_base64(bytes(range(32))), encode_base64(bytes(33))),
    "trailing bits in the root": TEXT.replace("Hh8=", "Hh9="),
    "root without padding": TEXT.replace("Hh8=", "Hh8"),
    "root in base64url": TEXT.replace("AAEC", "__EC"),
    "upper-case origin": "G" + TEXT[1:],
    "origin of one segment": TEXT.replace("/foshan-village", ""),
    "origin too long": "a" * 128 + TEXT,
}


@pytest.mark.parametrize("text", BAD_CHECKPOINTS.values(), ids=BAD_CHECKPOINTS.keys())
def test_malformed_checkpoints_are_refused(text: Any) -> None:
    with pytest.raises(FormatError):
        Checkpoint.parse(text)


@pytest.mark.parametrize(
    "changes",
    [{"size": -1}, {"size": 2**53}, {"size": True}, {"size": 10**5000}, {"root": bytes(31)}, {"root": "x" * 32}],
)
def test_a_checkpoint_is_never_made_of_what_cannot_be_read_back(changes: dict[str, Any]) -> None:
    with pytest.raises(FormatError):
        Checkpoint(**{"origin": ORIGIN, "size": 7, "root": bytes(32), **changes})


def test_a_checkpoint_is_opened_with_its_cosigners() -> None:
    checkpoint, opened = open_checkpoint(
        COSIGNED_NOTE, origin=ORIGIN, log_keys=[str(LOG_KEY)], witness_keys=[WITNESS_KEY, OTHER_KEY]
    )
    assert checkpoint == CHECKPOINT
    assert opened.cosigners() == {WITNESS_KEY.public_key: 1_700_000_000}


def test_a_checkpoint_that_only_witnesses_signed_is_refused() -> None:
    parsed = parse_note(COSIGNED_NOTE)
    unsigned = str(note.UnverifiedNote(parsed.text, parsed.lines[1:]))
    with pytest.raises(ProofError, match="the log did not sign"):
        open_checkpoint(unsigned, origin=ORIGIN, log_keys=[LOG_KEY], witness_keys=[WITNESS_KEY])


def test_a_checkpoint_of_another_log_is_refused() -> None:
    with pytest.raises(ProofError, match="another log"):
        open_checkpoint(NOTE, origin="gongfen.example/elsewhere", log_keys=[LOG_KEY])


def test_a_log_key_of_another_name_or_type_does_not_sign_for_the_origin() -> None:
    named = VerifierKey.of(name="another.example/log", key=LOG)
    timed = VerifierKey.of(name=ORIGIN, key=LOG, type=COSIGNATURE)
    for signed, key in (
        (sign_note(TEXT, name=named.name, key=LOG), named),
        (str(note.UnverifiedNote(TEXT, (cosignature_line(TEXT, name=ORIGIN, key=LOG, time_s=1),))), timed),
    ):
        with pytest.raises(ProofError, match="the log did not sign"):
            open_checkpoint(signed, origin=ORIGIN, log_keys=[key])


LEAVES = merkle.leaf_hashes_of(b"%d" % n for n in range(7))
TREE = Checkpoint(Origin(ORIGIN), 7, merkle.root_of(LEAVES))
TREE_NOTE = sign_note(TREE.text(), name=ORIGIN, key=LOG)
PROOF = TlogProof(2, tuple(merkle.inclusion_path(LEAVES, 2)), TREE_NOTE)


def test_a_tlog_proof_is_the_text_of_the_specification() -> None:
    hashes = "".join(encode_base64(item) + "\n" for item in merkle.inclusion_path(LEAVES, 2))
    assert str(PROOF) == f"c2sp.org/tlog-proof@v1\nindex 2\n{hashes}\n{TREE_NOTE}"
    assert TlogProof.parse(str(PROOF)) == PROOF
    single = TlogProof(0, (), NOTE)
    assert str(single) == f"c2sp.org/tlog-proof@v1\nindex 0\n\n{NOTE}"
    assert TlogProof.parse(str(single)) == single


def test_a_tlog_proof_verifies_its_leaf_and_no_other() -> None:
    checkpoint, _ = open_checkpoint(PROOF.checkpoint, origin=ORIGIN, log_keys=[LOG_KEY])
    PROOF.verify(LEAVES[2], checkpoint)
    with pytest.raises(ProofError):
        PROOF.verify(LEAVES[3], checkpoint)


BAD_PROOFS = {
    "empty": "",
    "header alone": "c2sp.org/tlog-proof@v1\n",
    "another version": str(PROOF).replace("@v1", "@v2"),
    "extra data": str(PROOF).replace("index", "extra AAAA\nindex"),
    "no index": str(PROOF).replace("index 2\n", ""),
    "leading zero": str(PROOF).replace("index 2", "index 02"),
    "negative index": str(PROOF).replace("index 2", "index -2"),
    "index 2^53": str(PROOF).replace("index 2", f"index {2**53}"),
    "short hash": str(PROOF).replace("index 2\n", "index 2\nAAAA\n"),
    "bad base64": str(PROOF).replace("index 2\n", "index 2\nAAAAA\n"),
    "65 hashes": str(PROOF).replace("index 2\n", "index 2\n" + (encode_base64(bytes(32)) + "\n") * 65),
    "no checkpoint": str(PROOF).partition("\n\n")[0] + "\n\n",
    "unsigned checkpoint": str(PROOF).partition("\n\n")[0] + "\n\n" + TEXT,
    "note that is no checkpoint": str(PROOF).partition("\n\n")[0] + "\n\n" + GO["note"],
    "carriage returns": str(PROOF).replace("\n", "\r\n"),
    "blank line in front": "\n" + str(PROOF),
}


@pytest.mark.parametrize("text", BAD_PROOFS.values(), ids=BAD_PROOFS.keys())
def test_malformed_tlog_proofs_are_refused(text: str) -> None:
    with pytest.raises(FormatError):
        TlogProof.parse(text)


def test_a_tlog_proof_is_never_made_of_what_cannot_be_read_back() -> None:
    for index, path, checkpoint in ((-1, (), NOTE), (True, (), NOTE), (0, (b"",), NOTE), (0, (), "nothing\n")):
        with pytest.raises(FormatError):
            TlogProof(index, path, checkpoint)


def test_errors_of_hostile_notes_are_always_our_own() -> None:
    for cut in range(len(COSIGNED_NOTE)):
        with pytest.raises(LedgerError):
            open_note(COSIGNED_NOTE[:cut], [OTHER_KEY])
