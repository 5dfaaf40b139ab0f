"""The text kernel against spaCy's tokenizer and against plain Python."""

from __future__ import annotations

import gzip
import json
import random
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.measure import text

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
WRITTEN = """
's ’s 'S can't don't Mr Mr. . .. ... … …… - -- --- — –– ~ ( ) : :) :( ): (: =) 8) 8-) <3 :'( o.O and/or w/o a.m. 10
10a.m. 5km km² $ US$ C$ A$ € 1.5 + +5 ^ * % °C. ° F. http:// www. a.com x@y.org user:pw@ 1.2.3.4 10.0.0.1 172.16.1.1
192.168.0.1 223.255.255.254 256.1.1.1 :80 :8080/x / ?q=1 # é É ß 漢字 🙂 © _ __ I im cant gonna He's Let’s U.S. U.S.A.
e.g. \\n <space> C++ ä. z. = < > , a,b A.B a.B A-b é-x 9-x × ٣ ² " '' `` “ ” « ‘ ’ co. St. IT'S 'Cause 'em nuff ﷺ १
t mm g GB s K
"""
ATOMS = [*WRITTEN.split(), "\u0301", "\u200b", " ", "  ", "\n", "\t", "\u00a0", "\u2028", "\x85", "\r\n", "\x1c"]


@pytest.fixture(scope="module")
def spacy_words():
    import spacy

    tokenizer = spacy.blank("en").tokenizer
    return lambda body: [word for word in (token.text.strip() for token in tokenizer(body)) if word]


def rows(name: str, limit: int) -> list[str]:
    path = DATA / f"{name}.jsonl.gz"
    if not path.exists():
        pytest.skip("shared data is not there")
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        values = [json.loads(line) for line, _ in zip(stream, range(limit), strict=False)]
    return [max((value for value in row.values() if isinstance(value, str)), key=len) for row in values]


@pytest.mark.parametrize(
    ("name", "limit"),
    [("prose_speeches", 79), ("code_labelled", 400), ("langid_text", 3000), ("hate_tweets", 800),
     ("licence_texts_spdx", 40), ("copyright_statements", 300)],
)  # fmt: skip
def test_words_of_real_texts_are_those_of_spacy(spacy_words, name, limit):
    for body in rows(name, limit):
        assert text.words(body) == spacy_words(body)


def test_words_of_strange_texts_are_those_of_spacy(spacy_words):
    choose = random.Random(1)
    for _ in range(20_000):
        body = "".join(choose.choice(ATOMS) for _ in range(choose.randint(1, 8)))
        assert text.words(body) == spacy_words(body), repr(body)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40))
def test_words_of_any_text_are_those_of_spacy(spacy_words, body):
    assert text.words(body) == spacy_words(body)


def test_every_special_case_is_cut_as_spacy_cuts_it_alone_and_between_affixes(spacy_words):
    with np.load(text.TABLES) as tables:
        cases = str(tables["special_texts"]).split("\0")
    assert len(cases) > 1300
    for case in cases:
        for body in (case, f"({case})", f"x-{case}", f"{case},", f"«{case}»…", f"9{case}", f") {case} :"):
            assert text.words(body) == spacy_words(body), body


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.sampled_from([*"abAB-•#. …\n\r\t\v\x85\u2028é🙂1=/"]), max_size=120))
def test_counts_of_lines_paragraphs_and_characters_are_those_of_plain_python(body):
    counts = dict(zip(text.COLUMNS, text.count(pa.array([body]))[:, 0].tolist(), strict=True))
    lines = body.splitlines()
    pieces, paragraphs = re.split(r"\n+", body), re.split(r"\n{2,}", body.strip())
    expected = {
        "characters": len(body),
        "alphabetic_characters": sum(map(str.isalpha, body)),
        "alphanumeric_characters": sum(map(str.isalnum, body)),
        "hashes": body.count("#"),
        "ellipses": body.count("...") + body.count("…"),
        "lines": len(lines),
        "line_characters": sum(map(len, lines)),
        "longest_line": max(map(len, lines), default=0),
        "bullet_lines": sum(line.lstrip().startswith(("•", "-")) for line in lines),
        "ellipsis_lines": sum(line.rstrip().endswith(("...", "…")) for line in lines),
        "newline_lines": len(pieces),
        "duplicate_lines": len(pieces) - len(set(pieces)),
        "duplicate_line_characters": sum(map(len, pieces)) - sum(map(len, set(pieces))),
        "paragraphs": len(paragraphs),
        "duplicate_paragraphs": len(paragraphs) - len(set(paragraphs)),
        "duplicate_paragraph_characters": sum(map(len, paragraphs)) - sum(map(len, set(paragraphs))),
    }
    assert {name: counts[name] for name in expected} == expected


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(["a", "b", "ab", "a.", "ba", "c,"]), max_size=60))
def test_repeated_n_grams_are_those_of_datatrove(parts):
    from datatrove.pipeline.filters.gopher_repetition_filter import find_all_duplicate, find_top_duplicate, get_n_grams

    body = " ".join(parts)
    for spaces, words in ((True, body.split()), (False, text.words(body))):
        counts = dict(zip(text.COLUMNS, text.count(pa.array([body]), spaces=spaces)[:, 0].tolist(), strict=True))
        for n in (2, 3, 4):
            grams = get_n_grams(words, n)
            assert counts[f"top_{n}_gram_characters"] == (find_top_duplicate(grams) if grams else 0)
        for n in range(5, 11):
            assert counts[f"duplicate_{n}_gram_characters"] == find_all_duplicate(words, n)


def test_base64_is_counted_in_stretches_of_64_and_more():
    body = "x = '" + "QUJD" * 20 + "' + '" + "A" * 63 + "' " + "0" * 100
    counts = dict(zip(text.COLUMNS, text.count(pa.array([body]))[:, 0].tolist(), strict=True))
    found = [len(match) for match in re.findall(r"[a-zA-Z0-9+/\n=]{64,}", body)]
    assert (counts["encoded_characters"], counts["longest_encoded_run"]) == (sum(found), max(found))


def test_base64_is_found_wherever_it_stands():
    for size in (63, 64, 65, 79, 80, 130):
        for before in range(0, 70, 3):
            for after in range(0, 70, 17):
                body = "." * before + "Q" * size + "." * after
                counts = dict(zip(text.COLUMNS, text.count(pa.array([body]))[:, 0].tolist(), strict=True))
                assert counts["longest_encoded_run"] == (size if size >= 64 else 0), (size, before, after)


def test_each_phrase_of_c4_is_found_in_any_case_and_anywhere():
    filler = "Nothing is to be seen in this line of words.\n"
    for phrase in text.C4_PHRASES:
        for written in (phrase, phrase.upper(), phrase.title()):
            body = (
                filler * 40 + f"Here we say {written} again.\n" + filler * 3 + f"And so {written[:4]}[1]{written[4:]}."
            )
            counts, spans = text.edit_lines(pa.array([body]))
            if phrase == "lorem ipsum":
                assert counts[text.C4_COLUMNS.index("c4_lorem_ipsum_line"), 0] == 41
            else:
                kind = text.C4_KINDS.index("javascript" if phrase == "javascript" else "policy")
                assert [row[2] for row in spans.tolist() if row[1] == kind] == [
                    len(filler) * 40, body.index("And ")
                ], written  # fmt: skip


def test_stop_words_have_places_of_their_own_in_the_table_of_what_words_may_be():
    body = " ".join(text.STOP_WORDS)
    for words in range(len(text.STOP_WORDS) + 1):
        part = " ".join(text.STOP_WORDS[:words])
        counts = dict(zip(text.COLUMNS, text.count(pa.array([f"{part} {part}"]))[:, 0].tolist(), strict=True))
        assert counts["stop_words"] == words
    assert text.words(body) == list(text.STOP_WORDS)


def test_a_row_depends_on_no_other_row_and_slices_and_nulls_are_honoured():
    bodies = ["", "Hello, world!", None, "a\n\na", "x" * 5000, "  ", "don't", None]
    whole = text.count(pa.array(bodies, pa.large_string()))
    sliced = text.count(pa.array(["skipped", *bodies], pa.large_string()).slice(1))
    assert np.array_equal(whole, sliced)
    assert np.array_equal(whole, text.count(pa.array(bodies, pa.string())))
    for row, body in enumerate(bodies):
        assert np.array_equal(whole[:, row], text.count(pa.array([body], pa.string()))[:, 0])
        assert (whole[0, row] == -1) == (body is None)


def test_an_array_without_any_text_gives_nothing_or_nulls():
    assert text.count(pa.array([], pa.large_string())).shape == (len(text.COLUMNS), 0)
    assert (text.count(pa.array([None, None], pa.large_string())) == -1).all()
    assert text.count(pa.array(["", ""], pa.large_string()))[0].tolist() == [0, 0]


def test_the_word_space_splits_at_white_space_only():
    body = "don't stop,  now…\u00a0(really)"
    assert text.words(body, spaces=True) == body.split()


@pytest.mark.parametrize("unit", ["@", "a.b@", "((", "..", "-", ":)", "a.b", "1.2.3.", "…", "'s", "x"])
def test_time_grows_with_the_length_of_a_text_without_white_space(unit):
    """A quadratic step would take minutes here."""
    body = "a.b" + unit * 300_000
    assert "".join(text.words(body)) == body
