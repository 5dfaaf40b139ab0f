"""The loops of `contamination`: one pass over the texts that looks words' grams up, and the alignment of what it found.

Most grams of a text are known to none of the items: one bit of a table that stays in the processor's cache says so.
"""

# mypy: disable-error-code="no-untyped-def, untyped-decorator"
from __future__ import annotations

from typing import Any

import numpy as np
from numba import int64, njit, types, uint64

from modelwright.measure.byte_masks import KERNEL
from modelwright.measure.code_points import BYTES, DISTANCES, PAGES
from modelwright.measure.word_hashes import (
    CHUNK,
    HASHES_OUT,
    INTS,
    INTS_OUT,
    LETTERS,
    value_of,
    words_of,
)  # fmt: skip

GRAM, COMMON, NEAR, SHORT, ALIGNED = 5, 10, 40, 5, 400
"""Words of a gram; rows that a gram may occur in; words between a short question and its answer; words of the longest
part of a pair; words of the longest item that is aligned."""
WHOLE, STATEMENT, PASSAGE = 8, 20, 20
"""Words under which an item counts only as a whole, an answer or choice only nearly whole; words of a copied passage
that stands for a longer item."""
SEEDED = 0.25
"""Share of an item's weight that grams must cover before it is aligned."""
STEP, SPREAD = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC4CEB9FE1A85EC53)
FOLD = np.uint64(31)
_SIX, _LOW, _16, _22, _28 = np.uint64(6), np.uint64(63), np.uint64(16), np.uint64(22), np.uint64(28)
_NONE, _ONE, _TWO, _THREE, _FOUR, _FIRST = (np.uint64(number) for number in (0, 1, 2, 3, 4, GRAM))
SHORT_SIEVE, _SHORT_BITS = 18, np.uint64(46)
SIEVE_BITS, FAR_BITS = 22, 25
"""Bits of the tables at most, as powers of two: 512 kB stay in the processor's cache, and 4 MB that are asked next say
no to nearly all others. A gram has three bits in one word of a table, so that one access answers."""
ASKED_SHIFT = 52
"""By this the hash of a question's last two words is shifted to its word of a table of the same kind."""
ASKED = 16
"""Added to the number of words of a part that is asked."""
_ASKED_BY = np.uint64(ASKED_SHIFT)
_FAR, _APART = np.int64(1) << np.int64(40), np.int64(1) << np.int64(30)
_HASHES = types.Array(types.uint64, 1, "C", readonly=True)
_FLOATS = types.Array(types.float64, 1, "C", readonly=True)
_TABLE = types.Array(types.int64, 2, "C", readonly=True)
_TABLE_OUT, _FLOATS_OUT = types.Array(types.int64, 2, "C"), types.Array(types.float64, 1, "C")
_FLAGS_OUT = types.Array(types.boolean, 1, "C")
_FLOATS_TABLE = types.Array(types.float64, 2, "C")


@njit(inline="always")
def _spread(rolling):
    return (rolling ^ (rolling >> FOLD)) * SPREAD


@njit(inline="always")
def bits_of(gram):
    """The bits of a gram in its word of the sieve."""
    return (_ONE << ((gram >> _16) & _LOW)) | (_ONE << ((gram >> _22) & _LOW)) | (_ONE << ((gram >> _28) & _LOW))


@njit([(_HASHES, types.int64, HASHES_OUT)], **KERNEL)
def fill_sieve(keys, shift, sieve):
    """Enter the bits of all keys; the first `64 - shift` bits of a key, less six, choose its word."""
    by = uint64(shift) + _SIX
    for key in keys:
        sieve[key >> by] |= bits_of(key)


@njit([types.uint64(_HASHES, types.int64, types.int64), types.uint64(HASHES_OUT, types.int64, types.int64)], **KERNEL)
def tail(values, last, size):
    """Hash of the `size` words up to values[last]; of another kind for each size."""
    rolling = uint64(size)
    for i in range(last - size + 1, last + 1):
        rolling = rolling * STEP + values[i]
    return _spread(rolling)


@njit([(BYTES, INTS, LETTERS, _HASHES, INTS, HASHES_OUT, _FLAGS_OUT)], **KERNEL)
def grams_of(data, ends, letters, values, firsts, result, bare):
    """The hash of the gram that begins at each word; 0 where the sequence ends before it does, and for grams of nothing
    but numbers and single letters, which are no one's own. `bare` is room for a mark of each word."""
    for k in range(len(values)):
        place = ends[k] - 1
        while place > 0 and 48 <= data[place] < 58:
            place -= 1
        digits = ends[k] - 1 - place
        bare[k] = letters[data[place]] == 0 or (digits == 0 and (place == 0 or letters[data[place - 1]] == 0))
    for i in range(len(firsts) - 1):
        for first in range(firsts[i], firsts[i + 1]):
            result[first] = 0
            if first + GRAM <= firsts[i + 1]:
                rolling, nothing = uint64(0), True
                for k in range(first, first + GRAM):
                    rolling = rolling * STEP + values[k]
                    nothing &= bare[k]
                if not nothing:
                    result[first] = _spread(rolling)


@njit(
    types.int64(
        _TABLE_OUT, types.int64, types.int64, types.int64, types.int64, types.int64, types.int64, types.float64,
        _FLOATS_OUT,
    ),
    **KERNEL,
)  # fmt: skip
def _enter(found, count, row, item, start, stop, place, cover, covers):
    """One more stretch; its number, -1 when the room is used up."""
    if count == len(found):
        return -1
    found[count, 0], found[count, 1], found[count, 2], found[count, 3] = row, item, start, stop
    found[count, 4] = place
    covers[count] = cover
    return count


@njit(
    types.int64(
        types.int64, types.int64, types.int64, types.int64, types.int64, types.int64, _TABLE, INTS, _FLOATS,
        _TABLE_OUT, INTS_OUT, _FLOATS_OUT, _TABLE_OUT, _FLOATS_OUT, types.int64,
    ),
    **KERNEL,
)  # fmt: skip
def _hit(first, last, token, row, start, stop, index, firsts, weights, state, stamps, heavy, found, covers, count):
    """A gram of the postings first .. last stands at bytes start .. stop of a row: its words are covered."""
    for p in range(first, last):
        item, place = index[p, 0], index[p, 1]
        size = firsts[item + 1] - firsts[item]
        if token - state[item, 0] > size + NEAR:
            state[item, 1], state[item, 2], state[item, 3] = start, -1, 0
            state[item, 4] += 1
            state[item, 5], heavy[item] = place - firsts[item], 0.0
        state[item, 0] = token
        for w in range(place, place + GRAM):
            if stamps[w] != state[item, 4]:
                stamps[w], heavy[item] = state[item, 4], heavy[item] + weights[w]
                state[item, 3] += 1
        if heavy[item] >= SEEDED:
            if state[item, 2] < 0:
                state[item, 2] = _enter(found, count, row, item, state[item, 1], stop, state[item, 5], 0.0, covers)
                if state[item, 2] < 0:
                    return -1
                count += 1
            found[state[item, 2], 3] = stop
            covers[state[item, 2]] = state[item, 3] / size
    return count


@njit(
    types.int64(
        HASHES_OUT, INTS_OUT, types.int64, types.int64, types.int64, types.int64, types.int64, _HASHES, INTS, INTS,
        _TABLE, _TABLE_OUT, _TABLE_OUT, _FLOATS_OUT, types.int64,
    ),
    **KERNEL,
)  # fmt: skip
def _pairs(
    words, ends, k, token, row, begin, first_item, parts, sizes, pair_firsts, pairs, asked, found, covers, count
):
    """The word words[k] may end a short question, or the answer to one that was asked shortly before."""
    for size in range(1, SHORT + 1):
        key = tail(words, k, size)
        part, above = 0, len(parts)
        while part < above:
            middle = (part + above) // 2
            if parts[middle] < key:
                part = middle + 1
            else:
                above = middle
        if part == len(parts) or parts[part] != key or sizes[part] % ASKED != size:
            continue
        for p in range(pair_firsts[part], pair_firsts[part + 1]):
            question = pairs[p, 0]
            if size <= token - asked[question, 0] <= NEAR + size:
                start = asked[question, 1]
                if _enter(found, count, row, first_item + pairs[p, 1], start, ends[k] - begin, 0, 1.0, covers) < 0:
                    return -1
                asked[question, 0] = -_FAR
                count += 1
        if sizes[part] > ASKED:
            asked[part, 0], asked[part, 1] = token, ends[k - size] - begin
            asked[len(parts), 0] = token + NEAR + SHORT
    return count


@njit(types.int64(HASHES_OUT, types.int64, _HASHES, types.uint64, _HASHES, HASHES_OUT, INTS_OUT), **KERNEL)
def _sift(words, last, sieve, by, short_sieve, hashes, places):
    """Spread the words from GRAM to `last`, hash their grams, and list the places where one may be known, or where a
    short question may end. Nothing here waits for a branch or for memory: one word in fifty is looked up in earnest.

    Three loops, since a processor does the first two for eight words at a time. Until the third has reached a word, its
    place in `places` holds the bit of the short sieve that its last two words have."""
    stop, count = uint64(last), _NONE
    for k in range(_FIRST, stop):
        words[k] = value_of(words[k])
    for k in range(_FIRST, stop):
        rolling = (words[k - _FOUR] * STEP + words[k - _THREE]) * STEP + words[k - _TWO]
        hashes[k] = _spread((rolling * STEP + words[k - _ONE]) * STEP + words[k])
        places[k] = int64(_spread(words[k - _ONE] * STEP + words[k]) >> _SHORT_BITS)
    for k in range(_FIRST, stop):
        gram, pair = hashes[k], uint64(places[k])
        places[count] = int64(k)
        wanted = bits_of(gram)
        known = uint64(sieve[gram >> by] & wanted == wanted)
        count += known | ((short_sieve[pair >> _SIX] >> (pair & _LOW)) & _ONE)
    return int64(count)


@njit(inline="always")
def _asked(words, k, asked_sieve):
    """Whether a short question may end at words[k]."""
    pair = _spread(words[k - 1] * STEP + words[k])
    wanted = bits_of(pair)
    return asked_sieve[pair >> _ASKED_BY] & wanted == wanted


@njit(
    types.int64(HASHES_OUT, types.int64, _HASHES, HASHES_OUT, INTS_OUT, _HASHES, types.uint64), **KERNEL,
)  # fmt: skip
def _known(words, count, asked_sieve, hashes, places, far_sieve, by):
    """Of the first `count` places those where a gram is known or a short question ends, with few others. A loop of its
    own without branches, in which the waits for memory overlap."""
    kept = 0
    for c in range(count):
        k = places[uint64(c)]
        wanted = bits_of(hashes[uint64(k)])
        found = far_sieve[hashes[uint64(k)] >> by] & wanted == wanted
        places[uint64(kept)] = k
        kept += int64(found | _asked(words, uint64(k), asked_sieve))
    return kept


@njit(
    [
        (
            BYTES, INTS, LETTERS, PAGES, DISTANCES, types.int64, types.int64, types.int64, _HASHES, _HASHES, _HASHES,
            _HASHES, _HASHES, INTS, INTS, _TABLE, INTS, _FLOATS, _HASHES, INTS, INTS, _TABLE, _TABLE_OUT, _FLOATS_OUT,
            HASHES_OUT, INTS_OUT, HASHES_OUT, INTS_OUT, INTS_OUT, _TABLE_OUT, _FLOATS_OUT, _TABLE_OUT,
        )
    ],
    **KERNEL,
)  # fmt: skip
def search(
    data, offsets, letters, pages, distances, sieve_shift, far_shift, bucket_shift, sieve, far_sieve, short_sieve,
    asked_sieve, grams, buckets, postings, index, firsts, weights, parts, sizes, pair_firsts, pairs, found, covers,
    words, ends, hashes, places, stamps, state, heavy, asks,
):  # fmt: skip
    """Enter every sufficient stretch: row, item, start, stop, cover. Returns how many; -1 when the room ends. The last
    eight are `room_of` the index."""
    count, token, items = 0, np.int64(0), len(firsts) - 1
    sieve_by, far_by, bucket_by = uint64(sieve_shift) + _SIX, uint64(far_shift) + _SIX, uint64(bucket_shift)
    for row in range(len(offsets) - 1):
        begin, end, position, word = offsets[row], offsets[row + 1], offsets[row], uint64(0)
        for k in range(GRAM):
            words[k], ends[k] = 0, begin
        token += _APART
        while position < end:
            position, word, last = words_of(
                data, position, min(position + CHUNK, end), end, word, letters, pages, distances, words, ends, GRAM
            )
            if position >= end and word != 0:
                words[last], ends[last], last = word, end, last + 1
            sifted = _sift(words, last, sieve, sieve_by, short_sieve, hashes, places)
            sifted = _known(words, sifted, asked_sieve, hashes, places, far_sieve, far_by)
            places[sifted], j = last, GRAM
            for c in range(sifted + 1):
                k = places[c]
                while j <= k and j < last and count >= 0:  # answers are sought at every word for a while
                    if token + j <= asks[len(parts), 0] or (j == k and _asked(words, k, asked_sieve)):
                        count = _pairs(
                            words, ends, j, token + j, row, begin, items, parts, sizes, pair_firsts, pairs, asks, found,
                            covers, count,
                        )  # fmt: skip
                        j += 1
                    else:
                        j = k if j < k else k + 1
                gram = hashes[k]
                for g in range(buckets[gram >> bucket_by], buckets[(gram >> bucket_by) + _ONE] if k < last else 0):
                    if grams[g] == gram and count >= 0:
                        count = _hit(
                            postings[g], postings[g + 1], token + k, row, ends[k - GRAM] - begin, ends[k] - begin,
                            index, firsts, weights, state, stamps, heavy, found, covers, count,
                        )  # fmt: skip
            token += last - GRAM
            if count < 0:
                return -1
            for k in range(GRAM):
                words[k], ends[k] = words[last - GRAM + k], ends[last - GRAM + k]
    return count


def room_to_align() -> tuple[Any, ...]:
    """What `verify` works in."""
    room = 2 * ALIGNED + 64
    buffer = 16 * room + 2 * CHUNK
    return np.empty(buffer, np.uint64), np.empty(buffer, np.int64), np.zeros((ALIGNED + 1, room + 1))


def room_of(sequences: int, words: int, parts: int) -> tuple[Any, ...]:
    """What `search` works in, for so many sequences, words of sequences and parts of pairs."""
    room = 2 * CHUNK + GRAM + 2
    state = np.zeros((sequences, 6), np.int64)
    state[:, 0] = -_FAR
    asks = np.full((parts + 1, 2), -_FAR, np.int64)
    buffers = np.empty(room, np.uint64), np.empty(room, np.int64), np.zeros(room, np.uint64), np.empty(room, np.int64)
    return (*buffers, np.zeros(words, np.int64), state, np.zeros(sequences), asks)


@njit(**KERNEL)
def _window(data, begin, end, start, stop, before, after, letters, pages, distances, words, ends):
    """The words around the place `start`: at most `before` up to it and `after` from it on; how many, and the end of
    the word before the first."""
    position, word, count = max(begin, start - 12 * before - 24), uint64(0), 0
    while position < start:
        position, word, count = words_of(
            data, position, min(position + CHUNK, start), end, word, letters, pages, distances, words, ends, count
        )
    if word != 0:
        words[count], ends[count], word = word, start, uint64(0)
        count += 1
    kept = min(before, count)
    previous = ends[count - kept - 1] if count > kept else max(begin, start - 12 * before - 24)
    for k in range(kept):
        words[k], ends[k] = words[count - kept + k], ends[count - kept + k]
    count, wanted = kept, kept + after
    while position < end and count < wanted:
        position, word, count = words_of(
            data, position, min(position + 16, end), end, word, letters, pages, distances, words, ends, count
        )
    if word != 0 and position >= end and count < wanted:
        words[count], ends[count] = word, end
        count += 1
    return min(count, wanted), previous


@njit(**KERNEL)
def _align(values, weights, first, size, words, count, table):
    """Heaviest common subsequence of an item's words and the window's: its weight, first and last word there."""
    for i in range(size + 1):
        table[i, 0] = 0.0
    for k in range(count + 1):
        table[0, k] = 0.0
    for i in range(size):
        for k in range(count):
            table[i + 1, k + 1] = max(table[i, k + 1], table[i + 1, k])
            if values[first + i] == words[k]:
                table[i + 1, k + 1] = max(table[i, k] + weights[first + i], table[i + 1, k + 1])
    i, k, low, high = size, count, 0, -1
    while i > 0 and k > 0 and table[i, k] > 0:
        if table[i, k] == table[i, k - 1]:  # the earliest of equally good places: the span stays short
            k -= 1
        elif table[i, k] == table[i - 1, k]:
            i -= 1
        else:
            high = k - 1 if high < 0 else high
            low, i, k = k - 1, i - 1, k - 1
    return table[size, count], low, high


@njit(
    [
        (
            BYTES, INTS, LETTERS, PAGES, DISTANCES, _HASHES, _FLOATS, INTS, types.int64, _TABLE_OUT, _FLOATS_OUT,
            HASHES_OUT, INTS_OUT, _FLOATS_TABLE,
        )
    ],
    **KERNEL,
)  # fmt: skip
def verify(
    data, offsets, letters, pages, distances, values, weights, firsts, count, found, shares, words, ends, table
):  # fmt: skip
    """The share of the weight of each item's words that stand in order where it was found, and the bytes from the first
    to the last; 0 for items too long to align and for pairs."""
    for c in range(count):
        shares[c] = 0.0
        row, item = found[c, 0], found[c, 1]
        size = firsts[item + 1] - firsts[item] if item < len(firsts) - 1 else 0
        if size == 0 or size > ALIGNED:
            continue
        begin, slack = offsets[row], 4 + size // 4
        after = size - found[c, 4] + slack
        used, previous = _window(
            data, begin, offsets[row + 1], begin + found[c, 2], begin + found[c, 3], found[c, 4] + slack, after,
            letters, pages, distances, words, ends,
        )  # fmt: skip
        for k in range(used):
            words[k] = value_of(words[k])
        common, low, high = _align(values, weights, firsts[item], size, words, used, table)
        if high >= 0:
            shares[c] = common
            found[c, 2] = min(found[c, 2], (ends[low - 1] if low > 0 else previous) - begin)
            found[c, 3] = max(found[c, 3], ends[high] - begin)
