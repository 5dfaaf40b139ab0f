"""Numba helpers of the text kernel: which lines C4 removes, and FineWeb's counts of what stays.

Definitions are those of datatrove 0.10.1's C4QualityFilter and FineWebQualityFilter (Apache-2.0), sentences those of
spaCy's sentencizer (MIT). Every line is decided twice: with the test of its last character, and without (FineWeb's
recipe). Lines that stay without it are listed; `firm` tells those that stay with it too.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,misc"
# ruff: noqa: SIM109, SIM110

from __future__ import annotations

import numpy as np

from modelwright.measure.text import C4_PHRASES
from modelwright.measure.text_basics import (
    APOSTROPHE,
    BEGIN,
    BREAK,
    DOT,
    HALF,
    LOWER_HALF,
    NEWLINE,
    NUMERAL,
    ONE,
    PUNCTUATION,
    RETURN,
    SPACE,
    STOP,
    TERMINAL,
    TWO,
    ZERO,
    cleared,
    hash_of,
    helper,
    inlined,
    slot_of,
)
from modelwright.measure.text_lines import SHORT_LINE

LONGEST_WORD, FEWEST_WORDS = 1000, 3
SEARCHED = 512  # code points that are searched at once for what few lines hold
OPEN, CLOSE, BRACE, QUESTION, EXCLAMATION, QUOTE, KELVIN = 91, 93, 123, 63, 33, 34, 0x212A
LONG_WORD, FEW_WORDS, JAVASCRIPT, POLICY = np.int64(0), np.int64(1), np.int64(2), np.int64(3)
UNPUNCTUATED, CITATION, WHITE_SPACE = np.int64(4), np.int64(5), np.int64(6)
ONE_BIT, TWO_BITS, BLANK = np.uint32(1), np.uint32(2), np.uint32(32)
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
def bytes_of(x, a, b):
    """UTF-8 bytes of [a, b)."""
    size = BEGIN
    for i in range(a, b):
        size += width(x[i])
    return size


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
def cut_citations(x, f, a, b, at, spans, state, row):
    """Take citation marks, which become spans, out of [a, b), whose first byte is `at`; returns the new end."""
    i, k = a, a
    while i < b:
        n = citation(x, f, i, b) if x[i] == OPEN else 0
        if n:
            size = bytes_of(x, i, i + n)
            put(spans, state, row, CITATION, at, at + size)
            at, i = at + size, i + n
            continue
        at += width(x[i])
        x[k], f[k] = x[i], f[i]
        i, k = i + 1, k + 1
    return k


@helper
def hints_in(x, a, b):
    """Bits for what [a, b) may hold: 1 a citation mark, 2 a curly bracket, 4 a phrase, three letters of which (jav of
    javascript, psu of lorem ipsum, rms of terms of use, acy of privacy, coo of cookie) are there in any case.
    """
    found = np.uint32(0)
    for i in range(np.uint64(a), np.uint64(b)):
        c, d, e = x[i] | BLANK, x[i + ONE] | BLANK, x[i + TWO] | BLANK
        phrase = (c == 106) & (d == 97) & (e == 118) | (c == 112) & (d == 115) & (e == 117)
        phrase |= (c == 114) & (d == 109) & (e == 115) | (c == 97) & (d == 99) & (e == 121)
        phrase |= (c == 99) & (d == 111) & (e == 111)
        found |= np.uint32(x[i] == OPEN) | np.uint32(x[i] == BRACE) << ONE_BIT | np.uint32(phrase) << TWO_BITS
    return found


@helper
def cause_in_words(f, a, b):
    """LONG_WORD or FEW_WORDS where the words of [a, b) are cause to remove it, else -1."""
    if b - a > LONGEST_WORD:
        run, longest = 0, 0
        for i in range(a, b):
            run = 0 if f[i] & SPACE else run + 1
            longest = max(longest, run)
        if longest > LONGEST_WORD:
            return LONG_WORD
    words, before = 0, SPACE
    for i in range(a, b):
        space = f[i] & SPACE
        words += before > space
        before = space
        if words == FEWEST_WORDS:
            return BEGIN - 1
    return FEW_WORDS


@inlined
def first_line(out, number, which, ended):
    """Enter a line that drops the document where it is the first one."""
    if ended and not out[which]:
        out[which] = number
    if not out[10 + which]:
        out[10 + which] = number


@helper
def cause_in_phrases(found, brace, number, ended, out):
    """JAVASCRIPT or POLICY where phrases are cause to remove line `number`, else -1; enters what drops the document."""
    if found >> LOREM_IPSUM & 1:
        first_line(out, number, BEGIN, ended)
    if found >> SCRIPT & 1:
        return JAVASCRIPT
    if brace:
        first_line(out, number, BEGIN + 1, ended)
    return POLICY if found >> 2 else BEGIN - 1


@inlined
def ends_sentence(y, a, b):
    """True when the line [a, b) ends in one of . ? ! " ' and not in three dots."""
    if b == a:
        return False
    c = y[b - 1]
    if c == DOT:
        return b - a < 3 or y[b - 2] != DOT or y[b - 3] != DOT
    return c == QUESTION or c == EXCLAMATION or c == QUOTE or c == APOSTROPHE


@inlined
def ends_in_space(x, f, a, b):
    """True when [a, b) ends in white space other than one blank."""
    last = b
    while last > a and f[last - 1] & SPACE:
        last -= 1
    return b - last > 1 or (b - last == 1 and x[last] != 32)


@helper
def put_around(spans, state, row, ended, at, end, first, last, line_end):
    """Enter a line that stays: as a whole where nothing ends it, and the white space at its ends."""
    if not ended:
        put(spans, state, row, UNPUNCTUATED, at, end)
    put(spans, state, row, WHITE_SPACE, at, first)
    put(spans, state, row, WHITE_SPACE, last, line_end)


@helper
def edit_lines(x, f, n, bytes_of_text, marks, marked, starts, stops, firm, hashes, spans, state, row, out):
    """Decide all lines; returns how many stay: these are [starts, stops), citation marks taken out in place.

    `marks` has the places where lines end, and others. `firm` has two bits: 1 when the line ends as a sentence does, 2
    when it ends in white space other than one blank. out[0:2], out[10:12]: the first lines that drop the document.
    """
    for kind in range(1, len(state)):
        state[kind] = -1
    kept, number, s, at, searched, hints = BEGIN, BEGIN, BEGIN, BEGIN, BEGIN, np.uint32(0)
    for mark in range(marked + 1):
        e = np.int64(marks[mark] & LOWER_HALF) if mark < marked else n
        if e < s or (e == s and mark == marked) or (e < n and not f[e] & BREAK):
            continue
        line_end = np.int64(marks[mark] >> HALF) if mark < marked else bytes_of_text
        number, a, b = number + 1, s, e
        while a < b and f[a] & SPACE:
            a += 1
        while b > a and f[b - 1] & SPACE:
            b -= 1
        after, end = e, line_end
        if e < n:
            after, end = e + 1, line_end + width(x[e])
            if x[e] == RETURN and e + 1 < n and x[e + 1] == NEWLINE:
                after, end = after + 1, end + 1
        first_byte, last_byte = at + bytes_of(x, s, a), line_end - bytes_of(x, b, e)
        before, stop, ended = state[0], b, False
        reason = cause_in_words(f, a, b)
        if reason < 0:
            if b > searched:  # many lines at once
                searched = min(max(b, a + SEARCHED), n)
                hints = hints_in(x, a, searched)
            hinted = hints_in(x, a, b) if hints else hints
            if hinted & 1:
                stop = cut_citations(x, f, a, b, first_byte, spans, state, row)
            ended = ends_sentence(x, a, stop)
            if hinted:
                found = phrases_in(x, a, stop) if hinted & 4 or state[0] > before else 0
                reason = cause_in_phrases(found, hinted & 2, number, ended, out)
        if reason >= 0:
            state[0] = before
            put(spans, state, row, reason, at, end)
        else:
            put_around(spans, state, row, ended, at, end, first_byte, last_byte, line_end + (after - e > 1))
            starts[kept], stops[kept], hashes[kept] = a, stop, hash_of(x, a, stop)
            firm[kept] = ended | ends_in_space(x, f, a, stop) << 1
            kept += 1
        s, at = after, end
    return kept


@helper
def count_kept(x, f, kept, starts, stops, firm, hashes, keys, out, column):
    """FineWeb's counts of the text that the lines that stay make, without white space at its ends: lines that are not
    blank, those that end as sentences do, short ones, characters of copies, characters without newlines, newlines.
    """
    mask, only_firm = cleared(keys, kept), column == FIRM
    first, last, firsts, newlines = -1, -1, 0, 0
    for line in range(kept):
        if only_firm and not firm[line] & 1:
            continue
        a = starts[line]
        while a < stops[line] and f[a] & SPACE:
            a += 1
        newlines += first >= 0
        if a < stops[line]:
            if first < 0:
                first, firsts = line, a
            last, seen = line, newlines
    if first < 0:
        return
    for line in range(first, last + 1):
        if only_firm and not firm[line] & 1:
            continue
        a, b = firsts if line == first else starts[line], stops[line]
        if line == last:
            while f[b - 1] & SPACE:
                b -= 1
        out[column + 4] += b - a
        i = a
        while i < b and f[i] & SPACE:
            i += 1
        if i == b:
            continue
        out[column] += 1
        out[column + 1] += (f[b - 1] & TERMINAL) != 0
        out[column + 2] += b - a <= SHORT_LINE
        whole = a == starts[line] and b == stops[line]
        key = hashes[line] if whole else hash_of(x, a, b)
        slot = slot_of(keys, mask, key)
        if keys[slot] != ZERO:
            out[column + 3] += b - a
        keys[slot] = key
    out[column + 5] = seen


@helper
def count_sentences(g, t, ends, glue, kept, stops, firm, out):
    """Words and sentences of the lines that stay, firm ones into out[8:10], all of them into out[18:20].

    `stops` are the ends of the lines in the text without white space; for `firm` see `edit_lines`. A sentence
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
        sentences += over and firm[line] & 2 != 0
        out[18] += words
        out[19] += sentences
        if firm[line] & 1:
            out[8] += words
            out[9] += sentences
