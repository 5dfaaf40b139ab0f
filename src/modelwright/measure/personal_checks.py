"""Check digits, and the ids that states give to persons: form, check, and the words that must stand before."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple


def luhn(digits: str) -> bool:
    """Check digit of ISO/IEC 7812: every second digit from the right doubled, digit sums add to a multiple of ten."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) << (place & 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def mod97(text: str) -> int:
    """Remainder modulo 97 of digits and letters, A standing for 10 (ISO 7064)."""
    return int("".join(str(int(letter, 36)) for letter in text)) % 97


_TIMES = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_TURNS = (
    "0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip


def verhoeff(digits: str) -> bool:
    """Check digit of Verhoeff (1969), over the dihedral group of ten."""
    check = 0
    for place, digit in enumerate(reversed(digits)):
        check = int(_TIMES[check][int(_TURNS[place % 8][int(digit)])])
    return check == 0


def _weighted(digits: str, weights: tuple[int, ...], modulus: int) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False)) % modulus


def iso_11_10(digits: str) -> bool:
    """Check digit of ISO 7064, MOD 11,10."""
    product = 10
    for digit in digits[:-1]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(digits[-1])


def _day(month: str, day: str) -> bool:
    return 1 <= int(month) <= 12 and 1 <= int(day) <= 31


def _france(value: str) -> bool:
    return 97 - int(value[:13]) % 97 == int(value[13:]) and 1 <= int(value[3:5]) <= 99


def _spain(value: str) -> bool:
    number = value[:-1].translate(str.maketrans("XYZ", "012"))
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23] == value[-1]


_ODD = dict(zip("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", (
    1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22,
    25, 24, 23,
), strict=True))  # fmt: skip


def _italy(value: str) -> bool:
    even = sum(int(letter, 36) - (10 if letter.isalpha() else 0) for letter in value[1:15:2])
    return chr(65 + (even + sum(_ODD[letter] for letter in value[0:15:2])) % 26) == value[15]


def _germany(value: str) -> bool:
    return iso_11_10(value) and max(value[:10].count(digit) for digit in set(value[:10])) in (2, 3)


def _netherlands(value: str) -> bool:
    return _weighted(value, (9, 8, 7, 6, 5, 4, 3, 2, -1), 11) == 0


def _brazil(value: str) -> bool:
    for size in (9, 10):
        rest = sum(int(digit) * (size + 1 - place) for place, digit in enumerate(value[:size])) * 10 % 11 % 10
        if rest != int(value[size]):
            return False
    return len(set(value)) > 1


def _poland(value: str) -> bool:
    return _weighted(value, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1), 10) == 0 and _day(str(int(value[2:4]) % 20), value[4:6])


def _sweden(value: str) -> bool:
    return luhn(value[-10:]) and _day(value[-8:-6], value[-6:-4])


def _china(value: str) -> bool:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return "10X98765432"[_weighted(value[:17], weights, 11)] == value[17] and _day(value[10:12], value[12:14])


def _korea(value: str) -> bool:
    check = (11 - _weighted(value[:12], (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5), 11)) % 10
    return check == int(value[12]) and _day(value[2:4], value[4:6])


def _belgium(value: str) -> bool:
    ends = (97 - int(value[:9]) % 97, 97 - int("2" + value[:9]) % 97)
    return int(value[9:]) in ends and _day(value[2:4], value[4:6])


def _switzerland(value: str) -> bool:
    return _weighted(value, (1, 3) * 6 + (1,), 10) == 0


def _any(value: str) -> bool:
    return True


class Identity(NamedTuple):
    """An id: its form in text, the check of its bare letters and digits, and what must stand before (None: nothing)."""

    form: re.Pattern[str]
    check: Callable[[str], bool]
    word: re.Pattern[str] | None


def _identity(form: str, check: Callable[[str], bool], word: str | None = None) -> Identity:
    named = re.compile(rf"(?:^|[^a-z])(?:{word})(?:[^a-z]|$)") if word else None
    return Identity(re.compile(rf"(?<![\w.+-]){form}(?![\w-]|\.\d)", re.ASCII), check, named)


_DRIVING = "driving licence"
IDENTITIES: dict[str, Identity] = {
    "GB": _identity(
        r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D]",
        _any,
        r"ni|nino|national insurance",
    ),
    "FR": _identity(r"[12] ?\d\d ?(?:0[1-9]|1[0-2]) ?\d\d ?\d{3} ?\d{3} ?\d\d", _france),
    "ES": _identity(r"(?:\d{8}|[XYZ]-?\d{7})-?[A-HJ-NP-TV-Z]", _spain),
    "IT": _identity(r"[A-Z]{6}\d\d[A-EHLMPR-T]\d\d[A-Z]\d{3}[A-Z]", _italy),
    "DE": _identity(r"[1-9]\d ?\d{3} ?\d{3} ?\d{3}", _germany, r"steuer\S*|idnr\.?|identifikationsnummer|tax id|tin"),
    "NL": _identity(r"\d{9}|\d{4}\.\d\d\.\d{3}", _netherlands, r"bsn|burgerservicenummer|sofi\S*"),
    "BR": _identity(r"\d{3}\.\d{3}\.\d{3}-\d\d", _brazil),
    "BR plain": _identity(r"\d{11}", _brazil, r"cpf"),
    "IN": _identity(r"[2-9]\d{3}[ -]?\d{4}[ -]?\d{4}", verhoeff, r"aadhaa?r|uidai|uid"),
    "PL": _identity(r"\d{11}", _poland, r"pesel"),
    "SE": _identity(r"(?:19|20)?\d{6}-\d{4}", _sweden),
    "CN": _identity(r"[1-8]\d{5}(?:19|20)\d{9}[\dX]", _china),
    "KR": _identity(r"\d{6}-[1-8]\d{6}", _korea),
    "BE": _identity(r"\d\d\.\d\d\.\d\d-\d{3}\.\d\d", _belgium),
    "CH": _identity(r"756\.\d{4}\.\d{4}\.\d\d", _switzerland),
    "CA": _identity(r"[1-79]\d\d[ -]?\d{3}[ -]?\d{3}", luhn, r"sin|social insurance"),
    _DRIVING: _identity(
        r"(?=\w*\d)[A-Z0-9]{6,16}", _any, r"driv\w+'?s? licen[cs]e|driving licen[cs]e|driver licen[cs]e|führerschein\S*"
    ),
}
"""Ids of persons by state, from the published descriptions of each; the word is asked for where the check says
little."""

_ANY_IDENTITY = re.compile(
    "|".join(f"(?:{known.form.pattern})" for name, known in IDENTITIES.items() if name != _DRIVING), re.ASCII
)
"""One look for all forms but that which any number has: most candidates have none."""


def identity_confidence(text: str, before: str, after: str) -> Iterator[tuple[int, int, float]]:
    """(start, end, confidence) of the first id found in `text`, which may reach two characters to either side of it.

    Places are characters of `text`; a start below 0 lies in `before`.
    """
    licensed = "licen" in before or "schein" in before
    lead = re.search(r"(?:^|[^\w])([a-z]{2} ?)$", before)
    shift = len(lead.group(1)) if lead else 0
    tail = re.match(r"[ -]?[a-z]\b", after)
    whole = (before[len(before) - shift :] + text + (tail.group() if tail else "")).upper()
    if not licensed and not _ANY_IDENTITY.search(whole):
        return
    for known in IDENTITIES.values():
        for found in known.form.finditer(whole):
            value = re.sub(r"[ .-]", "", found.group())
            if known.check(value) and (known.word is None or known.word.search(before)):
                yield found.start() - shift, found.end() - shift, 0.95 if known.check is not _any else 0.85
                return
