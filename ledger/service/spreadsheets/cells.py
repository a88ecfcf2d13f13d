"""The values of cells, as villages write them: days, points, counts, numbers of cards, names, texts.

A cell comes as what its file says it is: text, an exact decimal, a day, a time. Whatever leaves room for doubt is a
`Flaw`, never a guess.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from ledger.core.types import MAX_INT
from ledger.domain.disclosures import TEXT_MAX
from ledger.service.spreadsheets.faults import Flaw

Cell = str | Decimal | bool | date | datetime | time | timedelta
"""What a file says of a cell; an empty one is the empty text."""
DIGITS_KEPT: Final = 15
"""Significant digits that spreadsheets keep of a number."""
FORMULA_MARKS: Final = "=+-@\t\r\n＝＋－＠"
"""What a text begins with that a spreadsheet may take for a formula."""
NAME_MAX: Final = 100
NUMBER_MAX: Final = 64
FIRST_SERIAL_DAY: Final = date(2000, 1, 1)
LAST_SERIAL_DAY: Final = date(2099, 12, 31)
"""A bare number cell counts as a day only between these: elsewhere it is more likely something else."""

_NOTHING: Final = Decimal("0.000001")
"""Points; far less than a hundredth."""
_INVISIBLE: Final = dict.fromkeys(map(ord, "\u00ad\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\ufeff"))
_DAMAGED: Final = ("Cc", "Co", "Cs")
"""Categories of characters that no two machines show alike."""
_DASHES: Final = dict.fromkeys(map(ord, "‐‑‒–—−"), "-")
_DOTS: Final = dict.fromkeys(map(ord, "•‧・･∙⋅"), "·")
_GUARD: Final = re.compile(rf"\A'(?=[{re.escape(FORMULA_MARKS)}])")
"""The apostrophe that `writing.harmless` puts in front of such a text."""
_ESCAPED: Final = re.compile(r"_x(000[9AD])_")
"""How a workbook spells tab, line feed and carriage return within a text."""
_QUOTES: Final = ("“”", "「」", "『』", "《》", "‘’", "【】", '""', "''")
_HAN_GAP: Final = re.compile(r"(?<=[\u2e80-\u9fff\U00020000-\U0003ffff]) (?=[\u2e80-\u9fff\U00020000-\U0003ffff])")

_DAY_FORMS: Final = (
    re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})", re.A),
    re.compile(r"(\d{4})(年)(\d{1,2})月(\d{1,2})[日号]", re.A),
    re.compile(r"(\d{4})()(\d{2})(\d{2})", re.A),
)
_MIDNIGHT: Final = re.compile(r"[ T]00?:00(:00(\.0+)?)?\Z")
_DOUBTFUL_DAYS: Final = (
    (re.compile(r"\d{1,2}[-/.]\d{1,2}[-/.]\d{4}"), "day_or_month_first"),
    (re.compile(r"\d{1,2}[-/.年]\d{1,2}[-/.月]\d{1,2}[日号]?"), "two_digit_year"),
    (re.compile(r"\d{4}[-/.年]\d{1,2}月?"), "no_day"),
    (re.compile(r"\d{1,2}月\d{1,2}[日号]?"), "no_year"),
    (re.compile(r"\d+"), "bare_number"),
    (re.compile(r".*\d:\d\d.*"), "time_of_day"),
)
_POINTS: Final = re.compile(r"([+-]?)(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d+))?", re.A)
_POINTS_WORD: Final = re.compile(r"(积分|工分|分)\Z")
_SHORTENED: Final = re.compile(r"\d(\.\d+)?E\+?\d+", re.I)
_IDENTITY_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def is_empty(cell: Cell) -> bool:
    """Whether nothing but spaces is written in a cell."""
    return isinstance(cell, str) and not cell.translate(_INVISIBLE).strip()


def plain(cell: Cell) -> str:
    """A cell as it is quoted to people."""
    if isinstance(cell, Decimal):
        return _digits(cell)
    if isinstance(cell, datetime):
        return cell.isoformat(" ", "minutes")
    return _cleaned(cell) if isinstance(cell, str) else str(cell)


def exact(number: float | int) -> Decimal:
    """The decimal of a number cell. A workbook stores binary fractions, and shows and means 15 digits of them.

    So the sum of 0.1 and 0.2 is 0.3; where the 15 digits would leave anything out that counts, all digits are kept.
    """
    shown, stored = Decimal(f"{number:.{DIGITS_KEPT}g}"), Decimal(repr(number))
    return shown if abs(shown - stored) < _NOTHING else stored


def day(cell: Cell, *, epoch: date | None = None) -> str:
    """A day as ``YYYY-MM-DD``. ``epoch`` is the day 0 of bare number cells, where the file has such. Raises `Flaw`."""
    if isinstance(cell, datetime):
        if cell.time() != time():
            raise Flaw("time_of_day", got=plain(cell))
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, Decimal):
        return _day_of_number(cell, epoch)
    if not isinstance(cell, str):
        raise Flaw("not_a_day", got=plain(cell))
    text = re.sub(r"\s*([-/.年月日号])\s*", r"\1", _folded(cell))
    text = _MIDNIGHT.sub("", text)
    for form in _DAY_FORMS:
        if match := form.fullmatch(text):
            return _calendar_day(int(match[1]), int(match[3]), int(match[4]), text)
    for form, code in _DOUBTFUL_DAYS:
        if form.fullmatch(text):
            raise Flaw(code, got=text)
    raise Flaw("not_a_day", got=text)


def points(cell: Cell, *, signed: bool = False) -> int:
    """Hundredths of a point. ``signed`` allows a minus, which is dropped: a book of deductions. Raises `Flaw`."""
    if isinstance(cell, Decimal):
        sign, number, fraction = ("-" if cell < 0 else ""), *_parts(abs(cell))
    elif isinstance(cell, str):
        text = _POINTS_WORD.sub("", _folded(cell).replace(" ", ""))
        match = _POINTS.fullmatch(text)
        if match is None:
            raise Flaw("odd_commas" if re.fullmatch(r"[+-]?[\d,]+(\.\d+)?", text) else "not_points", got=plain(cell))
        sign, number, fraction = match[1], match[2].replace(",", ""), match[3] or ""
    else:
        raise Flaw("not_points", got=plain(cell))
    if len(fraction) > 2:
        raise Flaw("too_exact", got=plain(cell))
    units = int(number + fraction.ljust(2, "0")) if len(number) <= len(str(MAX_INT)) else MAX_INT + 1
    if units > MAX_INT:
        raise Flaw("too_much", got=plain(cell))
    if sign == "-" and units and not signed:
        raise Flaw("negative", got=plain(cell))
    return units


def count(cell: Cell) -> int:
    """A whole number from 1 up. Raises `Flaw`."""
    text = _digits(cell) if isinstance(cell, Decimal) else _folded(cell) if isinstance(cell, str) else ""
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < 1:
        raise Flaw("not_a_count", got=plain(cell))
    return int(text)


def number(cell: Cell) -> str:
    """The number of a card, household or person: a text without spaces, capital letters. Raises `Flaw`."""
    if isinstance(cell, Decimal):
        text = _digits(cell)
        if len(text) > DIGITS_KEPT:
            raise Flaw("shortened_number", got=text)
    elif isinstance(cell, str):
        text = re.sub(r"\s", "", _folded(cell)).upper()
        if _SHORTENED.fullmatch(text):
            raise Flaw("shortened_number", got=text)
    else:
        raise Flaw("not_a_number", got=plain(cell))
    if not re.fullmatch(r"[\w./#·-]+", text):
        raise Flaw("not_a_number", got=text)
    return _within(text, NUMBER_MAX)


def identity_number(cell: Cell) -> str:
    """The number of an identity card, its check digit verified (GB 11643-1999). Raises `Flaw`."""
    text = number(cell)
    if re.fullmatch(r"[0-9]{17}[0-9X]", text):
        total = sum(weight * int(digit) for weight, digit in zip(_IDENTITY_WEIGHTS, text, strict=False))
        if "10X98765432"[total % 11] == text[-1]:
            return text
    raise Flaw("not_an_identity_number", got=text)


def name(cell: Cell) -> str:
    """The name of a person, household or group; the space that pads a short name is no part of it. Raises `Flaw`."""
    if not isinstance(cell, str):
        raise Flaw("not_text", got=plain(cell))
    return _within(_HAN_GAP.sub("", " ".join(_tidy(cell).split())).translate(_DOTS), NAME_MAX)


def quoted(cell: Cell) -> str:
    """A name that may stand in quotation marks, which are taken off: of a rule, of a unit. Raises `Flaw`."""
    text = _digits(cell) if isinstance(cell, Decimal) else name(cell)
    for opening, closing in _QUOTES:
        if len(text) > 2 and text.startswith(opening) and text.endswith(closing):
            return text[1:-1].strip()
    return text


def text(cell: Cell) -> str:
    """A free text in Unicode normal form C; lines end with a line feed. Raises `Flaw`."""
    if isinstance(cell, bool | timedelta):
        raise Flaw("not_text", got=plain(cell))
    if isinstance(cell, time):
        return cell.isoformat("minutes")
    return _within(_tidy(plain(cell)), TEXT_MAX)


def _day_of_number(cell: Decimal, epoch: date | None) -> str:
    text = _digits(cell)
    if match := _DAY_FORMS[2].fullmatch(text):
        return _calendar_day(int(match[1]), int(match[3]), int(match[4]), text)
    if epoch is None or not re.fullmatch(r"\d{5}", text):
        raise Flaw("time_of_day" if epoch and re.fullmatch(r"\d{5}\.\d+", text) else "bare_number", got=text)
    found = epoch + timedelta(days=int(text))
    if not FIRST_SERIAL_DAY <= found <= LAST_SERIAL_DAY:
        raise Flaw("bare_number", got=text)
    return found.isoformat()


def _calendar_day(year: int, month: int, day_of_month: int, got: str) -> str:
    try:
        found = date(year, month, day_of_month)
    except ValueError:
        raise Flaw("no_such_day", got=got) from None
    if not 1900 <= year <= 2100:
        raise Flaw("no_such_day", got=got)
    return found.isoformat()


def _parts(value: Decimal) -> tuple[str, str]:
    whole, _, fraction = _digits(value).partition(".")
    return whole, fraction


def _digits(value: Decimal) -> str:
    """A decimal written out, without an exponent and without zeros at its end."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _folded(text: str) -> str:
    """A text whose full-width digits, signs and spaces are plain ones."""
    return _tidy(unicodedata.normalize("NFKC", _tidy(text)).translate(_DASHES))


def _tidy(text: str) -> str:
    """A text as it is meant. Raises `Flaw` where a character of it was lost."""
    text = _cleaned(text)
    for character in text:
        if character == "\ufffd" or (character != "\n" and unicodedata.category(character) in _DAMAGED):
            raise Flaw("damaged_text", got=ascii(character))
    return text


def _cleaned(text: str) -> str:
    """A text in normal form C without invisible marks and without spaces around it."""
    text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), _GUARD.sub("", text))
    text = unicodedata.normalize("NFC", text.translate(_INVISIBLE))
    return re.sub(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]", "\n", text).replace("\t", " ").strip()


def _within(text: str, most: int) -> str:
    if not text:
        raise Flaw("missing")
    if len(text) > most:
        raise Flaw("too_long", got=f"{len(text)}", most=most)
    return text
