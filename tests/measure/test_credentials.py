"""Secrets: planted values of public formats are found, what only looks like one is not."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.measure.credential_forms import FORMS, STARTS, TOKENS
from modelwright.measure.credentials import LEAST_WORD, base58check, entropy, find, words
from modelwright.measure.spans import texts_of
from modelwright.prepare.quality.credentials import FORMATS, planted


def found(text: str, kinds: tuple[str, ...] = ("key", "secret")) -> list[tuple[str, str]]:
    items = find(texts_of(pa.array([text], pa.large_string())), kinds)
    return [(item.kind, text.encode()[item.start : item.end].decode()) for item in items]


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_values_of_every_format_are_found_wherever_they_stand(name: str) -> None:
    rows = [row for row in planted(["def f():\n    return 1\n", "{'a': [1, 2]}"], seed=7) if row[0] == name]
    for _, text, start, end in rows:
        items = find(texts_of(pa.array([text], pa.large_string())))
        assert any(item.start < end and item.end > start for item in items), text


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=20)
@given(data=st.data())
def test_a_token_of_any_form_holds_one_of_the_starts(form: str, data: st.DataObject) -> None:
    value = data.draw(st.from_regex(form, fullmatch=True, alphabet=st.characters(codec="ascii")))
    assert not TOKENS.search(value) or STARTS.search(value)


@pytest.mark.parametrize(
    "text",
    [
        "api_key = os.environ['API_KEY']",
        "password = '<your-password>'; token = ${TOKEN}; secret: changeme123",
        "https://user:password@host/ and https://user:${PASS}@host",
        "__author_email__ = 'me42@veldkamp.org'",
        "commit 4b825dc642cb6eb9a060e54bf8d69288fbee4904",
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "id = '550e8400-e29b-41d4-a716-446655440000'",
        "token = self.tokenizer.convert_tokens_to_ids2(x)",
        "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\n-----END PUBLIC KEY-----",
        "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
        "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ],
)
def test_what_only_looks_like_a_secret_is_left_alone(text: str) -> None:
    assert found(text) == []


def test_a_private_key_is_found_from_its_first_to_its_last_line_and_once() -> None:
    key = FORMATS["private key"](random.Random(3))
    assert found(f'x = """{key}"""\n') == [("key", key)]
    assert found(f"x = {key}", ("secret",)) == []


def test_only_the_password_of_a_url_is_the_secret() -> None:
    assert found("db = postgres://app:Zk3vVq81xPa@db.internal/main") == [("secret", "Zk3vVq81xPa")]


def test_a_wallet_key_must_have_its_checksum() -> None:
    good = "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ"
    assert base58check(good)
    assert not base58check(good[:-1] + "K")


def test_entropy_is_that_of_the_letters() -> None:
    assert entropy("") == 0
    assert entropy("aaaa") == 0
    assert entropy("abab") == 1


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(alphabet="aB1@ -_='\n", max_size=50), min_size=1, max_size=4))
def test_the_scan_sees_every_long_word_that_a_plain_split_sees(texts: list[str]) -> None:
    def plain(text: str) -> list[str]:
        parts = text.replace("'", " ").replace("\n", " ").split(" ")
        long = [part for part in parts if len(part) >= LEAST_WORD]
        return [part for part in long if set(part) & set("1@")]

    column = texts_of(pa.array(texts, pa.large_string()))
    seen = [(row, column.bytes(row)[start:end].decode()) for row, start, end in words(column).tolist()]
    for row, text in enumerate(texts):
        assert [word for at, word in seen if at == row and set(word) & set("1@")] == plain(text)
