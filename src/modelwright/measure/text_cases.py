"""Numba helpers of the text kernel: special cases of spaCy's English tokenizer that the affix rules have cut.

A port of spaCy 3.8 `Tokenizer._apply_special_cases` (MIT, (c) ExplosionAI GmbH); for words see `text_words.py`.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,misc"

from __future__ import annotations

import numpy as np

from modelwright.measure.text_basics import BEGIN, BEGINS, MIX, MOST_PIECES, ZERO, helper, mixed, slot_of

SEEN = np.uint8(4)  # a bit of the glue of words that a match covers


@helper
def find_cases(t, hashes, glue, begins, pairs, sequences, values, found):
    """Sequences of words that are the pieces of a special case: (first word, words, case or -1) into `found`.

    As spaCy's phrase matcher it also looks across single blanks; such a match replaces nothing, but hides others.
    """
    matches, whole = 0, False
    for i in range(t - 1):
        if not begins[hashes[i] & BEGINS] or glue[i] == 2:
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
def merge_cases(t, ends, glue, found, matches, tokens, copy):
    """Replace the matches, the longest and then the first taking precedence; returns the number of words.

    `copy` (uint64) is overwritten; a word that a match covers is marked by a bit of its glue meanwhile.
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
    for i in range(t):
        copy[i] = np.uint64(ends[i]) << np.uint64(2) | np.uint64(glue[i] & 3)
    source, target, begin, m = BEGIN, BEGIN, BEGIN, BEGIN  # type: ignore[assignment]
    while source < t:
        while m < matches and (found[m, 0] < source or found[m, 2] < 0):
            m += 1
        if m == matches or found[m, 0] > source:
            ends[target], glue[target] = copy[source] >> np.uint64(2), copy[source] & np.uint64(3)
            target, source = target + 1, source + 1
        else:
            source += np.int64(found[m, 1])
            for j in range(3):
                if tokens[found[m, 2], j]:
                    begin += tokens[found[m, 2], j]
                    ends[target], glue[target] = begin, 0
                    target += 1
            glue[target - 1] = copy[source - 1] & np.uint64(3)
        begin = np.int64(copy[source - 1] >> np.uint64(2))
    return target
