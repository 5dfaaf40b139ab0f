"""Numba helpers of the text kernel: counts of characters, lines and paragraphs."""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,misc"

from __future__ import annotations

import numpy as np

from modelwright.measure.text_basics import (
    ALPHABETIC,
    ALPHANUMERIC,
    BASE64,
    BEGIN,
    BREAK,
    BULLET,
    DOT,
    ELLIPSIS,
    ESCAPE,
    HEXADECIMAL,
    LOWER_HALF,
    MINUS,
    NEWLINE,
    NUMERAL,
    RETURN,
    SPACE,
    TERMINAL,
    ZERO,
    cleared,
    hash_of,
    helper,
    inlined,
    slot_of,
)

SHORT_LINE = 30  # code points; FineWeb's short lines have no more
SHORTEST_ENCODED = 64  # code points of a stretch of base64 that counts
SHORTEST_PAIRS = 8  # pairs of hexadecimal digits, or \u escapes, in a row that count
BACKSLASH, COMMA = 92, 44


@helper
def count_characters(f, n, out):
    """Letters, letters and digits, digits, white space; apart from the rest, so that the compiler makes vectors."""
    alphabetic, alphanumeric, numerals, spaces = np.uint32(0), np.uint32(0), np.uint32(0), np.uint32(0)
    for i in range(n):
        flags = f[i]
        alphabetic += np.uint32((flags & ALPHABETIC) != 0)
        alphanumeric += np.uint32((flags & ALPHANUMERIC) != 0)
        numerals += np.uint32((flags & NUMERAL) != 0)
        spaces += np.uint32((flags & SPACE) != 0)
    out[0], out[1], out[2], out[3], out[4] = n, alphabetic, alphanumeric, numerals, spaces


@inlined
def may_lie_in_run(f, i, n, flag, reach):
    """False only where fewer than 2 * `reach` characters in a row, of which i >= reach is one, have the flag."""
    left, right = f[i], f[i]
    if i + reach < n:
        for j in range(1, reach):
            left &= f[i - j]
            right &= f[i + j]
    return ((left | right) & flag) != 0


@helper
def count_encoded(f, n, out):
    """Stretches of base64: each of 64 and more covers a place that is a multiple of 64 after the one before."""
    encoded, longest, i = 0, 0, SHORTEST_ENCODED - 1
    while i < n:
        if may_lie_in_run(f, i, n, BASE64, SHORTEST_ENCODED // 4):
            a, b = i, i + 1
            while a > 0 and f[a - 1] & BASE64:
                a -= 1
            while b < n and f[b] & BASE64:
                b += 1
            if b - a >= SHORTEST_ENCODED:
                encoded += b - a
                longest = max(longest, b - a)
            i = b
        i += SHORTEST_ENCODED
    out[11], out[12] = encoded, longest


@helper
def count_pairs(x, f, n, out):
    """Stretches of `0x0A, 0x0B`, `0a0b`, `\\x0a` (pairs of hexadecimal digits) and of `\\u00e9`: 8 and more in a row.

    A pair ends at a comma, at white space, or where the next one begins; a stretch without any digit is a word.
    """
    out[13], out[14], i = 0, 0, 2 * SHORTEST_PAIRS - 1
    while i < n:
        if may_lie_in_run(f, i, n, ESCAPE, SHORTEST_PAIRS):
            a, b = i, i + 1
            while a > 0 and f[a - 1] & ESCAPE:
                a -= 1
            while b < n and f[b] & ESCAPE:
                b += 1
            if b - a >= 2 * SHORTEST_PAIRS:
                pairs_between(x, f, a, b, out)
            i = b
        i += 2 * SHORTEST_PAIRS


@helper
def pairs_between(x, f, a, b, out):
    """Enter the stretches of pairs in [a, b), which holds characters of pairs only."""
    i = a
    while i < b:
        if i and f[i - 1] & ALPHANUMERIC:
            i += 1
            continue
        start, pairs, digits = i, 0, 0
        while True:
            j, wide = i, 2
            if j + 1 < b and x[j] == 48 and x[j + 1] | 32 == 120:  # 0x
                j += 2
            elif j + 1 < b and x[j] == BACKSLASH and (x[j + 1] == 120 or x[j + 1] == 117):  # \x \u
                wide = 2 if x[j + 1] == 120 else 4
                j += 2
            end = j
            while end < b and end - j < wide and f[end] & HEXADECIMAL:
                digits += (f[end] & NUMERAL) != 0
                end += 1
            if end - j < wide:
                break
            pairs += 1
            while end < b and (x[end] == COMMA or f[end] & SPACE):
                end += 1
            i = end
        if pairs >= SHORTEST_PAIRS and digits:
            out[13] += i - start
            out[14] = max(out[14], i - start)
        i = max(i, start + 1)


@inlined
def end_line(x, f, a, b, out):
    """Enter the line [a, b) of `str.splitlines`."""
    out[7] += 1
    out[8] += b - a
    out[9] = max(out[9], b - a)
    i = a
    while i < b and f[i] & SPACE:
        i += 1
    if i < b:
        out[10] += x[i] == BULLET or x[i] == MINUS
        i = b - 1
        while f[i] & SPACE:
            i -= 1
        dots = x[i] == DOT and i - 2 >= a and x[i - 1] == DOT and x[i - 2] == DOT
        out[15] += x[i] == ELLIPSIS or dots


@helper
def split_lines(x, f, n, marks, marked, out, newlines):
    """Lines of `str.splitlines`, hash signs and ellipses into `out`; places of newlines; returns their number."""
    m, start, dots, last_dot = 0, BEGIN, 0, -2
    for mark in range(marked):
        i = np.int64(marks[mark] & LOWER_HALF)
        c = x[i]
        if c == DOT:
            dots = dots + 1 if last_dot == i - 1 else 1
            last_dot = i  # type: ignore[assignment]
            out[6] += dots % 3 == 0
        elif c == ELLIPSIS:
            out[6] += 1
        elif not f[i] & BREAK:
            out[5] += 1
        else:
            if c == NEWLINE:
                newlines[m] = i
                m += 1
            if c != NEWLINE or i == 0 or x[i - 1] != RETURN:
                end_line(x, f, start, i, out)
            start = i + 1
    if start < n:
        end_line(x, f, start, n, out)
    return m


@helper
def count_lines(x, f, n, newlines, m, keys, out, column):
    """Lines between newlines: pieces at runs of newlines and their copies (Gopher), then those that are not blank:
    all, ending as sentences do, short, characters of copies (FineWeb); the length of the third longest line (mC4).
    """
    mask = cleared(keys, m + 1)
    pieces, copies, characters, lines, terminal, short, repeated = 0, 0, 0, 0, 0, 0, 0
    longest, second, third, start = -1, -1, -1, BEGIN
    for k in range(m + 1):
        end = newlines[k] if k < m else n
        size = end - start
        if size > third:
            if size > longest:
                longest, second, third = size, longest, second
            elif size > second:
                second, third = size, second
            else:
                third = size
        if size:
            key = hash_of(x, start, end)
            slot = slot_of(keys, mask, key)
            copy = keys[slot] != ZERO
            keys[slot] = key
            pieces += 1
            copies += copy
            characters += size if copy else 0
            i = start
            while i < end and f[i] & SPACE:
                i += 1
            if i < end:
                lines += 1
                terminal += (f[end - 1] & TERMINAL) != 0
                short += size <= SHORT_LINE
                repeated += size if copy else 0
        start = end + 1
    if m and newlines[0] == 0:  # an empty piece before the first newline, and one after the last
        pieces += 1
    if m and newlines[m - 1] == n - 1:
        pieces += 1
        copies += newlines[0] == 0
    out[column], out[column + 1], out[column + 2] = max(pieces, 1), copies, characters
    out[column + 3], out[column + 4], out[column + 5], out[column + 6] = lines, terminal, short, repeated
    out[column + 7], out[column + 8] = m, max(third, 0)


@helper
def count_paragraphs(x, a, b, newlines, m, keys, out, column):
    """Pieces of the stripped text [a, b) between two and more newlines, second copies and their characters."""
    mask = cleared(keys, m + 1)
    pieces, copies, characters, start, k = 0, 0, 0, a, 0
    while True:
        while k < m and (newlines[k] < a or k + 1 >= m or newlines[k + 1] != newlines[k] + 1):
            k += 1
        end = newlines[k] if k < m and newlines[k] < b else b
        pieces += 1
        if pieces == 1 and end == b:
            break
        key = hash_of(x, start, end)
        slot = slot_of(keys, mask, key)
        if keys[slot] != ZERO:
            copies += 1
            characters += end - start
        keys[slot] = key
        if end == b:
            break
        while k + 1 < m and newlines[k + 1] == newlines[k] + 1:
            k += 1
        start, k = newlines[k] + 1, k + 1
    out[column], out[column + 1], out[column + 2] = pieces, copies, characters
