"""Numba helpers of the text kernel: spaCy's English tokenizer, its affix rules and special cases.

A port of spaCy 3.8 `Tokenizer._tokenize_affixes` and `_apply_special_cases` (MIT, (c) ExplosionAI GmbH). The text is
compacted to the characters that are no white space, of which words are stretches: word t is [ends[t-1], ends[t]).
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
    SLASH,
    SPACE,
    SUFFIX,
    SYMBOL,
    TILDE,
    UNIT_END,
    UPPER,
    UPPER_OR_QUOTE,
    ZERO,
    digit,
    helper,
    inlined,
    shape_of,
    slot_of,
    stretch,
)
from modelwright.measure.text_urls import is_url


@inlined
def special(x, p, powers, a, b, keys, values, shapes):
    """Number of the special case that [a, b) is, or -1."""
    n = b - a
    if n > LONGEST_SPECIAL:
        return -1
    shape = shape_of(x[a], x[a + 1] if n > 1 else np.uint32(0), x[b - 1], n)
    if not (shapes[shape >> np.uint64(6)] >> (shape & np.uint64(63))) & ONE:
        return -1
    slot = slot_of(keys, len(keys) - 1, stretch(p, powers, a, b))
    return np.int64(values[slot]) if keys[slot] != ZERO else -1


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
def suffix(x, f, p, powers, a, b, units):
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
        if (
            i > a
            and digit(x[i - 1])
            and b - i > best
            and units[slot_of(units, len(units) - 1, stretch(p, powers, i, b))] != ZERO
        ):
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


@inlined
def cut_chunk(x, f, p, powers, a, b, ends, t, stack, keys, values, tokens, shapes, units):
    """spaCy's loop over the prefixes and suffixes of a stretch without white space; returns the number of words."""
    suffixes, case = 0, -1
    while a < b:
        case = special(x, p, powers, a, b, keys, values, shapes)
        if case >= 0:
            break
        n = prefix(x, f, a, b)
        if n and a + n < b:
            case = special(x, p, powers, a + n, b, keys, values, shapes)
            if case >= 0:
                a += n
                ends[t] = a
                t += 1
                break
        m = suffix(x, f, p, powers, a + n, b, units)
        if m and a < b - m:
            case = special(x, p, powers, a, b - m, keys, values, shapes)
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


@inlined
def clear(totals):
    for i in range(len(totals)):
        totals[i] = 0


@inlined
def tell(seen, symbols, h, n, stops, stop_bits, totals):
    """Add one word to `totals`: plain words, their characters, words with a letter, bits of the stop words."""
    if not symbols & SYMBOL:
        totals[0] += 1
        totals[1] += n
    totals[2] += (seen & ALPHABETIC) != 0
    if (stop_bits >> (h & np.uint64(63))) & ONE:
        for s in range(len(stops)):
            if h == stops[s]:
                totals[3] |= 1 << s


@helper
def describe_words(f, p, powers, first, t, ends, hashes, stops, stop_bits, totals):
    """Hash of each word from `first` to `t`, and what `tell` says of them."""
    a = np.int64(ends[first - 1]) if first else BEGIN
    if first == 0:
        clear(totals)
    for i in range(first, t):
        b = ends[i]
        seen, symbols = np.uint32(0), np.uint32(SYMBOL)
        for j in range(a, b):
            seen |= f[j]
            symbols &= f[j]
        hashes[i] = stretch(p, powers, a, b)
        tell(seen, symbols, hashes[i], b - a, stops, stop_bits, totals)
        a = b


@helper
def cut_words(
    x, f, p, n, powers, spaces, ends, hashes, glue, stack, keys, values, tokens, shapes, units, stops, stop_bits, totals
):
    """Compact x and f to what is no white space, fill p, cut and describe words; returns their number.

    glue of a word: 0 when the next one follows at once, 1 after a single blank, 2 after other white space.
    """
    t, k, i = BEGIN, BEGIN, BEGIN
    clear(totals)
    while i < n:
        first = i
        while i < n and f[i] & SPACE:
            i += 1
        if t:
            glue[t - 1] = 1 if i - first == 1 and x[first] == 32 else 2
        a, first_word, h = k, t, p[k]
        seen, before = np.uint32(0), np.uint32(0)
        symbols, symbols_before = np.uint32(SYMBOL), np.uint32(SYMBOL)
        while i < n:
            flags = f[i]
            if flags & SPACE:
                break
            c = x[i]
            x[k], f[k] = c, flags
            h = h * BASE + np.uint64(c) + ONE
            k, i = k + 1, i + 1
            p[k] = h
            before, symbols_before = seen, symbols
            seen |= flags
            symbols &= flags
        if k == a:
            break
        kind = 1 if spaces or not seen & COMPLEX else 2 if not before & COMPLEX and one_suffix(x, f, a, k) else 0
        if kind and not spaces and special(x, p, powers, a, k, keys, values, shapes) >= 0:
            kind = 0
        if kind == 2 and special(x, p, powers, a, k - 1, keys, values, shapes) >= 0:
            kind = 0
        if kind == 0:
            t = cut_chunk(x, f, p, powers, a, k, ends, t, stack, keys, values, tokens, shapes, units)
            describe_words(f, p, powers, first_word, t, ends, hashes, stops, stop_bits, totals)
            for j in range(first_word, t):
                glue[j] = 0
            continue
        last = k if kind == 1 else k - 1
        ends[t], glue[t] = last, 0
        hashes[t] = stretch(p, powers, a, last)
        if kind == 2:
            seen, symbols = before, symbols_before
        tell(seen, symbols, hashes[t], last - a, stops, stop_bits, totals)
        t += 1
        if kind == 2:
            ends[t], glue[t] = k, 0
            hashes[t] = stretch(p, powers, last, k)
            tell(f[last], f[last], hashes[t], k - last, stops, stop_bits, totals)
            t += 1
    return t
