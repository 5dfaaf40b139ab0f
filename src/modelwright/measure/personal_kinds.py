"""What makes a candidate personal data: one small function a kind, `Candidate -> Span`s.

To add a kind: write its validator and enter it in KINDS with the shapes of candidate that it looks at.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from modelwright.measure.personal_candidate import CONTEXT_BYTES, Candidate, Span
from modelwright.measure.personal_checks import luhn
from modelwright.measure.personal_numbers import birth_date, iban, ip, mac, national_id, passport, ssn
from modelwright.measure.personal_scan import ADDRESS, HEXADECIMAL, LINK, NAMED, NUMBER, WORD, YEAR

_NO_TOP_LEVEL = re.compile(
    r"png|jpe?g|gif|svg|webp|ico|bmp|css|[jt]sx?|mjs|pyc?|rb|json|html?|php|txt|xml|ya?ml|toml|so|dll|jar|zip|tar|gz|whl|exe"
    r"|service|timer|socket|target|mount|local|localdomain|md|rst|cfg|ini|conf|log|lock|cc?|cpp|h|java|kt|go|rs"
)
_EMAIL = re.compile(
    r"[A-Za-z0-9](?:[\w.%+'-]*[\w%+-])?@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+([A-Za-z]{2,24})(?!\w)", re.A
)


def email(candidate: Candidate) -> Iterator[Span]:
    """An address with a domain whose last label is a word that is no file ending; `git@host` is a login, not a
    person.
    """
    found = _EMAIL.search(candidate.text)
    if not found or ".." in found.group() or _NO_TOP_LEVEL.fullmatch(found.group(1).lower()):
        return
    if found.group().startswith("git@") or candidate.before.endswith("://"):
        return
    start = candidate.start + found.start()
    yield Span(start, start + len(found.group()), 0.99)


_ISSUERS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})"  # Visa
    r"|(?:5[1-5]\d{2}|222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|3(?:0[0-5]|[689]\d)\d{11}"  # Diners Club
    r"|(?:6011|65\d{2}|64[4-9]\d)\d{12}(?:\d{3})?"  # Discover
    r"|35(?:2[89]|[3-8]\d)\d{12}|(?:2131|1800)\d{11}"  # JCB
    r"|62\d{14,17}"  # UnionPay
    r"|(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{8,15}"  # Maestro
)


_GROUPS = re.compile(r"\d+")
_CARD_WORD = re.compile(r"\b(?:card|visa|mastercard|amex|karte|carte|tarjeta|carta)\b")


def card(candidate: Candidate) -> Iterator[Span]:
    """Whole groups of digits, parted by single spaces or hyphens, with a right check digit and an
    issuer's prefix and length (any prefix after the word "card")."""
    groups = list(_GROUPS.finditer(candidate.text))
    named = bool(_CARD_WORD.search(candidate.before))
    first = 0
    while first < len(groups):
        digits, last = "", first
        while last < len(groups) and len(digits) < 19:
            if last > first and candidate.text[groups[last - 1].end() : groups[last].start()] not in (" ", "-"):
                break
            digits += groups[last].group()
            last += 1
            issued = _ISSUERS.fullmatch(digits) or (named and 12 <= len(digits) <= 19)
            if issued and luhn(digits) and len(set(digits)) > 1:
                span = candidate.start + groups[first].start(), candidate.start + groups[last - 1].end()
                if last - first == 1 or min(len(group.group()) for group in groups[first:last]) >= 3:
                    yield Span(*span, 0.9 if last - first == 1 else 0.99)
                    first = last - 1
                    break
        first += 1


_PHONE_WORD = re.compile(
    r"\b(?:phone|telephone|tel|mobile|cell|fax|call|calls|calling|dial|ring|text|txt|sms|whatsapp|contact"
    r"|reach|hotline|helpline|desk|"
    r"messages? to|ph|landline|freephone|telefon|handy|mobil|t[ée]l|t[ée]l[ée]phone|tel[ée]fono|m[óo]vil"
    r"|celular|telefono|cellulare|telefoon)\b"
)
_OTHER_NUMBER = re.compile(
    r"\b(?:licen[cs]e|account|acct|order|invoice|serial|isbn|issn|ssn|social security|passport|card|ticket"
    r"|tracking|iban|part|"
    r"model|version|rfc|doi|pmid|arxiv|commit|hash|uuid|id|ref|reference|patent|section|port|ip|zip"
    r"|postcode|timestamp|seed)\b[^\n]{0,20}$"
)
_NOT_PHONE = re.compile(
    r"\d{4}[-./]\d{1,2}[-./]\d{1,2}(?:[ T.-].*)?"
    r"|\d{1,2}[-./]\d{1,2}[-./]\d{2,4}(?: .*)?"  # dates, with or without a time
    r"|(?!0\d(?:\.\d\d){4}$)\d{1,3}(?:\.\d{1,3}){3,}|\d{1,5}\.\d+"
    r"|\d+(?:\.\d+){1,2}\.\d{1,2}"  # dotted addresses, decimals, versions
    r"|(?:1[5-9]|20)\d\d ?[-–] ?(?:1[5-9]|20)\d\d"  # years
    r"|97[89](?:[- ]?\d){10}"  # ISBN
    r"|\d{5}-\d{4}"  # ZIP code, as in the address of the FSF
    r"|.*(?:19|20)\d\d-[01]\d-[0-3]\d.*"
    r"|0?1234567890?"
)
_AMERICAN = re.compile(r"(?:1[ .-]|001-)?(?:\([2-9]\d\d\) ?|[2-9]\d\d[.-])[2-9]\d\d[.-]\d{4}")
_IN_HEX_BEFORE, _IN_HEX_AFTER = re.compile(r"[0-9a-z]-$"), re.compile(r"-[0-9]*[a-f][0-9a-f]*\b")  # part of a UUID
_CODE_BETWEEN = re.compile(r"[_={}\[\]]|\w\(")
_NUMBERS = re.compile(r"[+(\d](?:(?! / |  | - [0(+])[\d ./()-])*")  # `030 123 / 030 456` are two
_LETTERS = re.compile(r"[A-Za-z]")
_GLUED = re.compile(r"(?:call|tel|phone|help|text|txt|mobile|mob|ring|ph|fax)(0\d{9,10})", re.I)
_EXTENSION = re.compile(r" ?(?:x|ext\.? ?)\d{1,5}\b")


@functools.lru_cache(maxsize=4096)
def _verdict(text: str, regions: tuple[str, ...]) -> int:
    """2: a number in use in one of the regions (or the country of its +), 1: of a possible length, 0: neither."""
    import phonenumbers

    best = 0
    for region in (None,) if text.startswith("+") else regions:
        try:
            number = phonenumbers.parse(text, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return 2
        best = max(best, int(phonenumbers.is_possible_number(number)))
    return best


def _phone_confidence(text: str, candidate: Candidate) -> float:
    digits = re.sub(r"\D", "", text)
    if not 7 <= len(digits) <= 15 or _NOT_PHONE.fullmatch(text) or len(set(digits)) < 3:
        return 0.0
    if _IN_HEX_BEFORE.search(candidate.before) or _IN_HEX_AFTER.match(candidate.after):
        return 0.0
    context = any(
        not _CODE_BETWEEN.search(candidate.before, word.end()) for word in _PHONE_WORD.finditer(candidate.before)
    )
    if not context and (
        _OTHER_NUMBER.search(candidate.before) or candidate.before[-1:] in ("#", "/", "=", "_", ".", "$")
    ):
        return 0.0
    if text.startswith(("+", "00")):
        verdict = _verdict("+" + digits.lstrip("0"), ())
        return (0.0, 0.8, 0.97)[verdict] or (0.7 if context else 0.0)
    if context:
        return 0.9 if _verdict(text, candidate.regions) else 0.7
    if _AMERICAN.fullmatch(text) and "US" in candidate.regions:
        return 0.9
    groups = [len(group) for group in re.findall(r"\d+", text)]
    national = text.startswith(("0", "(0")) and len(groups) <= 5
    if national and len(digits) >= 9 and min(groups) >= 2 and _verdict(text, candidate.regions) == 2:
        return 0.75 if len(groups) > 1 else 0.6
    return 0.0


def phone(candidate: Candidate) -> Iterator[Span]:
    """A number with +, in American form, after a word such as "call", or in use in one of the regions with its
    leading 0.
    """
    glued = _GLUED.fullmatch(candidate.text)
    if glued and _verdict(glued.group(1), candidate.regions) == 2:
        yield candidate.span(glued.start(1), glued.end(1), 0.8)
    if glued or _LETTERS.search(candidate.text):  # a word: no number by itself
        return
    for part in _NUMBERS.finditer(candidate.text):
        text = part.group().rstrip(" .-/()")
        shift = 0
        if text.count("(") != text.count(")"):
            shift = 1 if text.startswith("(") else 0
            text = text[1:] if shift else text[: text.rfind("(")].rstrip(" .-/")
        first = part.start() + shift
        before = (candidate.before + candidate.text[: part.start()].lower())[-CONTEXT_BYTES:]
        confidence = _phone_confidence(text, candidate._replace(before=before))
        if confidence:
            rest = (candidate.text[first + len(text) :] + candidate.after)[:8]
            extension = _EXTENSION.match(rest)
            start = candidate.start + first
            yield Span(start, start + len(text) + (extension.end() if extension else 0), confidence)


_LOGIN = re.compile(r"[A-Za-z][\w+-]*://(?P<user>[^\s/:@]*):(?P<word>[^\s/@]+)@[^\s/?#]+[^\s]*")
_LINK = re.compile(r"(?:https?|ftp)://(?:[\w-]+\.)+[A-Za-z]{2,}(?::\d+)?(?:[/?#][^\s]*)?")
_NOT_IN_LINK = ".,;:!?)]*_'\""
PLACEHOLDER = re.compile(
    r"[<${%*\[(]|x{3}|\.\.\.|^(?:user(?:name)?|pass(?:word|wd)?|pwd|pw|secret|token|key|changeme|example|your\S*|my\S*|foo|bar"
    r"|test|none|null|true|false|string|str|int|default)$", re.I
)  # fmt: skip
"""What stands where a value belongs: `${PASS}`, `<password>`, `***`, `changeme`."""


def url(candidate: Candidate) -> Iterator[Span]:
    """A URL that holds a login; any other at .3."""
    found = _LOGIN.match(candidate.text)
    if found and not PLACEHOLDER.search(found.group("word")) and found.group("word") != found.group("user"):
        yield candidate.span(0, len(found.group().rstrip(_NOT_IN_LINK)), 0.97)
        return
    found = _LINK.match(candidate.text) if candidate.least <= 0.3 else None
    if found:
        yield candidate.span(0, len(found.group().rstrip(_NOT_IN_LINK)), 0.3)


_USER_WORD = re.compile(r"(?:^|[\s\"'({,])(?:user|user[ _-]?name|login|screen[ _-]?name)[\"']?$")
_USER = re.compile(r"[:=][ \t]?(?P<quote>[\"']?)(?P<name>[A-Za-z][A-Za-z0-9_.-]{2,31})(?P=quote)(?=[\s,;}\]\"']|$)")
_HANDLE = re.compile(r"@(?P<name>[A-Za-z0-9_]{3,30})(?![\w.@(])")


def user_name(candidate: Candidate) -> Iterator[Span]:
    """The value after `user:` or `login:` that holds a digit as names of accounts do; an @handle at .3."""
    if candidate.text.startswith("@"):
        found = _HANDLE.match(candidate.text) if candidate.least <= 0.3 else None
        if found:
            yield candidate.span(found.start(), found.end(), 0.3)
        return
    found = _USER.match(candidate.text)
    if found and _USER_WORD.search(candidate.before) and not PLACEHOLDER.search(found.group("name")):
        name = found.group("name").rstrip(".-")
        if re.search(r"[a-z].*\d$|^[a-z]+[._-][a-z]+\d*$", name.lower()) and (
            candidate.text[0] == ":" or found.group("quote")
        ):
            yield candidate.span(found.start("name"), found.start("name") + len(name), 0.7)


class Kind(NamedTuple):
    """The shapes of candidate that a kind looks at, and its validator. Earlier kinds win over later ones on the same
    bytes."""

    shapes: frozenset[int]
    validate: Callable[[Candidate], Iterator[Span]]


def _kind(validate: Callable[[Candidate], Iterator[Span]], *shapes: int) -> Kind:
    return Kind(frozenset(shapes), validate)


KINDS: dict[str, Kind] = {
    "url": _kind(url, LINK),
    "email": _kind(email, ADDRESS),
    "iban": _kind(iban, WORD),
    "card": _kind(card, NUMBER),
    "ip": _kind(ip, NUMBER, HEXADECIMAL),
    "mac": _kind(mac, HEXADECIMAL),
    "passport": _kind(passport, NUMBER, WORD),
    "national_id": _kind(national_id, NUMBER, WORD),
    "ssn": _kind(ssn, NUMBER),
    "birth_date": _kind(birth_date, NUMBER, YEAR),
    "phone": _kind(phone, NUMBER, WORD),
    "user_name": _kind(user_name, NAMED),
}
