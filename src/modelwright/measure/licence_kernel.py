"""Kernels that find licence rules in texts: tokens, whole rules by their hash, and sampled shingles of long rules.

A token is a run of ASCII letters and digits in lower case, so comment marks, layout and case vanish; tokens that are
markup or comment words are left out. With token hashes h and an odd base B the prefix hash P[i + 1] = P[i] * B + h[i]
(mod 2^64) gives the hash of any run of tokens by one subtraction (Karp and Rabin 1987).

Importing this module imports Numba. A change of any result here needs a new index (`scripts/build_licence_index.py`).
"""

# mypy: disable-error-code="no-untyped-def, untyped-decorator"
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

HEAD = 4
"""Rules are looked up by their first tokens, this many at most."""
SHINGLE = 5
"""Tokens of a shingle."""
BASE = np.uint64(0x9E3779B97F4A7C15)
_OFFSET, _PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)  # FNV-1a
_MIX = np.uint64(0xFF51AFD7ED558CCD)
_EIGHT, _32, _56 = np.uint64(8), np.uint64(32), np.uint64(56)

_STOP_WORDS = """
amp apos gt lt nbsp quot a br div em h1 h2 h3 h4 h5 hr href img li ol p pre rel span src td th tr ul rem dnl para ulink
""".split()  # noqa: SIM905


def stop_table() -> NDArray[np.uint64]:
    """The words that are no tokens, packed into 64 bits each, at the place that `tokenise` looks at."""
    table = np.zeros(256, np.uint64)
    for word in _STOP_WORDS:
        packed = int.from_bytes(word.encode(), "big")
        place = int((packed * int(_MIX) & (1 << 64) - 1) >> 56)
        while table[place]:
            place = (place + 1) % 256
        table[place] = packed
    return table


def powers(length: int) -> NDArray[np.uint64]:
    """BASE^0 to BASE^length."""
    factors = np.full(length + 1, BASE, np.uint64)
    factors[0] = 1
    return np.multiply.accumulate(factors)


@njit(nogil=True, cache=True)
def tokenise(data, starts, ends, stops):
    """Tokens of the regions `data[starts[i]:ends[i]]`, one after the other, each region followed by a separator.

    Returns prefix hashes (tokens + 1), and per token its first byte, its end and its region. A separator's hash is that
    of nothing else, so no rule reaches from one region into the next.
    """
    room = 0
    for region in range(starts.shape[0]):
        room += (ends[region] - starts[region]) // 2 + 2
    prefix = np.zeros(room + 1, np.uint64)
    begins, finishes = np.zeros(room, np.int64), np.zeros(room, np.int64)
    owners = np.zeros(room, np.int32)
    count = 0
    for region in range(starts.shape[0]):
        position, end = starts[region], ends[region]
        while position < end:
            begin, value, packed = position, _OFFSET, np.uint64(0)
            while position < end:
                byte = data[position]
                if 65 <= byte <= 90:
                    byte += 32
                elif not (97 <= byte <= 122 or 48 <= byte <= 57):
                    break
                value = (value ^ np.uint64(byte)) * _PRIME
                packed = (packed << _EIGHT) | np.uint64(byte)
                position += 1
            if position > begin:
                if position - begin <= 8:
                    place = np.int64((packed * _MIX) >> _56)
                    while stops[place] != 0 and stops[place] != packed:
                        place = (place + 1) & 255
                    if stops[place] == packed:
                        continue
                value = (value ^ (value >> _32)) * _MIX
                prefix[count + 1] = prefix[count] * BASE + (value ^ (value >> _32))
                begins[count], finishes[count], owners[count] = begin, position, region
                count += 1
            else:
                position += 1
        prefix[count + 1] = prefix[count] * BASE + np.uint64(region + 1)
        begins[count], finishes[count], owners[count] = end, end, region
        count += 1
    return prefix[: count + 1], begins[:count], finishes[:count], owners[:count]


@njit(nogil=True, cache=True)
def _run_hash(prefix, powers_of_base, start, length):
    return prefix[start + length] - prefix[start] * powers_of_base[length]


@njit(nogil=True, cache=True)
def whole_rules(prefix, powers_of_base, heads, buckets, lengths, hashes):
    """The longest rule that begins at each token: (token, rule) as two arrays, in order of token.

    heads    hash of the first min(length, HEAD) tokens of each rule times the odd number 2 * that count + 1, sorted;
             equal heads by falling length
    buckets  where heads with the same top 16 bits begin, 65,537 numbers
    """
    tokens = prefix.shape[0] - 1
    found_at, found = np.empty(tokens, np.int64), np.empty(tokens, np.int64)
    count = 0
    for start in range(tokens):
        best, best_length = -1, np.int64(0)
        for size in range(min(HEAD, tokens - start), 0, -1):
            head = _run_hash(prefix, powers_of_base, start, size) * np.uint64(2 * size + 1)
            bucket = np.int64(head >> np.uint64(48))
            low, high = buckets[bucket], buckets[bucket + 1]
            while low < high and heads[low] < head:
                low += 1
            while low < high and heads[low] == head:
                length = lengths[low]
                if start + length <= tokens and _run_hash(prefix, powers_of_base, start, length) == hashes[low]:
                    best, best_length = low, np.int64(length)
                    break
                low += 1
            if best_length:
                break
        if best_length > 0:
            found_at[count], found[count] = start, best
            count += 1
    return found_at[:count], found[:count]


@njit(nogil=True, cache=True)
def shingle_hits(prefix, powers_of_base, owners, keys, buckets, firsts, postings, needed):
    """Every (token, rule) where a sampled shingle of a long rule begins, for rules that a region holds enough of.

    keys are the top 32 bits of shingle hashes, sorted; shingle i belongs to the rules
    `postings[firsts[i]:firsts[i + 1]]`; `needed[rule]` is how many hits make a rule worth a look.
    Returns two arrays in order of token.
    """
    tokens = owners.shape[0]
    shingles = np.full(tokens, -1, np.int32)
    seen = np.full(keys.shape[0], -1, np.int32)
    for start in range(tokens - SHINGLE + 1):
        key = _run_hash(prefix, powers_of_base, start, SHINGLE) >> _32
        bucket = np.int64(key >> np.uint64(16))
        low, high = buckets[bucket], buckets[bucket + 1]
        while low < high and keys[low] < key:
            low += 1
        if low < high and keys[low] == key and seen[low] != owners[start]:  # once in a region
            shingles[start], seen[low] = low, owners[start]
    counts = np.zeros(needed.shape[0], np.int64)
    room = 4096
    found = np.empty((2, room), np.int64)
    filled = begin = 0
    while begin < tokens:
        end = begin
        while end < tokens and owners[end] == owners[begin]:
            if shingles[end] >= 0:
                for posting in range(firsts[shingles[end]], firsts[shingles[end] + 1]):
                    counts[postings[posting]] += 1
            end += 1
        for start in range(begin, end):
            if shingles[start] < 0:
                continue
            for posting in range(firsts[shingles[start]], firsts[shingles[start] + 1]):
                if counts[postings[posting]] >= needed[postings[posting]]:
                    if filled == room:
                        wider = np.empty((2, room * 2), np.int64)
                        wider[:, :room] = found
                        found, room = wider, room * 2
                    found[0, filled], found[1, filled] = start, postings[posting]
                    filled += 1
        for start in range(begin, end):
            if shingles[start] >= 0:
                for posting in range(firsts[shingles[start]], firsts[shingles[start] + 1]):
                    counts[postings[posting]] = 0
        begin = end
    return found[0, :filled], found[1, :filled]


def buckets(keys: NDArray[Any], shift: int) -> NDArray[np.int64]:
    """Where each value of the top 16 bits begins among sorted `keys` whose bits below are `shift` many."""
    tops = (keys >> keys.dtype.type(shift)).astype(np.int64)
    return np.searchsorted(tops, np.arange(65537)).astype(np.int64)
