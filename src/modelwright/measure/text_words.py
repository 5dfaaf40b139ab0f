"""Numba helpers of the text kernel: spaCy's English tokenizer, its affix rules and special cases.

A port of spaCy 3.8 `Tokenizer._tokenize_affixes` and `_apply_special_cases` (MIT, (c) ExplosionAI GmbH). Words are
stretches of the text without its white space: word t is [ends[t-1], ends[t]) of g, which has the flags of that.
"""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,misc"
# ruff: noqa: SIM109

from __future__ import annotations

import numpy as np

from modelwright.measure.text_basics import (
    ALPHABETIC,
    APOSTROPHE,
    BASE,
    BEFORE_DOT,
    BEGIN,
    COLON,
    COMPLEX,
    DEGREE,
    DOLLAR,
    DOT,
    ELLIPSIS,
    EM_DASH,
    EN_DASH,
    HALF,
    ICON,
    INFIX,
    LETTER,
    LONGEST_SPECIAL,
    LOWER_OR_QUOTE,
    MINUS,
    ONE,
    PLUS,
    PREFIX,
    RIGHT_QUOTE,
    ROLES,
    SLASH,
    STOP_WORD,
    SUFFIX,
    THREE,
    TILDE,
    UNIT_END,
    UPPER,
    UPPER_OR_QUOTE,
    ZERO,
    apart,
    digit,
    helper,
    inlined,
    mixed,
    shape_of,
    slot_of,
    stretch,
)
from modelwright.measure.text_urls import is_url

PLAIN_BIT, COMPLEX_CHUNK, COMPLEX_BEFORE = np.uint32(29), np.uint64(COMPLEX), np.uint64(COMPLEX << 32)


@helper
def listed(x, a, b, keys):
    """Place of [a, b) in a table of hashes, or -1."""
    h = ZERO
    for i in range(a, b):
        h = h * BASE + np.uint64(x[i]) + ONE
    slot = slot_of(keys, len(keys) - 1, mixed(h))
    return slot if keys[slot] != ZERO else -1


@inlined
def special(x, a, b, keys, values, shapes):
    """Number of the special case that [a, b) is, or -1."""
    n = b - a
    if n > LONGEST_SPECIAL:
        return -1
    shape = shape_of(x[a], x[a + 1] if n > 1 else np.uint32(0), x[b - 1], n)
    if not (shapes[shape >> np.uint64(6)] >> (shape & np.uint64(63))) & ONE:
        return -1
    slot = listed(x, a, b, keys)
    return np.int64(values[slot]) if slot >= 0 else -1


@inlined
def prefix(x, f, a, b):
    """Length of spaCy's prefix of [a, b), 0 if none."""
    c = x[a]
    if f[a] & PREFIX:
        return 1
    if c == DOT:
        i = a + 1
        while i < b and x[i] == DOT:
            i += 1
        return i - a if i - a > 1 else 0
    if c == PLUS:
        return 0 if a + 1 < b and digit(x[a + 1]) else 1
    if (c == 67 or c == 65) and a + 1 < b and x[a + 1] == DOLLAR:  # C$ A$
        return 2
    if c == 85 and a + 2 < b and x[a + 1] == 83 and x[a + 2] == DOLLAR:  # US$
        return 3
    return 0


@inlined
def suffix(x, f, a, b, units):
    """Length of spaCy's suffix of [a, b): the longest alternative, as its search takes the leftmost; 0 if none."""
    if a >= b:
        return 0
    c, best = x[b - 1], 0
    if f[b - 1] & SUFFIX:
        best = 2 if c == ELLIPSIS and b - 2 >= a and x[b - 2] == ELLIPSIS else 1
    if c == DOT:
        i = b - 1
        while i > a and x[i - 1] == DOT:
            i -= 1
        if b - i > 1:
            return b - i
        if i > a and f[i - 1] & BEFORE_DOT:
            return 1
        if i - 1 > a:
            last = x[i - 1] | 32
            if f[i - 1] & UPPER and f[i - 2] & UPPER:
                return 1
            return 1 if (last == 102 or last == 99 or last == 107) and x[i - 2] == DEGREE else 0
        return 0
    if b - 2 >= a:
        before = x[b - 2]
        if (c == 115 or c == 83) and (before == APOSTROPHE or before == RIGHT_QUOTE):
            best = 2
        if c == PLUS and digit(before):
            best = 1
    if f[b - 1] & UNIT_END:  # a unit or currency right after a digit; none of them holds a digit
        i = b - 1
        while i > a and b - i < LONGEST_SPECIAL and not digit(x[i - 1]):
            i -= 1
        if i > a and digit(x[i - 1]) and b - i > best and listed(x, i, b, units) >= 0:
            best = b - i
    return best


@inlined
def infix(x, f, i, a, b):
    """Length of spaCy's infix at i inside [a, b), 0 if none."""
    c, flags = x[i], f[i]
    if flags & ICON:
        return 1
    if c == DOT:
        end = i + 1
        while end < b and x[end] == DOT:
            end += 1
        if end - i > 1:
            return end - i
    if i == a or i + 1 >= b:
        return 0
    before, after = f[i - 1], f[i + 1]
    if c == DOT:
        return 1 if before & LOWER_OR_QUOTE and after & UPPER_OR_QUOTE else 0
    if (c == PLUS or c == MINUS or c == 42 or c == 94) and digit(x[i - 1]) and (digit(x[i + 1]) or x[i + 1] == MINUS):
        return 1
    if c == 44:
        return 1 if before & LETTER and after & LETTER else 0
    if not (before & LETTER or digit(x[i - 1])):
        return 0
    if c == COLON or c == SLASH or 60 <= c <= 62:  # : / < = >
        return 1 if after & LETTER else 0
    longest = 3 if c == MINUS else 2 if c == EM_DASH else 1 if c == EN_DASH or c == TILDE else 0
    for n in range(1, longest + 1):
        if i + n < b and f[i + n] & LETTER:
            return n
        if i + n >= b or x[i + n] != c:
            return 0
    return 0


@inlined
def cut_middle(x, f, a, b, ends, t):
    """Cut [a, b) at its infixes; returns the number of words so far."""
    start, i = a, a
    while i < b:
        n = infix(x, f, i, a, b) if f[i] & INFIX else 0
        if n == 0:
            i += 1
            continue
        if i != a:  # spaCy leaves an infix at the very start where it is
            if i != start:
                ends[t] = i
                t += 1
            ends[t] = i + n
            t += 1
            start = i + n
        i += n
    if start < b:
        ends[t] = b
        t += 1
    return t


@helper
def cut_chunk(x, f, a, b, ends, t, stack, keys, values, tokens, shapes, units):
    """spaCy's loop over the prefixes and suffixes of a stretch without white space; returns the number of words."""
    suffixes, case = 0, -1
    while a < b:
        case = special(x, a, b, keys, values, shapes)
        if case >= 0:
            break
        n = prefix(x, f, a, b)
        if n and a + n < b:
            case = special(x, a + n, b, keys, values, shapes)
            if case >= 0:
                a += n
                ends[t] = a
                t += 1
                break
        m = suffix(x, f, a + n, b, units)
        if m and a < b - m:
            case = special(x, a, b - m, keys, values, shapes)
        if n == 0 and m == 0:
            break
        if m:
            stack[suffixes] = b
            suffixes += 1
            b -= m
        if case >= 0:
            break
        if n:
            a += n
            ends[t] = a
            t += 1
    if case >= 0:
        for i in range(3):
            if tokens[case, i]:
                a += tokens[case, i]
                ends[t] = a
                t += 1
    elif a < b:
        if is_url(x, f, a, b):
            ends[t] = b
            t += 1
        else:
            t = cut_middle(x, f, a, b, ends, t)
    while suffixes:
        suffixes -= 1
        ends[t] = stack[suffixes]
        t += 1
    return t


@inlined
def one_suffix(x, f, a, b):
    """True when [a, b), of which only the last character may be complex, ends in a suffix of one character."""
    if b - a < 2:
        return False
    if x[b - 1] != DOT:
        return (f[b - 1] & SUFFIX) != 0
    return (f[b - 2] & BEFORE_DOT) != 0


@helper
def flags_in(g, a, b):
    """All flags of the characters [a, b)."""
    apart()
    seen = np.uint32(0)
    for i in range(a, b):
        seen |= g[i]
    return seen


@helper
def describe_words(q, powers, first, t, times, ends, about, roles, usual, hashes, role, totals):
    """Hash and role of each word from `first` to `t`, of which `about` has the flags, and `times` (1, or -1) into
    `totals`: plain words, their characters, words with a letter, each of the stop words.
    """
    apart()
    a = np.int64(ends[first - 1]) if first else BEGIN
    plain_words, plain_characters, letters = BEGIN, BEGIN, BEGIN
    for i in range(np.uint64(first), np.uint64(t)):
        b = np.int64(ends[i])
        h = stretch(q, powers, a, b)
        known = roles[h & ROLES]
        hashes[i], role[i] = h, known
        plain = np.int64(about[i] >> PLAIN_BIT & 1)
        plain_words += plain
        plain_characters += plain * (b - a)
        letters += (about[i] & ALPHABETIC) != 0
        stop = np.uint64(known & STOP_WORD)
        totals[THREE + stop] += np.int64(h == usual[stop]) * times
        a = b
    totals[0] += plain_words * times
    totals[1] += plain_characters * times
    totals[2] += letters * times


@helper
def cut_words(
    x, f, g, edges, seen, chunks, ends, glue, about, stack, keys, values, tokens, shapes, units, spaces
):  # fmt: skip
    """Cut chunks to words; returns their number. `about` has all flags of a word; glue of one: 0 when the next one
    follows at once, 1 after a single blank, 2 after other white space.
    """
    t, dense, end = BEGIN, BEGIN, BEGIN
    for w in range(chunks):
        a, b = np.int64(edges[2 * w]), np.int64(edges[2 * w + 1])
        if t:
            glue[t - 1] = 1 if a - end == 1 and x[end] == 32 else 2
        end, shift = b, a - dense
        flags, last = seen[2 * w + 1], b
        if not spaces:
            whole = not flags & COMPLEX_CHUNK or b - a == 1
            if not whole and not flags & COMPLEX_BEFORE and one_suffix(x, f, a, b):
                last = b - 1
                whole = special(x, a, last, keys, values, shapes) < 0
            if not whole or special(x, a, b, keys, values, shapes) >= 0:
                first, t = t, cut_chunk(x, f, a, b, ends, t, stack, keys, values, tokens, shapes, units)
                for i in range(first, t):
                    start, dense = dense, ends[i] - shift
                    ends[i], glue[i], about[i] = dense, 0, flags_in(g, start, dense)
                continue
        dense = last - shift
        ends[t], about[t] = dense, flags if last == b else flags >> HALF
        t += 1
        if last < b:
            dense += 1
            ends[t], glue[t - 1], about[t] = dense, 0, f[last]
            t += 1
    if t:
        glue[t - 1] = 0
    return t
