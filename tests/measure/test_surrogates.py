"""Made values have the shape of what they stand for, belong to nobody, and are known again."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.measure.personal_checks import luhn, mod97
from modelwright.measure.personal_data import find_all
from modelwright.measure.spans import texts_of
from modelwright.measure.surrogates import SURROGATES, is_made
from modelwright.prepare.signals.personal_data import RELIABLE

REAL = {
    "email": ["q.overholt@veldkamp.de"],
    "phone": ["+44 20 8123 4597", "(415) 867-2671", "07911 234597", "+49 89 4521873", "415-867-2671"],
    "card": ["5425 2334 3010 9903", "378282246310005"],
    "iban": ["DE89370400440532013000", "GB29 NWBK 6016 1331 9268 19"],
    "ip": ["185.244.25.171", "2a02:8108:8ac0:3f1c:1d2b:9f0e:77aa:4c2d"],
    "mac": ["3c:22:fb:9a:41:d7"],
    "ssn": ["536-22-8714"],
    "url": ["https://ann:s3cr3tpw@host.org/x"],
    "birth_date": ["14.03.1971", "14 March 1971", "3/14/71"],
    "national_id": ["RSSMRA85T10A562S", "12345678Z"],
    "user_name": ["jdoe42"],
}


@pytest.mark.parametrize("kind", sorted(REAL))
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**128 - 1))
def test_a_surrogate_is_never_found_again(kind: str, drawn: int) -> None:
    lead = {"birth_date": "born on ", "user_name": "user: ", "national_id": "driver's license ", "phone": "call "}.get(
        kind, ""
    )
    for value in REAL[kind]:
        text = f"{lead}{SURROGATES[kind](value, drawn, kind)} ."
        items = find_all(texts_of(pa.array([text], pa.large_string())), RELIABLE, [("US", "GB", "DE")])
        assert items == [], text


@given(st.integers(0, 2**128 - 1))
def test_check_digits_of_surrogates_are_right_and_separators_stay(drawn: int) -> None:
    card = SURROGATES["card"]("5425 2334 3010 9903", drawn, "card")
    assert luhn(card.replace(" ", ""))
    assert [place for place, letter in enumerate(card) if letter == " "] == [4, 9, 14]
    account = SURROGATES["iban"]("DE89370400440532013000", drawn, "iban")
    assert mod97(account[4:] + account[:4]) == 1
    assert len(account) == 22


def test_a_reserved_value_that_someone_wrote_is_still_found() -> None:
    for kind, value in (("email", "jane@example.org"), ("ip", "192.0.2.1"), ("phone", "+44 7700 900123")):
        assert not is_made(kind, value)
