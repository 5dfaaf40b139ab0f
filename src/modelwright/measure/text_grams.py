"""Numba helpers of the text kernel: repeated n-grams. First a byte a slot tells what may occur twice, without keys:
chance hits cost time only, since the candidates are then counted exactly."""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,misc"

from __future__ import annotations

import numpy as np
from numba import njit

from modelwright.measure.text_basics import MIX, WINDOW, ZERO, mixed, new_table, slot_of, stretch


@njit
def new_sieve(entries):
    """A byte a slot, about 16 slots an entry: 0 never seen, 1 once, 3 more often."""
    size = 64
    while size < entries * 12:
        size *= 2
    return np.zeros(size, dtype=np.uint8)


@njit
def top_grams(t, ends, hashes, slots, out, column):
    """Length of the most frequent 2-, 3- and 4-gram times its count; among equals the first.

    Only an n-gram both of whose (n-1)-grams recur can recur: `slots` lists the candidates.
    """
    for n in range(2, 5):
        out[column + n - 2] = ends[n - 1] + n - 1 if t >= n else 0
    if t < 2:
        return
    sieve, again = new_sieve(t), np.zeros(t + 1, dtype=np.bool_)
    mask = np.uint64(len(sieve) - 1)
    for i in range(t - 1):
        s = (hashes[i] * MIX + hashes[i + 1]) >> np.uint64(20) & mask
        sieve[s] = sieve[s] << 1 | 1
    for i in range(t - 1):
        again[i] = sieve[(hashes[i] * MIX + hashes[i + 1]) >> np.uint64(20) & mask] > 1
    for n in range(2, 5):
        candidates = 0
        for i in range(t - n + 1):
            if n > 2:
                again[i] &= again[i + 1]
            candidates += again[i]
        keys = new_table(candidates)
        counts = np.zeros(len(keys), dtype=np.int32)
        best, most, room = 0, 1, 0
        for i in range(t - n + 1):
            if again[i]:
                h = hashes[i]
                for j in range(i + 1, i + n):
                    h = mixed(h * MIX + hashes[j])
                slot = slot_of(keys, h)
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
        again[t - n + 1] = False
        if t >= n:
            out[column + n - 2] = (ends[best + n - 1] - (ends[best - 1] if best else 0) + n - 1) * most


@njit
def duplicate_grams(p, powers, t, ends, slots, out, column):
    """Characters of repeated 5- to 10-grams, greedy from the left, words joined by nothing.

    Two equal n-grams begin with equal windows of 12 characters: `slots` lists the words whose window recurs.
    """
    total = ends[t - 1] if t else 0
    sieve = new_sieve(t)
    mask, power = np.uint64(len(sieve) - 1), powers[WINDOW]
    a = 0
    for i in range(t):
        if a + WINDOW > total:
            break
        s = ((p[a + WINDOW] - p[a] * power) * MIX) >> np.uint64(20) & mask
        sieve[s] = sieve[s] << 1 | 1
        a = ends[i]
    room, a = 0, 0
    for i in range(t - 4):
        if a + WINDOW > total or ends[i + 4] - a < WINDOW:
            candidate = True
        else:
            candidate = sieve[((p[a + WINDOW] - p[a] * power) * MIX) >> np.uint64(20) & mask] > 1
        if candidate:
            slots[room] = i
            room += 1
        a = ends[i]
    for n in range(5, 11):
        keys = new_table(room)
        free, characters = 0, 0
        for c in range(room):
            i = slots[c]
            if i < free:
                continue
            if i + n > t:
                break
            a = ends[i - 1] if i else 0
            h = stretch(p, powers, a, ends[i + n - 1])
            slot = slot_of(keys, h)
            if keys[slot] != ZERO:
                characters += ends[i + n - 1] - a
                free = i + n
            keys[slot] = h
        out[column + n - 5] = characters
