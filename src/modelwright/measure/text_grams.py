"""Numba helpers of the text kernel: repeated n-grams. First a byte a slot tells what may occur twice, without keys:
chance hits cost time only, since the candidates are then counted exactly."""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,misc"

from __future__ import annotations

import numpy as np

from modelwright.measure.text_basics import (
    BEGIN,
    LARGEST_FOR_GRAMS,
    MIX,
    ONE,
    ZERO,
    apart,
    cleared,
    helper,
    mixed,
    slot_of,
    stretch,
)

SHIFT, ONCE = np.uint64(20), np.uint8(1)
SHORTEST, LONGEST = np.int64(5), 10  # words of n-grams that are duplicates
FIRST_WINDOW, WIDER = np.int64(12), 4  # characters with which they are told apart, and more for each word


@helper
def cleared_sieve(sieve, entries):
    """Make the beginning of `sieve` a byte a slot, 12 slots an entry and more: 0 never seen, 1 once, 3 more often;
    returns the mask of its slots.
    """
    size = np.int64(64)
    while size < entries * 12:
        size *= 2
    for slot in range(size):
        sieve[slot] = 0
    return np.uint64(size - 1)


@helper
def top_grams(t, ends, hashes, again, slots, keys, counts, sieve, out, column):
    """Length of the most frequent 2-, 3- and 4-gram times its count; among equals the first.

    Only an n-gram both of whose (n-1)-grams recur can recur: `again` lists the words with which candidates begin,
    `slots` their places in the table `keys`. `keys` and `sieve` are the same memory.
    """
    for n in range(2, 5):
        out[column + n - 2] = ends[n - 1] + n - 1 if t >= n else 0
    if t < 2:
        return
    mask = cleared_sieve(sieve, t)
    for i in range(t - 1):
        s = (hashes[i] * MIX + hashes[i + 1]) >> SHIFT & mask
        sieve[s] = sieve[s] << ONCE | ONCE
        again[i] = s
    room = ZERO
    for i in range(t - 1):
        s = again[i]
        again[room] = i
        room += np.uint64(sieve[np.uint64(s)] > ONCE)
    for n in range(2, 5):
        entries = np.int64(room)
        mask_of_keys = cleared(keys, entries)
        for slot in range(mask_of_keys + 1):
            counts[slot] = 0
        best, most, room = BEGIN, 1, ZERO
        for c in range(entries):
            i = np.int64(again[c])  # type: ignore[assignment]
            h = hashes[i]
            for j in range(1, n):
                h = mixed(h * MIX + hashes[i + j])
            slot = slot_of(keys, mask_of_keys, h)
            keys[slot] = h
            counts[slot] += 1
            slots[c] = slot
        for c in range(entries):
            i, times = again[c], counts[slots[c]]
            if times > most:
                best, most = np.int64(i), times
            again[room] = i
            room += np.uint64(times > 1)
        if t >= n:
            out[column + n - 2] = (ends[best + n - 1] - (ends[best - 1] if best else 0) + n - 1) * most
        again[room], entries, room = -1, np.int64(room), ZERO  # the next one must recur too
        for c in range(entries):
            i = again[c]
            again[room] = i
            room += np.uint64(again[c + 1] == i + 1)


@helper
def recurring(n, window, q, powers, t, ends, begins, room, places, sieve):
    """Keep in `begins` the words with which n-grams begin that may recur, as may longer ones: those of less than
    `window` characters, and those whose first `window` characters begin another one of the list too. Returns how many
    these are. `places` is overwritten.
    """
    apart()
    total, words, last, width = np.uint64(ends[t - 1]), np.uint64(n), np.uint64(t), np.uint64(window)
    mask, power = cleared_sieve(sieve, room), powers[window]
    for c in range(room):
        i = np.uint64(begins[c])
        a = np.uint64(ends[i - ONE]) if i else ZERO
        s = ((q[min(a + width, total)] - q[a] * power) * MIX) >> SHIFT & mask
        sieve[s] = sieve[s] << ONCE | ONCE
        places[c] = s
    kept = ZERO
    for c in range(room):
        i = np.uint64(begins[c])
        a = np.uint64(ends[i - ONE]) if i else ZERO
        b = np.uint64(ends[min(i + words, last) - ONE])
        begins[kept] = i
        kept += np.uint64((b - a < width) | (sieve[np.uint64(places[c])] > ONCE))
    return np.int64(kept)


@helper
def duplicate_grams(q, powers, t, ends, begins, places, keys, sieve, out, column):
    """Characters of repeated 5- to 10-grams, greedy from the left, words joined by nothing.

    Most n-grams are told apart by their first characters, more of them for longer ones; the rest is compared as a
    whole.
    """
    room = max(t - SHORTEST + 1, 0)
    for i in range(room):
        begins[i] = i
    if room:
        room = recurring(SHORTEST, FIRST_WINDOW, q, powers, t, ends, begins, room, places, sieve)
    for n in range(SHORTEST, LONGEST + 1):
        if room:
            room = recurring(n, FIRST_WINDOW + WIDER * (n - 4), q, powers, t, ends, begins, room, places, sieve)
        mask_of_keys = cleared(keys, room)
        free, characters = 0, 0
        for c in range(room):
            i = np.int64(begins[c])  # type: ignore[assignment]
            if i < free:
                continue
            if i + n > t:
                break
            a = np.int64(ends[i - 1]) if i else BEGIN
            b = np.int64(ends[i + n - 1])
            h = stretch(q, powers, a, b)
            slot = slot_of(keys, mask_of_keys, h)
            if keys[slot] != ZERO:
                characters += b - a  # type: ignore[assignment]
                free = i + n
            keys[slot] = h
        out[column + n - SHORTEST] = characters


@helper
def count_grams(n, q, powers, t, ends, hashes, begins, places, keys, counts, sieve, out):
    """All columns of repeated n-grams; unknown for a text of too many code points."""
    if n <= LARGEST_FOR_GRAMS:
        top_grams(t, ends, hashes, begins, places, keys, counts, sieve, out, 33)
        duplicate_grams(q, powers, t, ends, begins, places, keys, sieve, out, 36)
        return
    for column in range(33, len(out)):
        out[column] = -1
