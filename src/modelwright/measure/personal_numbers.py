"""Numbers that stand for a person or a machine: accounts, networks, dates, ids of states. Check digits first, then the
words before. Every validator takes a `Candidate` and yields `Span`s (see `personal_kinds.py`)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from modelwright.measure.personal_candidate import Candidate, Span
from modelwright.measure.personal_checks import identity_confidence, mod97

_LENGTHS = dict(
    re.findall(
        r"([A-Z]{2})(\d\d)",
        "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BR29BY28CH21CR22CY28CZ24DE22DK18DO28EE20EG29ES24FI18FO18FR27GB22GE22GI23"
        "GL18GR27GT28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MR27MT31MU30"
        "NL18NO15PK24PL28PS29PT25QA29RO24RS22SA24SC31SD18SE24SI19SK24SM27ST25SV28TL23TN24TR26UA29VA22VG24XK20",
    )
)
"""Country -> characters of its IBAN, from the registry of ISO 13616."""
_ACCOUNT = re.compile(r"[a-z]{2}\d\d(?:[ -]?[a-z0-9]){11,30}")


def iban(candidate: Candidate) -> Iterator[Span]:
    """Country, its length, remainder 1 modulo 97 (ISO 13616, ISO 7064)."""
    found = _ACCOUNT.match(candidate.text.lower() + candidate.after)
    size = int(_LENGTHS.get(candidate.text[:2].upper(), 0))
    if not found or not size:
        return
    characters = [(place, letter) for place, letter in enumerate(found.group().upper()) if letter not in " -"][:size]
    plain = "".join(letter for _, letter in characters)
    if len(plain) == size and mod97(plain[4:] + plain[:4]) == 1 and set(plain[4:]) - set("0"):
        following = (candidate.text.lower() + candidate.after)[characters[-1][0] + 1 :][:1]
        if not following.isalnum():
            yield Span(candidate.start, candidate.start + characters[-1][0] + 1, 0.99)


_SOCIAL = re.compile(r"(?<![\d-])(?!000|666|9)(\d{3})([- ]?)(?!00)\d\d\2(?!0000)\d{4}(?![\d-])")
_SOCIAL_WORD = re.compile(r"\b(?:ssn|social security|soc\.? sec)\b")


def ssn(candidate: Candidate) -> Iterator[Span]:
    """Area, group and serial of the United States as ever issued; without hyphens only after its name."""
    for found in _SOCIAL.finditer(candidate.text):
        named = _SOCIAL_WORD.search(candidate.before)
        if named or found.group(2) == "-":
            yield candidate.span(found.start(), found.end(), 0.99 if named else 0.9)


_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_QUAD = re.compile(rf"(?<![\d.])(?:{_OCTET}\.){{3}}{_OCTET}(?!\d|\.\d)")
_VERSION_WORD = re.compile(
    r"(?:\b(?:version|versions|ver|v|release|revision|rev|build|section|sections|sec|chapter|table|figure|clause"
    r"|appendix|oid|python|pip|chrome|firefox|safari|edge|opera|webkit|driver|kernel|since|upgrade|to|from)"
    r"|§|==|>=|<=|~=|@|/)[\s:\"'=/]*[vV]?$"
)
_NETWORK_WORD = re.compile(r"\b(?:ip|ips|ipv4|host|server|address|gateway|dns|client|remote|addr|peer|subnet|ping)\b")
_DOCUMENTATION = tuple(ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"))
_LOCAL = ipaddress.ip_network("fc00::/7")


def ip(candidate: Candidate) -> Iterator[Span]:
    """Addresses of version 4 and 6. Loopback and none are no machine's; private ones count little; dotted numbers
    below 32, or after a word such as "version", are no addresses."""
    if ":" in candidate.text:
        yield from _version_6(candidate)
        return
    for found in _QUAD.finditer(candidate.text):
        address = ipaddress.IPv4Address(found.group())
        before = candidate.before + candidate.text[: found.start()].lower()
        named = bool(_NETWORK_WORD.search(before))
        if address.is_loopback or address.packed[0] in (0, 255):
            continue
        if not named and (_VERSION_WORD.search(before) or before[-1:] == "-"):
            continue
        if not named and (max(address.packed) < 32 or re.match(r"-?[a-z]", candidate.after)):
            continue
        written = any(address in net for net in _DOCUMENTATION)  # private to Python, yet written as anyone's
        private = (address.is_private and not written) or address.is_multicast
        if found.end() == len(candidate.text) or candidate.text[found.end()] in " /,-)":
            yield candidate.span(found.start(), found.end(), 0.4 if private else 0.95 if named else 0.9)


def _version_6(candidate: Candidate) -> Iterator[Span]:
    text = candidate.text.rstrip(":") if not candidate.text.endswith("::") else candidate.text
    try:
        address = ipaddress.IPv6Address(text)
    except ValueError:
        return
    if address.is_loopback or address.is_unspecified or address.is_multicast:
        return
    yield candidate.span(0, len(text), 0.4 if address in _LOCAL or address.is_link_local else 0.97)


_MAC = re.compile(r"(?:[0-9A-Fa-f]{2}([:-]))(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}")


def mac(candidate: Candidate) -> Iterator[Span]:
    """Six pairs of hexadecimal digits, not all alike."""
    if _MAC.fullmatch(candidate.text):
        pairs = re.split("[:-]", candidate.text.lower())
        if len(set(pairs)) > 2:
            yield candidate.span(0, len(candidate.text), 0.95)


_MONTH = (
    r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|januar|februar|märz|mai|juni|juli|okt|dez"
    r"|janvier|février|mars|avril|juin|juillet|août|enero|febrero|marzo|abril|mayo|junio|julio|agosto)[a-zéû.]*"
)
_DAY, _NUMBERED = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])"
_YEAR = r"(?:19|20)\d\d"
_DATE = re.compile(
    rf"(?<![\d./-])(?:{_YEAR}([-./])(?:{_NUMBERED}\1{_DAY}|{_DAY}\1{_NUMBERED})"
    rf"|{_DAY}([-./])(?:{_NUMBERED}|{_DAY})\2(?:{_YEAR}|\d\d)|{_NUMBERED}([-./]){_DAY}\3(?:{_YEAR}|\d\d))(?![\d/-]|\.\d)"
)
_SPELLED = re.compile(rf"(?:{_DAY}(?:st|nd|rd|th|\.)? (?:of )?{_MONTH},? |{_MONTH} {_DAY}(?:st|nd|rd|th)?,? )$")
_BIRTH_WORD = re.compile(
    r"\b(?:born|birth ?da(?:y|te)|date of birth|d\.?o\.?b\b|birth|geboren|geburtsdatum|née?|né\(e\)|naissance"
    r"|nacid[oa]|nacimiento|nat[oa]|nascita|nascimento|geboortedatum)(?!\w)[^.;\n]{0,30}$"
)


def birth_date(candidate: Candidate) -> Iterator[Span]:
    """A date after a word of birth, in numbers or with the month spelled; a year alone at .4, any other numeric date at
    .3."""
    if len(candidate.text) == 4:  # the scan saw a year after letters as in `born`
        if not _BIRTH_WORD.search(candidate.before):
            return
        spelled = _SPELLED.search(candidate.before)
        size = len(spelled.group().encode()) if spelled else 0
        if spelled or candidate.before.rstrip().endswith((" in", "geboren", ",")):
            yield Span(candidate.start - size, candidate.end, 0.9 if spelled else 0.4)
        return
    for found in _DATE.finditer(candidate.text):
        before = candidate.before + candidate.text[: found.start()].lower()
        born = _BIRTH_WORD.search(before[-60:])
        if born or candidate.least <= 0.3:
            yield candidate.span(found.start(), found.end(), 0.95 if born else 0.3)


_PASSPORT_WORD = re.compile(r"\b(?:passport|reisepass|passeport|pasaporte|passaporto|paspoort)\b[^\n]{0,30}$")
_PASSPORT = re.compile(r"\b[A-Za-z]{0,2}\d{6,9}\b")


def passport(candidate: Candidate) -> Iterator[Span]:
    """6 to 9 digits, up to two letters first, after the word in six languages: no check digit shows in text."""
    if _PASSPORT_WORD.search(candidate.before):
        found = _PASSPORT.search(candidate.text)
        if found:
            yield candidate.span(found.start(), found.end(), 0.9)


def national_id(candidate: Candidate) -> Iterator[Span]:
    """Ids of states in `personal_checks.IDENTITIES`: form, check digit and, where these say little, a word before."""
    for start, end, confidence in identity_confidence(candidate.text, candidate.before, candidate.after):
        yield candidate.span(start, end, confidence)
