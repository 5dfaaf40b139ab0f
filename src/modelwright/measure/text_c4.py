"""Numba helpers of the text kernel: which lines C4 removes, and FineWeb's counts of what stays.

Definitions are those of datatrove 0.10.1's C4QualityFilter and FineWebQualityFilter (Apache-2.0), sentences those of
spaCy's sentencizer (MIT). Every line is decided twice: with the test of its last character, and without (FineWeb's
recipe). Lines that stay without it are written one after another to `y`; `firm` tells those that stay with it too.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,misc"
# ruff: noqa: SIM109, SIM110

from __future__ import annotations

import numpy as np

from modelwright.measure.text import C4_PHRASES
from modelwright.measure.text_basics import (
    APOSTROPHE,
    BASE,
    BEGIN,
    BREAK,
    DOT,
    NEWLINE,
    NUMERAL,
    ONE,
    PUNCTUATION,
    RETURN,
    SPACE,
    STOP,
    TERMINAL,
    ZERO,
    cleared,
    helper,
    inlined,
    slot_of,
    stretch,
)
from modelwright.measure.text_lines import SHORT_LINE

LONGEST_WORD, FEWEST_WORDS = 1000, 3
OPEN, CLOSE, BRACE, QUESTION, EXCLAMATION, QUOTE, KELVIN = 91, 93, 123, 63, 33, 34, 0x212A
LONG_WORD, FEW_WORDS, JAVASCRIPT, POLICY = np.int64(0), np.int64(1), np.int64(2), np.int64(3)
UNPUNCTUATED, CITATION, WHITE_SPACE = np.int64(4), np.int64(5), np.int64(6)
FIRM, LENIENT = np.int64(2), np.int64(12)  # columns
_LETTERS = np.array([ord(letter) for phrase in C4_PHRASES for letter in phrase], dtype=np.uint32)
_ENDS = np.cumsum(np.array([len(phrase) for phrase in C4_PHRASES]))
LOREM_IPSUM, SCRIPT = 0, 1  # the first phrases; the others are those of policies
EDIT = np.array([ord(letter) for letter in "[edit]"], dtype=np.uint32)
NEEDED = np.array([ord(letter) for letter in "[citation needed]"], dtype=np.uint32)


@helper
def same(x, i, b, letters):
    if i + len(letters) > b:
        return False
    for j in range(len(letters)):
        if x[i + j] != letters[j]:
            return False
    return True


@helper
def citation(x, f, i, b):
    """Length of the citation mark at i: `[12]`, `[]`, `[edit]`, `[citation needed]`; 0 if none."""
    j = i + 1
    while j < b and f[j] & NUMERAL:
        j += 1
    if j < b and x[j] == CLOSE:
        return j + 1 - i
    return len(EDIT) if same(x, i, b, EDIT) else len(NEEDED) if same(x, i, b, NEEDED) else 0


@helper
def phrases_in(y, a, b):
    """Bits of the phrases in the lower-case form of [a, b)."""
    found = 0
    for i in range(a, b):
        first = 0
        for phrase in range(len(_ENDS)):
            last = _ENDS[phrase]
            if i + last - first <= b:
                j = first
                while j < last:
                    c = y[i + j - first]
                    c = c + 32 if 65 <= c <= 90 else 107 if c == KELVIN else c
                    if c != _LETTERS[j]:
                        break
                    j += 1
                if j == last:
                    found |= 1 << phrase
            first = last
    return found


@inlined
def width(c):
    return 1 + (c >= 0x80) + (c >= 0x800) + (c >= 0x10000)


@helper
def put(spans, state, row, kind, start, end):
    """Enter a span; state: spans so far, the last span of each kind of removed line or -1. Joins lines that touch."""
    if start >= end:
        return
    last = state[1 + kind]
    if last >= 0 and kind <= UNPUNCTUATED and last < len(spans) and spans[last, 3] == start:
        spans[last, 3] = end
        return
    place = state[0]
    state[0] = place + 1
    state[1 + kind] = place
    if place < len(spans):
        spans[place, 0], spans[place, 1], spans[place, 2], spans[place, 3] = row, kind, start, end


@helper
def copy_line(x, f, a, b, at, y, g, q, k, spans, state, row):
    """Copy [a, b), whose first byte is `at`, to y without citation marks, which become spans; returns the new end."""
    i, h = a, q[k]
    while i < b:
        c = x[i]
        n = citation(x, f, i, b) if c == OPEN else 0
        if n:
            size = 0
            for j in range(i, i + n):
                size += width(x[j])
            put(spans, state, row, CITATION, at, at + size)
            at, i = at + size, i + n
            continue
        y[k], g[k] = c, f[i]
        h = h * BASE + np.uint64(c) + ONE
        at, i, k = at + width(c), i + 1, k + 1
        q[k] = h
    return k


@inlined
def copy(x, f, a, b, y, g, q, k):
    """Copy [a, b) to y, its flags and the sums of its hash; returns the new end."""
    h = q[k]
    for i in range(a, b):
        h = h * BASE + np.uint64(x[i]) + ONE
        y[k], g[k], q[k + 1] = x[i], f[i], h
        k += 1
    return k


@inlined
def first_line(out, number, which, ended):
    """Enter a line that drops the document where it is the first one."""
    if ended and not out[which]:
        out[which] = number
    if not out[10 + which]:
        out[10 + which] = number


@inlined
def ends_sentence(y, a, b):
    """True when the line [a, b) ends in one of . ? ! " ' and not in three dots."""
    if b == a:
        return False
    c = y[b - 1]
    if c == DOT:
        return b - a < 3 or y[b - 2] != DOT or y[b - 3] != DOT
    return c == QUESTION or c == EXCLAMATION or c == QUOTE or c == APOSTROPHE


@helper
def put_around(spans, state, row, ended, at, end, first, last, line_end):
    """Enter a line that stays: as a whole where nothing ends it, and the white space at its ends."""
    if not ended:
        put(spans, state, row, UNPUNCTUATED, at, end)
    put(spans, state, row, WHITE_SPACE, at, first)
    put(spans, state, row, WHITE_SPACE, last, line_end)


@helper
def edit_lines(x, f, n, suspect, y, g, q, starts, stops, firm, spans, state, row, out):
    """Decide all lines; returns how many stay. out[0:2], out[10:12]: the first lines that drop the document, or 0."""
    for kind in range(1, len(state)):
        state[kind] = -1
    kept, k, number, s, at = BEGIN, BEGIN, BEGIN, BEGIN, BEGIN
    while s < n:
        number, e, words, run, longest, marks, brace = number + 1, s, 0, 0, 0, False, False
        a, b, size, lead, tail = BEGIN - 1, s, BEGIN, BEGIN, BEGIN
        while e < n and not f[e] & BREAK:
            c = x[e]
            size += width(c)
            if f[e] & SPACE:
                run = 0
            else:
                run += 1
                words += run == 1
                longest = max(longest, run)
                if a < 0:
                    a, lead = e, size - width(c)
                b, tail = e + 1, size
            marks |= c == OPEN
            brace |= c == BRACE
            e += 1
        a = s if a < 0 else a
        after, end = e, at + size
        if e < n:
            after, end = e + 1, end + width(x[e])
            if x[e] == RETURN and e + 1 < n and x[e + 1] == NEWLINE:
                after, end = after + 1, end + 1
        before, first, reason, ended = state[0], k, -1, False
        if longest > LONGEST_WORD:
            reason = LONG_WORD  # type: ignore[assignment]
        elif words < FEWEST_WORDS:
            reason = FEW_WORDS  # type: ignore[assignment]
        else:
            k = (
                copy_line(x, f, a, b, at + lead, y, g, q, k, spans, state, row)
                if marks
                else copy(x, f, a, b, y, g, q, k)
            )
            ended = ends_sentence(y, first, k)
            found = phrases_in(y, first, k) if suspect or state[0] > before else 0
            if found >> LOREM_IPSUM & 1:
                first_line(out, number, BEGIN, ended)
            if found >> SCRIPT & 1:
                reason = JAVASCRIPT  # type: ignore[assignment]
            else:
                if brace:
                    first_line(out, number, BEGIN + 1, ended)
                reason = POLICY if found >> 2 else -1  # type: ignore[assignment]
        if reason >= 0:
            state[0], k = before, first
            put(spans, state, row, reason, at, end)
        else:
            put_around(spans, state, row, ended, at, end, at + lead, at + tail, at + size + (after - e > 1))
            starts[kept], stops[kept], firm[kept] = first, k, ended
            y[k], g[k], q[k + 1] = NEWLINE, SPACE, q[k] * BASE + ONE
            kept, k = kept + 1, k + 1
        s, at = after, end
    return kept


@helper
def count_kept(g, q, powers, kept, starts, stops, firm, keys, out, column):
    """FineWeb's counts of the text that the lines that stay make, without white space at its ends: lines that are not
    blank, those that end as sentences do, short ones, characters of copies, characters without newlines, newlines.
    """
    mask, only_firm = cleared(keys, kept), column == FIRM
    first, last, firsts, newlines = -1, -1, 0, 0
    for line in range(kept):
        if only_firm and not firm[line]:
            continue
        a = starts[line]
        while a < stops[line] and g[a] & SPACE:
            a += 1
        newlines += first >= 0
        if a < stops[line]:
            if first < 0:
                first, firsts = line, a
            last, seen = line, newlines
    if first < 0:
        return
    for line in range(first, last + 1):
        if only_firm and not firm[line]:
            continue
        a, b = firsts if line == first else starts[line], stops[line]
        if line == last:
            while g[b - 1] & SPACE:
                b -= 1
        out[column + 4] += b - a
        i = a
        while i < b and g[i] & SPACE:
            i += 1
        if i == b:
            continue
        out[column] += 1
        out[column + 1] += (g[b - 1] & TERMINAL) != 0
        out[column + 2] += b - a <= SHORT_LINE
        key = stretch(q, powers, a, b)
        slot = slot_of(keys, mask, key)
        if keys[slot] != ZERO:
            out[column + 3] += b - a
        keys[slot] = key
    out[column + 5] = seen


@helper
def compact_ends(y, g, kept, starts, stops):
    """Make the ends of lines those in the text without white space, and starts 1 where a line ends in white space
    other than one blank, else 0; returns the characters of all lines.
    """
    dense, total = 0, 0
    for line in range(kept):
        total, last = stops[line], starts[line]
        for i in range(starts[line], total):
            if not g[i] & SPACE:
                dense += 1
                last = i + 1
        starts[line] = total - last > 1 or (total - last == 1 and y[last] != 32)
        stops[line] = dense
    return total


@helper
def count_sentences(g, t, ends, glue, kept, starts, stops, firm, out):
    """Words and sentences of the lines that stay, firm ones into out[8:10], all of them into out[18:20].

    `stops` are the ends of the lines in the compacted text, `starts` is 1 where white space ends a line. A sentence
    begins at a word that is no punctuation, or at white space other than one blank, after a word that is one mark of
    its end.
    """
    i, a = 0, 0
    for line in range(kept):
        words, sentences, over = 0, 1, False
        while i < t and ends[i] <= stops[line]:
            b = ends[i]
            if words and over and glue[i - 1] == 2:
                sentences, over = sentences + 1, False
            words += 1
            if g[a] & PUNCTUATION or g[a] & STOP:
                mark = b - a == 1 and g[a] & STOP
                plain = False
                for j in range(a, b):
                    plain |= not g[j] & PUNCTUATION
                if mark:
                    over = True
                elif over and plain:
                    sentences, over = sentences + 1, False
            elif over:
                sentences, over = sentences + 1, False
            a, i = b, i + 1
        sentences += over and starts[line] == 1
        out[18] += words
        out[19] += sentences
        if firm[line]:
            out[8] += words
            out[9] += sentences
