"""Postal addresses and names of persons: found by lists and forms, less surely than what has check digits.

Names are pairs of capitalised words of which the first is a given name of `data/names.safetensors` (hashes, from
Faker's lists), or words after a title; addresses a number beside a word for a street in nine languages.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from modelwright.measure.personal_candidate import NAMES
from modelwright.measure.spans import Found

if TYPE_CHECKING:
    from modelwright.measure.spans import Texts

_WORD = r"[A-ZÀ-ÖØ-Þ\u0100-\u017f\u0391-\u03a9\u0410-\u042f][^\W\d_]{0,30}(?:['’-][^\W\d_]{1,30}){0,3}"
_PARTICLE = r"(?:(?:van|von|de|der|den|da|di|del|della|la|le|al|el|bin|ibn|dos|du|af|av|ter|ten) ){0,2}"
_PERSON = re.compile(
    rf"(?P<title>\b(?:Mrs?|Ms|Miss|Dr|Prof|Sir|Herr|Frau|Mme|Mlle|Monsieur|Madame|Se[ñn]or(?:a)?|Sra?|Sig)\.? )?"
    rf"\b(?P<given>{_WORD})(?: (?P<middle>[A-Z]\.|{_WORD}))?(?: {_PARTICLE}(?P<family>{_WORD}))?"
)
_TOWN = r"(?:,? ?\n?[A-Z][\w.'-]{1,30}(?: [A-Z][\w.'-]{1,30})?(?:, ?| )(?:[A-Z]{2}(?: |,))? ?\d{4,6}(?:-\d{4})?)?"
_STREETS = "|".join(
    (
        "Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Drive|Dr|Court|Ct|Boulevard|Blvd|Way|Place|Pl|Square|Sq|Terrace|Close",
        "Crescent|Highway|Hwy|Parkway|Pkwy|Circle|Trail|Row|Walk",
    )
)
_ENDINGS = "stra(?:ß|ss)e|str\\.|weg|platz|allee|gasse|damm|straat|laan|plein|gracht|kade|gatan|vägen|vej|gade|katu|tie"
_WAYS = "rue|avenue|boulevard|place|chemin|allée|impasse|quai|cours"
_SOUTHERN = "Calle|C/|Avenida|Avda\\.?|Plaza|Paseo|Via|Viale|Piazza|Corso|Rua|Praça|Travessa|Ulica|ul\\."
_CAPITAL = r"[A-ZÀ-Þ][\wÀ-ÿ'-]{0,30}"
_FORMS = (
    rf"\d{{1,6}}[A-Za-z]? (?:[NSEW]\.? )?(?:[A-Z0-9][\w.'-]{{0,30}} ){{1,4}}(?:{_STREETS})\b\.?"
    rf"(?:,? ?\n?(?:Apt|Suite|Unit|Floor|#)\.? ?\w+)?{_TOWN}",
    rf"(?:[A-ZÄÖÜ][\wäöüß.-]{{0,30}}(?: |-)){{0,2}}[A-ZÄÖÜ]?[\wäöüß-]{{0,30}}(?:{_ENDINGS}) \d{{1,4}} ?[a-z]?\b"
    r"(?:,? ?\n?(?:[A-Z]{1,2}-)?\d{4,5}(?: [A-Z]{2})? [A-ZÄÖÜ][\wäöüß-]{1,30})?",
    rf"\d{{1,4}}(?: ?bis| ?ter)?,? (?:{_WAYS}) (?:de |du |des |la |l'|d'|les ){{0,2}}[A-Za-zÀ-ÿ][\wÀ-ÿ'-]{{1,30}}"
    rf"(?: {_CAPITAL}){{0,3}}(?:,? \d{{5}} {_CAPITAL})?",
    rf"(?:{_SOUTHERN}) (?:[\wÀ-ÿ.'-]{{1,30}} ){{0,3}}{_CAPITAL},? (?:n\.?[º°]? ?)?\d{{1,4}}\b",
    rf"P\.? ?O\.? ?Box \d{{1,6}}{_TOWN}",
)
_ADDRESS = re.compile(rf"\b(?:{'|'.join(_FORMS)})")


@functools.cache
def _names() -> tuple[frozenset[int], frozenset[int]]:
    """Hashes of given names and of family names."""
    from safetensors.numpy import load_file

    tensors = load_file(NAMES)
    given, family = (frozenset(tensors[name].tolist()) for name in ("given", "family"))
    return given, family


@functools.lru_cache(maxsize=65_536)
def _listed(word: str) -> tuple[bool, bool]:
    """Whether a word is a given name, a family name."""
    key = int.from_bytes(hashlib.sha256(word.lower().encode("utf-8")).digest()[:8], "big")
    given, family = _names()
    return key in given, key in family


def _persons(text: str) -> Iterator[tuple[int, int, float]]:
    place = 0
    while found := _PERSON.search(text, place):
        place = found.end("given")  # what follows a word that is no name may begin one
        last = found.group("family") or found.group("middle")
        if found.group("title"):
            yield found.start("given"), found.end(), 0.8
            place = found.end()
        elif last and not last.endswith(".") and _listed(found.group("given"))[0]:
            yield found.start(), found.end(), 0.8 if _listed(last)[1] else 0.5
            place = found.end()


def _postal(text: str) -> Iterator[tuple[int, int, float]]:
    for found in _ADDRESS.finditer(text):
        yield found.start(), found.end(), 0.7


def names(texts: Texts) -> list[Found]:
    """Persons, in order of (row, start): .8 with a title or when both names are listed, .5 when the given name is."""
    return list(_everywhere(texts, "name", _persons))


def addresses(texts: Texts) -> list[Found]:
    """Postal addresses, in order of (row, start)."""
    return list(_everywhere(texts, "address", _postal))


def _everywhere(texts: Texts, kind: str, finder: Callable[[str], Iterator[tuple[int, int, float]]]) -> Iterator[Found]:
    """Spans in characters as findings in bytes; each text is decoded once, and its bytes are counted once."""
    for row in range(len(texts)):
        text = texts.bytes(row).decode("utf-8", "replace")
        plain, place, size = text.isascii(), 0, 0
        for first, last, confidence in finder(text):
            if plain:
                yield Found(row, kind, first, last, confidence)
                continue
            size += len(text[place:first].encode("utf-8"))
            start, place = size, last
            size += len(text[first:last].encode("utf-8"))
            yield Found(row, kind, start, size, confidence)
