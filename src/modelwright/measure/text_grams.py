"""Numba helpers of the text kernel: repeated n-grams. First a byte a slot tells what may occur twice, without keys:
chance hits cost time only, since the candidates are then counted exactly."""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,misc"

from __future__ import annotations

import numpy as np

from modelwright.measure.text_basics import BEGIN, MIX, WINDOW, ZERO, cleared, helper, mixed, slot_of, stretch

SHIFT = np.uint64(20)


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
def top_grams(t, ends, hashes, slots, again, keys, counts, sieve, out, column):
    """Length of the most frequent 2-, 3- and 4-gram times its count; among equals the first.

    Only an n-gram both of whose (n-1)-grams recur can recur: `slots` lists the candidates. `keys` and `sieve` are the
    same memory.
    """
    for n in range(2, 5):
        out[column + n - 2] = ends[n - 1] + n - 1 if t >= n else 0
    if t < 2:
        return
    mask = cleared_sieve(sieve, t)
    for i in range(t - 1):
        s = (hashes[i] * MIX + hashes[i + 1]) >> SHIFT & mask
        sieve[s] = sieve[s] << 1 | 1
    for i in range(t - 1):
        again[i] = sieve[(hashes[i] * MIX + hashes[i + 1]) >> SHIFT & mask] > 1
    again[t - 1] = 0
    for n in range(2, 5):
        candidates = np.int64(0)
        for i in range(t - n + 1):
            if n > 2:
                again[i] &= again[i + 1]
            candidates += again[i]
        mask_of_keys = cleared(keys, candidates)
        for slot in range(mask_of_keys + 1):
            counts[slot] = 0
        best, most, room = 0, 1, 0
        for i in range(t - n + 1):
            if again[i]:
                h = hashes[i]
                for j in range(i + 1, i + n):
                    h = mixed(h * MIX + hashes[j])
                slot = slot_of(keys, mask_of_keys, h)
                keys[slot] = h
                counts[slot] += 1
                slots[room] = slot
                room += 1
        room = 0
        for i in range(t - n + 1):
            if again[i]:
                c = counts[slots[room]]
                room += 1
                if c > most:
                    best, most = i, c
                again[i] = c > 1
        again[t - n + 1] = 0
        if t >= n:
            out[column + n - 2] = (ends[best + n - 1] - (ends[best - 1] if best else 0) + n - 1) * most


@helper
def duplicate_grams(p, powers, t, ends, slots, keys, sieve, out, column):
    """Characters of repeated 5- to 10-grams, greedy from the left, words joined by nothing.

    Two equal n-grams begin with equal windows of 12 characters: `slots` lists the words whose window recurs.
    """
    total = np.int64(ends[t - 1]) if t else BEGIN
    mask, power = cleared_sieve(sieve, t), powers[WINDOW]
    a = BEGIN
    for i in range(t):
        if a + WINDOW > total:
            break
        s = ((p[a + WINDOW] - p[a] * power) * MIX) >> SHIFT & mask
        sieve[s] = sieve[s] << 1 | 1
        a = np.int64(ends[i])
    room, a = 0, BEGIN
    for i in range(t - 4):
        if a + WINDOW > total or ends[i + 4] - a < WINDOW:
            candidate = True
        else:
            candidate = sieve[((p[a + WINDOW] - p[a] * power) * MIX) >> SHIFT & mask] > 1
        if candidate:
            slots[room] = i
            room += 1
        a = np.int64(ends[i])
    for n in range(5, 11):
        mask_of_keys = cleared(keys, room)
        free, characters = 0, 0
        for c in range(room):
            i = slots[c]
            if i < free:
                continue
            if i + n > t:
                break
            a = np.int64(ends[i - 1]) if i else BEGIN
            b = np.int64(ends[i + n - 1])
            h = stretch(p, powers, a, b)
            slot = slot_of(keys, mask_of_keys, h)
            if keys[slot] != ZERO:
                characters += b - a  # type: ignore[assignment]
                free = i + n
            keys[slot] = h
        out[column + n - 5] = characters
