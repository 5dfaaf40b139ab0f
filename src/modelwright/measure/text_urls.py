"""Numba helpers of the text kernel: spaCy's URL expression, decided without backtracking."""

# mypy: disable-error-code="no-untyped-def,no-untyped-call,misc"
# ruff: noqa: SIM110

from __future__ import annotations

from modelwright.measure.text_basics import (
    BEGIN,
    COLON,
    DOT,
    HOST,
    HOST_END,
    LABEL,
    NUMERAL,
    SCHEME,
    SLASH,
    TOP_LEVEL,
    digit,
    helper,
)

AT = 64


@helper
def is_number_address(x, f, a, b):
    """True when [a, b) is an IP address that spaCy's URL expression takes: public, four octets."""
    octet, i = BEGIN, a
    first, second = 0, 0
    while True:
        n, value, ascii_only = 0, 0, True
        start = i
        while i < b and f[i] & NUMERAL:
            ascii_only &= digit(x[i])
            value = value * 10 + x[i] - 48 if n < 3 else value
            n, i = n + 1, i + 1
        if n < 1 or n > 3 or not number_octet(x, start, n, octet):
            return False
        value = value if ascii_only else -1
        first = value if octet == 0 else first
        second = value if octet == 1 else second
        if octet == 3:
            break
        if i >= b or x[i] != DOT:
            return False
        octet, i = octet + 1, i + 1
    private = first == 10 or first == 127 or (first == 169 and second == 254) or (first == 192 and second == 168)
    return i == b and not (private or (first == 172 and 16 <= second <= 31))


@helper
def number_octet(x, a, n, octet):
    """True when the n numerals at a may be an octet: 1-223, 0-255 (a leading 0 only in two), 1-254."""
    c = x[a]
    if octet == 0 or octet == 3:
        if n < 3:
            return 49 <= c <= 57
    elif n < 3:
        return True
    if c == 49:
        return True
    if c != 50:
        return False
    tens, ones = x[a + 1], x[a + 2]
    if octet == 0:
        return tens == 48 or tens == 49 or (tens == 50 and 48 <= ones <= 51)
    return 48 <= tens <= 52 or (tens == 53 and 48 <= ones <= (52 if octet == 3 else 53))


@helper
def is_host(x, f, a, b):
    """True when [a, b) is a host name: labels of 1 to 64 characters, each before a dot, then 2 to 63 lower letters."""
    top = b
    while top > a and x[top - 1] != DOT:
        if not f[top - 1] & TOP_LEVEL:
            return False
        top -= 1
    if top == a or not 2 <= b - top <= 63:
        return False
    start = a
    for i in range(a, top):
        if x[i] == DOT:
            if i == start or i - start > 64 or not f[start] & f[i - 1] & HOST:
                return False
            start = i + 1
        elif not f[i] & LABEL:
            return False
    return True


@helper
def is_place(x, f, a, b):
    """True when [a, b) is host or address, then a port or not, then nothing or anything after one of / ? #."""
    end = a
    while end < b and (f[end] & (LABEL | TOP_LEVEL) or x[end] == DOT):  # no further: linear for a text full of @
        end += 1
    if end < b and not f[end] & HOST_END:
        return False
    if not (is_host(x, f, a, end) or is_number_address(x, f, a, end)):
        return False
    if end < b and x[end] == COLON:
        start = end + 1
        end = start
        while end < b and f[end] & NUMERAL:
            end += 1
        if not 2 <= end - start <= 5:
            return False
    return end == b or (f[end] & HOST_END and x[end] != COLON)


@helper
def is_url(x, f, a, b):
    """spaCy's URL_MATCH: (scheme://)? (user(:password)?@)? place. There is none without an inner dot."""
    i = a + 1
    while i < b - 1 and x[i] != DOT:
        i += 1
    if i >= b - 1:
        return False
    if is_place(x, f, a, b):
        return True
    i = a
    while i < b and f[i] & SCHEME:
        i += 1
    has_scheme = i - a >= 2 and i + 3 < b and x[i] == COLON and x[i + 1] == SLASH and x[i + 2] == SLASH
    if has_scheme and is_place(x, f, i + 3, b):
        return True
    for i in range(a + 1, b):
        if x[i] == AT and is_place(x, f, i + 1, b):
            return True
    return False
