"""Made values of the same shape as personal data, in ranges that belong to nobody, and the test that knows them again.

Reserved for the purpose: example.org (RFC 2606), 198.51.100.0/24 (RFC 5737), 2001:db8::/32 (RFC 3849), MAC addresses
00-00-5E-00-53 (RFC 7042), telephone numbers 555-01xx (NANPA) and 07700 900xxx (Ofcom), no issuer's cards 9999.
Only a part of each range is used and known again, so that a reserved value that someone wrote is still found.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from modelwright.measure.personal_checks import luhn, mod97

_FIRST = ("Alex", "Robin", "Kim", "Sam", "Chris", "Jo", "Andrea", "Dominique", "Sascha", "Charlie", "Maxime", "Noa")
_LAST = (
    "Doe",
    "Roe",
    "Bloggs",
    "Muster",
    "Sample",
    "Nomen",
    "Placeholder",
    "Someone",
    "Anyone",
    "Example",
    "Tal",
    "Soe",
)

_MADE = {
    "email": re.compile(r"[a-z]+\.[0-9a-f]{8}@example\.org"),
    "ip": re.compile(r"198\.51\.100\.\d+|2001:db8:ffff:[0-9a-f:]+", re.I),
    "mac": re.compile(r"00[:-]00[:-]5e[:-]00[:-]53[:-]..", re.I),
    "phone": re.compile(r"1?\d{3}555019\d|555019\d|(?:44|0)77009009\d\d|\d*?0000000\d{2,3}"),
    "iban": re.compile(r"[A-Z]{2}\d\d0{8}\w+"),
    "card": re.compile(r"9999\d+"),
    "passport": re.compile(r"\D*0\D*0\D*0.*"),
    "national_id": re.compile(r"\D*0\D*0\D*0.*"),
    "birth_date": re.compile(r".*\b1900\b.*|.*[-./]00", re.S),
    "user_name": re.compile(r"user-[0-9a-f]{8}"),
    "name": re.compile(rf"(?:{'|'.join(_FIRST)}) (?:{'|'.join(_LAST)})"),
    "address": re.compile(r"\d+ Example Street"),
}


def is_made(kind: str, value: str) -> bool:
    """Whether a value is one of those that stand in place of another."""
    form = _MADE.get(kind)
    if form is None:
        return False
    if kind in ("phone", "iban", "card", "passport", "national_id"):
        value = re.sub(r"[^\w]", "", value)
    return bool(form.fullmatch(value))


def _fill(text: str, digits: str) -> str:
    """`text` with its digits replaced one after the other; further ones become 0."""
    rest = iter(digits)
    return "".join(next(rest, "0") if letter.isdecimal() else letter for letter in text)


def _email(text: str, drawn: int, kind: str) -> str:
    return f"{_FIRST[drawn % len(_FIRST)].lower()}.{drawn >> 8 & 0xFFFFFFFF:08x}@example.org"


def _phone(text: str, drawn: int, kind: str) -> str:
    digits = re.sub(r"\D", "", text)
    if digits.startswith("44") and len(digits) == 12:
        return _fill(text, f"4477009009{drawn % 100:02d}")
    if digits.startswith("07") and len(digits) == 11:
        return _fill(text, f"077009009{drawn % 100:02d}")
    area = f"{2 + drawn % 8}{drawn // 8 % 9}{drawn // 80 % 10}"
    if len(digits) in (10, 11) and (len(digits) == 10 or digits[0] == "1"):
        return _fill(text, f"{'1' * (len(digits) - 10)}{area}555019{drawn // 800 % 10}")
    return (
        _fill(text, f"{'0' * (len(digits) - 2)}{drawn % 100:02d}")
        if len(digits) > 8
        else _fill(text, f"555019{drawn % 10}")
    )


def _card(text: str, drawn: int, kind: str) -> str:
    size = sum(letter.isdecimal() for letter in text)
    body = f"9999{str(drawn).rjust(40, '0')[-max(size - 5, 0) :]}"
    check = next(digit for digit in "0123456789" if luhn(body[: size - 1] + digit))
    return _fill(text, body[: size - 1] + check)


def _iban(text: str, drawn: int, kind: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9]", "", text).upper()
    account = f"{drawn % 10**6:06d}".rjust(len(plain) - 4, "0")
    whole = iter(f"{plain[:2]}{98 - mod97(account + plain[:2] + '00'):02d}{account}")
    return "".join(next(whole) if letter.isalnum() else letter for letter in text)


def _ip(text: str, drawn: int, kind: str) -> str:
    if ":" in text:
        return f"2001:db8:ffff::{drawn & 0xFFFF or 1:x}:{drawn >> 16 & 0xFFFF or 1:x}"
    return f"198.51.100.{1 + drawn % 254}"


def _mac(text: str, drawn: int, kind: str) -> str:
    mark = text[2:3] or ":"
    return mark.join(("00", "00", "5E", "00", "53", f"{drawn & 0xFF:02X}"))


def _ssn(text: str, drawn: int, kind: str) -> str:
    return _fill(text, f"900{drawn % 90 + 10}{drawn // 90 % 9000 + 1000}")


def _date(text: str, drawn: int, kind: str) -> str:
    if re.search(r"[^\W\d]", text):
        return f"{1 + drawn % 28} January 1900"
    parts = [f"{1 + (drawn >> 5 * place) % 12:02d}" for place in range(3)]
    groups = re.findall(r"\d+", text)
    sizes = [len(group) for group in groups]
    parts = ["1900" if size == 4 else part for size, part in zip(sizes, parts, strict=False)]
    if 4 not in sizes:
        parts[-1] = "00"
    rest = iter(parts)
    return re.sub(r"\d+", lambda found: next(rest), text)


def _url(text: str, drawn: int, kind: str) -> str:
    return f"https://host-{drawn & 0xFFFFFFFF:08x}.example.org/"


def _user(text: str, drawn: int, kind: str) -> str:
    return f"user-{drawn & 0xFFFFFFFF:08x}"


def _name(text: str, drawn: int, kind: str) -> str:
    return f"{_FIRST[drawn % len(_FIRST)]} {_LAST[drawn // 16 % len(_LAST)]}"


def _address(text: str, drawn: int, kind: str) -> str:
    return f"{1 + drawn % 300} Example Street"


def _number(text: str, drawn: int, kind: str) -> str:
    size = sum(letter.isdecimal() for letter in text)
    letters = iter("".join(chr(65 + (drawn >> 5 * place) % 26) for place in range(24)))
    made = _fill(text, "000" + f"{drawn:040d}"[-max(size - 3, 0) :] if size > 3 else "000")
    return "".join(next(letters, "X") if letter.isalpha() else letter for letter in made)


def anything(text: str, drawn: int, kind: str) -> str:
    """For kinds without a range of their own: a word that says what stood there."""
    return f"REDACTED_{kind.upper()}_{drawn & 0xFFFFFFFF:08x}"


SURROGATES: dict[str, Callable[[str, int, str], str]] = {
    "email": _email, "phone": _phone, "card": _card, "iban": _iban, "ip": _ip, "mac": _mac, "ssn": _ssn,
    "birth_date": _date, "url": _url, "user_name": _user, "name": _name, "address": _address, "passport": _number,
    "national_id": _number,
}  # fmt: skip
"""Kind -> (value, a keyed number of 128 bits, kind) -> what stands in its place."""
