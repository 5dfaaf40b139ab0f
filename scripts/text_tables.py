"""Write `src/modelwright/measure/text_tables.npz`: what the text kernel knows of Unicode, datatrove and spaCy.

Run with spaCy and datatrove installed (development only): `python scripts/text_tables.py`. The file holds
- one byte a code point (its class) and the flags of each class: white space, letters, punctuation, datatrove's sets,
  the ends of sentences of spaCy's sentencizer,
  and the character classes of spaCy's English prefix, suffix, infix and URL expressions;
- spaCy's English special cases ("don't" -> "do" "n't") as code points and token lengths, with the pieces into which the
  affix rules alone would cut those that contain affixes, and its units and currencies.
Frozen, so that a new Python or Unicode version cannot change a signal. spaCy: MIT, (c) ExplosionAI GmbH.
datatrove: Apache-2.0, (c) Hugging Face.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from pathlib import Path

import numpy as np
import spacy
from datatrove.utils.text import PUNCTUATION_SET, TERMINAL_PUNCTUATION
from spacy.lang import char_classes as cc
from spacy.lang import punctuation
from spacy.pipeline import Sentencizer
from spacy.tokenizer import Tokenizer

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))
from modelwright.measure.text import FLAGS, TABLES

OWN_RULES = {r"\+(?![0-9])", r"\.\.+", r"US\$", r"C\$", r"A\$", "'s", "'S", "’s", "’S", "……"}


def single(pieces: list[str]) -> str:
    """One character class of all pieces that match exactly one character without looking around."""
    kept = [piece for piece in pieces if piece.strip() and piece not in OWN_RULES and not piece.startswith("(?<=")]
    for piece in kept:
        assert piece.startswith("[") or len(piece.replace("\\", "")) == 1, piece
    return "|".join(kept)


def patterns() -> dict[str, str]:
    """Flag -> regular expression that matches the characters that have it."""
    quotes = cc.CONCAT_QUOTES
    units = [*cc.UNITS.split("|"), *cc.CURRENCY.replace("\\", "").split("|")]
    return {
        "PREFIX": single(punctuation.TOKENIZER_PREFIXES),
        "SUFFIX": single(punctuation.TOKENIZER_SUFFIXES),
        "ICON": "|".join([*cc.LIST_ICONS, "…"]),
        "LETTER": f"[{cc.ALPHA}]",
        "LOWER_OR_QUOTE": f"[{cc.ALPHA_LOWER}{quotes}]",
        "UPPER_OR_QUOTE": f"[{cc.ALPHA_UPPER}{quotes}]",
        "BEFORE_DOT": rf"[0-9{cc.ALPHA_LOWER}%²\-\+{cc.PUNCT}(?:{quotes})]",
        "UPPER": f"[{cc.ALPHA_UPPER}]",
        "HOST": r"[A-Za-z0-9\u00a1-\uffff]",
        "TOP_LEVEL": f"[{cc.ALPHA_LOWER}]",
        "LABEL": r"[A-Za-z0-9\u00a1-\uffff_-]",
        "HOST_END": r"[:/?#]",
        "SCHEME": r"[\w\+\-\.]",
        "NUMERAL": r"\d",
        "UNIT_END": "[" + re.escape("".join({unit[-1] for unit in units})) + "]",
        "BASE64": r"[a-zA-Z0-9+/\n=]",
    }


def flag_table() -> tuple[np.ndarray, np.ndarray]:
    """Class of each code point (uint8) and flags of each class (uint32)."""
    compiled = {name: re.compile(pattern) for name, pattern in patterns().items()}
    stops = set(Sentencizer.default_punct_chars)
    assert all(len(stop) == 1 for stop in stops | TERMINAL_PUNCTUATION)
    infix = re.compile(r"[.,+\-*^–—~:<>=/]")
    words = np.zeros(0x110000, dtype=np.uint32)
    for point in range(0x110000):
        letter = chr(point)
        flags = {name for name, pattern in compiled.items() if pattern.fullmatch(letter)}
        flags |= {"SPACE"} if letter.isspace() else set()
        flags |= {"ALPHABETIC"} if letter.isalpha() else set()
        flags |= {"ALPHANUMERIC"} if letter.isalnum() else set()
        flags |= {"SYMBOL"} if letter in PUNCTUATION_SET else set()
        flags |= {"PUNCTUATION"} if unicodedata.category(letter).startswith("P") else set()
        flags |= {"STOP"} if letter in stops else set()
        flags |= {"TERMINAL"} if letter in TERMINAL_PUNCTUATION else set()
        flags |= {"HEXADECIMAL"} if letter in "0123456789abcdefABCDEF" else set()
        flags |= {"ESCAPE"} if letter in "0123456789abcdefABCDEFxXu\\," or "SPACE" in flags else set()
        flags |= {"BREAK"} if len(f"a{letter}b".splitlines()) > 1 else set()
        flags |= {"INFIX"} if infix.match(letter) or "ICON" in flags else set()
        flags |= {"COMPLEX"} if flags & {"PREFIX", "SUFFIX", "INFIX"} or letter in "$0123456789" else set()
        flags |= {"NOTABLE"} if "BREAK" in flags or letter in "#.…" else set()
        words[point] = sum(FLAGS[name] for name in flags)
    kinds, classes = np.unique(words, return_inverse=True)
    assert len(kinds) <= 256, len(kinds)
    return classes.astype(np.uint8), kinds.astype(np.uint32)


def special_cases() -> dict[str, np.ndarray]:
    """Texts joined by U+0000, their tokens' lengths, and the lengths of the pieces without special cases."""
    tokenizer = spacy.blank("en").tokenizer
    assert tokenizer.token_match is None
    plain = Tokenizer(
        tokenizer.vocab, {}, tokenizer.prefix_search, tokenizer.suffix_search, tokenizer.infix_finditer, None,
        tokenizer.url_match,
    )  # fmt: skip
    texts, tokens, pieces = [], [], []
    for text in sorted(tokenizer.rules):
        if text.isspace() or any(letter.isspace() for letter in text):
            assert [token.text for token in tokenizer(text)] == [text]
            continue
        lengths = [len(token.text) for token in tokenizer(text)]
        affix = tokenizer.find_prefix(text) or tokenizer.find_infix(text) or tokenizer.find_suffix(text)
        cut = [len(token.text) for token in plain(text)] if affix else []
        assert len(lengths) <= 3
        if len(cut) == 1:  # a match of one token replaces it by itself
            assert lengths == cut, text
            cut = []
        texts.append(text)
        tokens.append(lengths + [0] * (3 - len(lengths)))
        pieces.append(cut)
    widest = max(map(len, pieces))
    return {
        "special_texts": np.array("\0".join(texts)),
        "special_tokens": np.array(tokens, dtype=np.int32),
        "special_pieces": np.array([cut + [0] * (widest - len(cut)) for cut in pieces], dtype=np.int32),
    }


def main() -> None:
    classes, flags = flag_table()
    units = sorted({unit for unit in [*cc.UNITS.split("|"), *cc.CURRENCY.replace("\\", "").split("|")] if unit})
    assert not any(letter in "0123456789" for unit in units for letter in unit)
    np.savez_compressed(TABLES, classes=classes, flags=flags, units=np.array("\0".join(units)), **special_cases())
    print(f"{TABLES}: {TABLES.stat().st_size} bytes, {len(flags)} classes, spaCy {spacy.__version__}")


if __name__ == "__main__":
    main()
