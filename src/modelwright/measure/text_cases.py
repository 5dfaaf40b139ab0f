"""Numba helpers of the text kernel: special cases of spaCy's English tokenizer that the affix rules have cut.

A port of spaCy 3.8 `Tokenizer._apply_special_cases` (MIT, (c) ExplosionAI GmbH); for words see `text_words.py`.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,misc"

from __future__ import annotations

import numpy as np

from modelwright.measure.text_basics import (
    BEGIN,
    FIRST_PIECE,
    MIX,
    MOST_PIECES,
    ZERO,
    helper,
    mixed,
    slot_of,
)
from modelwright.measure.text_words import describe_words, flags_in

ONE_BIT = np.uint8(1)
SEEN = np.uint8(4)  # a bit of the glue of words that a match covers


@helper
def find_cases(t, hashes, glue, role, pairs, sequences, values, found):
    """Sequences of words that are the pieces of a special case: (first word, words, case or -1) into `found`.

    As spaCy's phrase matcher it also looks across single blanks; such a match replaces nothing, but hides others.
    """
    matches, whole = 0, False
    for i in range(t - 1):
        if not role[i] & role[i + 1] >> ONE_BIT & FIRST_PIECE or glue[i] == 2:
            continue
        h = mixed(mixed(hashes[i]) * MIX + hashes[i + 1])
        if pairs[slot_of(pairs, len(pairs) - 1, h)] == ZERO:
            continue
        j, joined = i + 1, glue[i] == 0
        while True:
            slot = slot_of(sequences, len(sequences) - 1, h)
            if sequences[slot] != ZERO and matches < len(found):
                found[matches, 0], found[matches, 1] = i, j + 1 - i
                found[matches, 2] = values[slot] if joined else -1
                whole |= joined
                matches += 1
            if j + 1 >= t or glue[j] == 2 or j + 1 - i >= MOST_PIECES:
                break
            joined &= glue[j] == 0
            h = mixed(h * MIX + hashes[j + 1])
            j += 1
    return matches if whole else 0


@helper
def chosen_cases(glue, found, matches):
    """Mark the matches that do not count by a case of -1: the longest and then the first take precedence.

    A word that a match covers is marked by a bit of its glue.
    """
    for words in range(MOST_PIECES, 1, -1):
        for m in range(matches):
            if found[m, 1] != words:
                continue
            i = found[m, 0]
            if (glue[i] | glue[i + words - 1]) & SEEN or found[m, 2] < 0:
                found[m, 2] = -1
            for j in range(i, i + words):
                glue[j] |= SEEN


@helper
def merge_cases(t, g, ends, glue, about, hashes, found, matches, tokens, copy, copied_hashes):
    """Replace the matches that count; returns the number of words. `copy` and `copied_hashes` are overwritten.

    `found` tells then where the words that are new stand, and how many these are; they have no hashes yet.
    """
    target, m = np.int64(found[0, 0]), BEGIN
    for i in range(target, t):
        copy[i] = np.uint64(ends[i]) << np.uint64(2) | np.uint64(glue[i] & 3)
        copied_hashes[i] = hashes[i]
    source, begin = target, np.int64(ends[target - 1]) if target else BEGIN
    while source < t:
        while m < matches and (found[m, 0] < source or found[m, 2] < 0):
            m += 1
        if m == matches or found[m, 0] > source:
            ends[target], glue[target] = copy[source] >> np.uint64(2), copy[source] & np.uint64(3)
            hashes[target] = copied_hashes[source]
            target, source = target + 1, source + 1
        else:
            source += np.int64(found[m, 1])
            found[m, 0] = target
            for j in range(3):
                if tokens[found[m, 2], j]:
                    start, begin = begin, begin + tokens[found[m, 2], j]
                    ends[target], glue[target], about[target] = begin, 0, flags_in(g, start, begin)
                    target += 1
            glue[target - 1] = copy[source - 1] & np.uint64(3)
            found[m, 1] = target - found[m, 0]
            m += 1
        begin = np.int64(copy[source - 1] >> np.uint64(2))
    return target


@helper
def replace_cases(
    t, g, q, powers, ends, glue, about, hashes, role, roles, usual, totals, pairs, sequences, values, tokens, found,
    copy, copied_hashes,
):  # fmt: skip
    """Replace the words that are pieces of a special case, and what is known of them; returns the number of words."""
    matches = find_cases(t, hashes, glue, role, pairs, sequences, values, found)
    if matches == 0:
        return t
    chosen_cases(glue, found, matches)
    for times in (-1, 1):  # the words that are replaced, then what replaces them
        for m in range(matches):
            if found[m, 2] >= 0:
                a = np.int64(found[m, 0])
                b = a + np.int64(found[m, 1])
                describe_words(q, powers, a, b, times, ends, about, roles, usual, hashes, role, totals)
        if times < 0:
            t = merge_cases(t, g, ends, glue, about, hashes, found, matches, tokens, copy, copied_hashes)
    return t
