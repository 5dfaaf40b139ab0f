# mypy: disable-error-code="untyped-decorator"
"""Find secrets: keys, tokens and passwords as they stand in files. One scan for long words, then their public formats.

The formats are those that the providers publish (prefix, alphabet, length); a value without a prefix counts after a
word such as `api_key =` when its letters are as mixed as chance mixes them.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import int64, njit, types, uint8

from modelwright.measure.credential_forms import STARTS, TOKENS
from modelwright.measure.personal_kinds import PLACEHOLDER
from modelwright.measure.spans import Found

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelwright.measure.spans import Texts

LEAST_WORD, LONGEST_WORD = 10, 4096
"""Bytes of a word that is looked at; what is longer is data, of which only the beginning counts."""
LEAST_WITHOUT_DIGIT = 20
KEY_BYTES = 16_000
_SHORT = 50  # a longer word may be a coin's key
_BEFORE = 60

_END, _LOWER, _UPPER, _JOINT, _OTHER, _DIGIT, _MARK = range(7)


def _classes() -> NDArray[np.uint8]:
    classes = np.full(256, _OTHER, np.uint8)
    classes[:33] = _END
    classes[127:] = _END
    classes[[ord(mark) for mark in "\"'`<>(){}[],;"]] = _END
    classes[ord("a") : ord("z") + 1] = _LOWER
    classes[ord("A") : ord("Z") + 1] = _UPPER
    classes[[ord(joint) for joint in "-_=+"]] = _JOINT
    classes[[ord(digit) for digit in "0123456789"]] = _DIGIT
    classes[[ord(mark) for mark in "@"]] = _MARK
    return classes


def _among(letters: str) -> NDArray[np.bool_]:
    table = np.zeros(256, np.bool_)
    table[[ord(letter) for letter in letters]] = True
    return table


_CLASSES = _classes()
_HYPHEN, _COLON, _EQUALS, _LOWERED = ord("-"), ord(":"), ord("="), 32
_BETWEEN = " \t\"'`=:>[](){},@"
_NAME_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
_IS_BETWEEN, _IS_NAME = _among(_BETWEEN), _among(_NAME_LETTERS)
_MIXED = 1 << _LOWER | 1 << _UPPER | 1 << _JOINT


@njit(cache=True, nogil=True)
def _said_before(data: Any, begin: int, start: int) -> bool:  # pragma: no cover - compiled
    """Whether `_assigned` may hold of what stands before byte `start`: a sign of giving, or a word of _SAID_ALONE."""
    begin = max(begin, start - _BEFORE)
    index = start
    while index > begin and _IS_BETWEEN[data[index - 1]]:
        index -= 1
        if data[index] == _EQUALS or data[index] == _COLON:
            return True
    stop = index
    while index > begin and _IS_NAME[data[index - 1]]:
        index -= 1
    first = data[index] | _LOWERED
    return stop < start and stop - index in (5, 6, 8) and first in (ord("b"), ord("p"), ord("t"))


@njit(
    int64(types.Array(uint8, 1, "C", readonly=True), types.Array(int64, 1, "C", readonly=True), int64[:, ::1]),
    cache=True, nogil=True,
)  # fmt: skip
def _scan(data: Any, offsets: Any, out: Any) -> int:  # pragma: no cover - compiled
    """Fill rows (text, start, end, telling) of `out` with words that hold a digit or an `@`, are long and mixed, or
    begin with hyphens. `telling` is 0 where only the forms of tokens can tell that a word is a secret.

    A word of LEAST_WORD bytes lies over one of every LEAST_WORD bytes, so only these are looked at first.
    """
    found = 0
    for text in range(len(offsets) - 1):
        begin, end = offsets[text], offsets[text + 1]
        free = begin  # a word can only begin here or later
        while free + LEAST_WORD <= end:
            index = free + LEAST_WORD - 1
            while index >= free and _CLASSES[data[index]] != _END:
                index -= 1
            if index >= free:
                free = index + 1
                continue
            stop, seen, giving = free, 0, False
            while stop < end and _CLASSES[data[stop]] != _END:
                seen |= 1 << _CLASSES[data[stop]]
                giving |= data[stop] == _EQUALS or data[stop] == _COLON
                stop += 1
            chosen = seen >= 1 << _DIGIT
            if stop - free >= LEAST_WITHOUT_DIGIT:  # drawn without a digit, as one token in thirty is
                chosen |= (seen & _MIXED) == _MIXED or seen == 1 << _UPPER
            block = data[free] == _HYPHEN and data[free + 4] == _HYPHEN and data[free + 5] != _HYPHEN
            if chosen or block:
                if found < len(out):
                    out[found, 0], out[found, 1], out[found, 2] = text, free - begin, stop - begin
                    out[found, 3] = giving or block or stop - free > _SHORT or _said_before(data, begin, free)
                found += 1
            free = stop
    return found


def words(texts: Texts) -> NDArray[np.int64]:
    """Words (n, 3) that may be secrets: text, start, end in bytes of the text."""
    room = 4096
    while True:
        out = np.zeros((room, 4), np.int64)
        found = _scan(texts.data, texts.offsets, out)
        if found <= room:
            break
        room = found
    out = out[:found]
    return out[(out[:, 3] > 0) | _started(texts, out), :3]


def _started(texts: Texts, places: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which words hold how a token starts: sought in all of them at once, a line each."""
    starts = texts.offsets[places[:, 0]] + places[:, 1]
    sizes = np.minimum(places[:, 2] - places[:, 1], LONGEST_WORD)
    ends = np.cumsum(sizes + 1)
    bytes_of = np.arange(int(ends[-1]) if len(ends) else 0) + np.repeat(starts - ends + sizes + 1, sizes + 1)
    lines = texts.data[np.minimum(bytes_of, max(0, len(texts.data) - 1))]
    lines[ends - 1] = ord("\n")
    hits = [found.start() for found in STARTS.finditer(lines.tobytes().decode("ascii"))]
    result = np.zeros(len(places), np.bool_)
    result[np.searchsorted(ends, np.array(hits, np.int64), side="right")] = True
    return result


class Secret(NamedTuple):
    """Bytes [start, end) of a word, kind (`key` or `secret`), confidence."""

    start: int
    end: int
    kind: str
    confidence: float


_NAMED_VALUE = re.compile(r"(?P<name>[\w.\[\]-]{2,60}(?::?=>?|:))(?P<value>\S{10,})$")
_HOOK = re.compile(
    r"https://(?:hooks\.slack\.com/(?:services|workflows)/(?P<slack>T[A-Za-z0-9_/]{30,})"
    r"|(?:\w+\.)?discord(?:app)?\.com/api/webhooks/(?P<discord>\d+/[A-Za-z0-9_-]{30,})"
    r"|[\w-]+\.webhook\.office\.com/(?P<office>\S{60,}))"
)
_LOGIN = re.compile(r"[A-Za-z][\w+.-]*://[^\s/:@]*:(?P<word>[^\s/@]{3,})@[A-Za-z0-9\[]")
_CONNECTION = re.compile(r"(?:AccountKey|SharedAccessKey|SharedSecretValue)=(?P<word>[A-Za-z0-9+/]{40,}={0,2})")
_PASSED = re.compile(
    r"(?:^|[;?&:])(?:password|pwd|sig|api_?key|access_?token|client_?secret)=(?P<word>[^;&\s]{8,})", re.I
)
_VALUE = re.compile(r"[A-Za-z0-9+/_.~=!@#$%^&*?|:-]+")
_NAMES = re.compile(
    r"api[_-]?key|secret|access[_-]?key|account[_-]?key|token|passw(?:or)?d|passwd|pwd|passphrase|credential|private[_-]?key"
    r"|encryption[_-]?key|signing[_-]?key|bearer|auth(?!or)|webhook|dsn",
    re.I,
)
_SAID_ALONE = frozenset(("bearer", "basic", "token", "password"))
_HEXADECIMAL = re.compile(r"[0-9a-fA-F-]+")
_PLAIN_VALUE = re.compile(
    r"[A-Za-z]+(?:[_.:/-][A-Za-z]+)*\d{0,3}|https?:.*|.*[/\\].*\.[a-z]{2,4}|[\d.,:+-]+|.*(?:\.\w+\()|\$.*|%.*|@?\w+(?:\.[A-Za-z_]\w*)+|[\w.+-]+@[\w.-]+|[.~]?/[a-z0-9_./-]+"
)
_BLOCK = re.compile(rb"-----BEGIN ((?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?)-----")
_BLOCK_BODY = re.compile(rb"(?:[A-Za-z0-9+/=:,. \t\r\n-]|\\[nr]){40,}")
_COIN = re.compile(
    r"(?<![A-Za-z0-9])(?:[5KL][1-9A-HJ-NP-Za-km-z]{50,51}|[xyz]prv[1-9A-HJ-NP-Za-km-z]{107})(?![A-Za-z0-9])"
)


def entropy(text: str) -> float:
    """Bits per character of the characters of `text` (Shannon), 0 for an empty one."""
    return -sum(count / len(text) * math.log2(count / len(text)) for count in Counter(text).values())


def _mixed(value: str) -> bool:
    """Whether the characters of a value are as mixed as drawn ones: near the entropy that its length allows."""
    if PLACEHOLDER.search(value) or _PLAIN_VALUE.fullmatch(value) or len(value) < 10:
        return False
    most = math.log2(min(len(value), 16 if _HEXADECIMAL.fullmatch(value) else 64))
    changes = sum(_sort(one) != _sort(other) for one, other in itertools.pairwise(value))
    return entropy(value) >= 0.8 * most - 0.05 and changes * 5 >= len(value)


def _sort(letter: str) -> int:
    return 0 if letter.isdigit() else 1 if letter.islower() else 2 if letter.isupper() else 3


def _assigned(before: str) -> bool:
    """Whether `api_key = "` or the like stands before, or `Bearer `."""
    core = before.rstrip(_BETWEEN)
    between = before[len(core) :]
    name = core[len(core.rstrip(_NAME_LETTERS)) :]
    if "=" not in between and ":" not in between and name.lower() not in _SAID_ALONE:
        return False
    return bool(name and between and _NAMES.search(name))


def in_word(word: str, before: str) -> Iterator[Secret]:
    """Secrets in one word without blanks or brackets, given what stands before it on the line; places in characters."""
    if STARTS.search(word):
        for found in TOKENS.finditer(word):
            if entropy(found.group()) >= 2.8 and "xxxx" not in found.group().lower():
                yield Secret(found.start(), found.end(), "secret", 0.97)
    if "://" in word:
        for form in (_HOOK, _LOGIN):
            link = form.search(word)
            if link:
                name = link.lastgroup or "word"
                value = link.group(name)
                if not PLACEHOLDER.search(value):
                    yield Secret(link.start(name), link.end(name), "secret", 0.9)
    if "=" in word:
        for form in (_CONNECTION, _PASSED):
            given = form.search(word)
            if given and not PLACEHOLDER.search(given.group("word")) and entropy(given.group("word")) >= 2.8:
                yield Secret(given.start("word"), given.end("word"), "secret", 0.9)
    if len(word) > _SHORT:
        for found in _COIN.finditer(word):
            if base58check(found.group()):
                yield Secret(found.start(), found.end(), "key", 0.99)

    named = _NAMED_VALUE.match(word)
    value = named.group("value") if named else word
    before = before + named.group("name") if named else before
    if 10 <= len(value) <= 200 and _assigned(before) and _VALUE.fullmatch(value) and _mixed(value):
        yield Secret(len(word) - len(value), len(word), "secret", 0.7)


def in_block(data: bytes) -> int:
    """Bytes of the block of a private key with which `data` begins; 0 where it is none, or holds no key."""
    begin = _BLOCK.match(data)
    if not begin:
        return 0
    last = data.find(b"-----END " + begin.group(1) + b"-----", begin.end())
    body = _BLOCK_BODY.match(data, begin.end(), last if last > 0 else len(data))
    if not body or entropy(body.group()[:400].decode("ascii")) < 3:
        return 0
    return last + len(begin.group()) - 2 if last > 0 else body.end()


def find(texts: Texts, kinds: tuple[str, ...] = ("key", "secret")) -> list[Found]:
    """Findings of the kinds `key` (private keys of machines and wallets) and `secret` (tokens, passwords), in order of
    (row, start), without overlaps."""
    found: list[Found] = []
    for row, start, end in words(texts).tolist():
        reach = found[-1].end if found and found[-1].row == row else 0
        if start < reach:
            continue
        left = int(texts.offsets[row])
        data = texts.data[left + start : left + min(end, start + LONGEST_WORD)].tobytes()
        if data.startswith(b"-----BEGIN"):
            size = in_block(
                texts.data[left + start : min(left + start + KEY_BYTES, int(texts.offsets[row + 1]))].tobytes()
            )
            found += [Found(row, "key", start, start + size, 0.99)] if size and "key" in kinds else []
            continue
        context = texts.data[left + max(reach, start - _BEFORE) : left + start].tobytes().rpartition(b"\n")[2]
        before = context.decode("utf-8", "replace")
        for item in sorted(in_word(data.decode("ascii"), before), key=lambda item: (item.start, -item.end)):
            if item.kind in kinds and start + item.start >= reach:
                found.append(Found(row, item.kind, start + item.start, start + item.end, item.confidence))
                reach = found[-1].end
    return found


_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def base58check(text: str) -> bool:
    """Whether the last four bytes are the checksum of the others (Base58Check, as wallets write keys)."""
    import hashlib

    number = 0
    for letter in text:
        number = number * 58 + _BASE58.index(letter)
    data = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return hashlib.sha256(hashlib.sha256(data[:-4]).digest()).digest()[:4] == data[-4:]
