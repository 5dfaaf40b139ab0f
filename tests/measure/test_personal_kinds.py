"""Every kind of personal data: its forms, its check digits, its words; and bad input in bounded time."""

from __future__ import annotations

import time

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.measure.personal_checks import iso_11_10, luhn, mod97, verhoeff
from modelwright.measure.personal_data import apart, find_all
from modelwright.measure.spans import Found, texts_of
from modelwright.prepare.signals.personal_data import RELIABLE

REGIONS = ("US", "GB", "DE", "FR", "ES", "IT", "NL", "AU")


def found(text: str, kinds: tuple[str, ...] = RELIABLE, least: float = 0.5) -> list[tuple[str, str]]:
    texts = texts_of(pa.array([text], pa.large_string()))
    items = find_all(texts, kinds, [REGIONS], least)
    return [(item.kind, text.encode()[item.start : item.end].decode()) for item in items]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("account DE89 3704 0044 0532 0130 00.", "iban", "DE89 3704 0044 0532 0130 00"),
        ("to gb29nwbk60161331926819 now", "iban", "gb29nwbk60161331926819"),
        ("my SSN is 536-22-8714", "ssn", "536-22-8714"),
        ("Anmeldung von 185.244.25.171:443", "ip", "185.244.25.171"),
        ("from 2a02:8108:8ac0:3f1c:1d2b:9f0e:77aa:4c2d ok", "ip", "2a02:8108:8ac0:3f1c:1d2b:9f0e:77aa:4c2d"),
        ("mac 3C-22-FB-9A-41-D7,", "mac", "3C-22-FB-9A-41-D7"),
        ("mac fc:22:fb:9a:41:d7.", "mac", "fc:22:fb:9a:41:d7"),
        ("see https://ann:s3cr3tpw@host.org/x for", "url", "https://ann:s3cr3tpw@host.org/x"),
        ("he was born on 14 March 1971 in", "birth_date", "14 March 1971"),
        ("Date of birth: 1971-03-14", "birth_date", "1971-03-14"),
        ("geboren am 14.03.1971 in Ulm", "birth_date", "14.03.1971"),
        ("passport no. C01X00T47? no: passport K1234567", "passport", "K1234567"),
        ("NI number: AB 12 34 56 C", "national_id", "AB 12 34 56 C"),
        ("NIR 1 85 05 78 006 084 91", "national_id", "1 85 05 78 006 084 91"),
        ("DNI 12345678Z", "national_id", "12345678Z"),
        ("NIE X1234567L ", "national_id", "X1234567L"),
        ("RSSMRA85T10A562S", "national_id", "RSSMRA85T10A562S"),
        ("Steuer-ID 86 095 742 719", "national_id", "86 095 742 719"),
        ("BSN 111222333", "national_id", "111222333"),
        ("CPF 529.982.247-25", "national_id", "529.982.247-25"),
        ("Aadhaar 2341 2341 2346", "national_id", "2341 2341 2346"),
        ("PESEL 44051401359", "national_id", "44051401359"),
        ("personnummer 811228-9874", "national_id", "811228-9874"),
        ("id 11010519491231002X", "national_id", "11010519491231002X"),
        ("AHV 756.9217.0769.85", "national_id", "756.9217.0769.85"),
        ("driver's license: M943688896309", "national_id", "M943688896309"),
        ("{ username: jdoe42 }", "user_name", "jdoe42"),
        ("please call09050000327 now", "phone", "09050000327"),
    ],
)
def test_each_kind_is_found_with_its_exact_span(text: str, kind: str, value: str) -> None:
    assert (kind, value) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "account DE89 3704 0044 0532 0130 01",  # wrong remainder
        "ZZ89370400440532013000",  # no such country
        "000-12-3456 666-12-3456 536-00-8714 536-22-0000",
        "version 185.244.25.171 and v10.200.30.4, section 1.2.3.4, 6.3.3.16",
        "127.0.0.1 0.0.0.0 255.255.255.0",
        "OID 1.3.6.1.4.1.311.21.20",
        "::1 fe80::1 std::vector a::b 10:11:12",
        "00:00:00:00:00:00 ff:ff:ff:ff:ff:ff",
        "https://www.example.com/a?b=c and https://user:${PASS}@host/",
        "on 14 March 1971 the ship left",
        "she was born in Ulm in 1948",
        "Fifth Floor, Boston, MA 02110-1301 USA",
        "$Id: contact.txt,v 1.3 2008-07-23 19:16:55 g",
        "1985-03-12 and 3/12/1985",
        "DNI 12345678A",
        "RSSMRA85T10A562T",
        "user: string, username=request.user",
        "fingerprint 3c:22:fb:9a:41:d7:3c:22:fb:9a:41:d7:3c:22:fb:9a:41:d7:00:11",
        "a@b.png 1234567890123456789012345678901234567890",
    ],
)
def test_what_only_looks_like_personal_data_is_left_alone(text: str) -> None:
    assert found(text) == []


def test_plain_links_dates_and_handles_are_found_only_at_low_confidence() -> None:
    text = "see https://www.example.com/a, 2016-02-03, @someone"
    assert found(text) == []
    assert found(text, least=0.3) == [
        ("url", "https://www.example.com/a"),
        ("birth_date", "2016-02-03"),
        ("user_name", "@someone"),
    ]


def test_names_and_addresses_are_found_when_asked_for() -> None:
    text = "Dear Mrs. Ortega, Peter Müller lives at 12 Baker Street, née á Hauptstraße 5, 89073 Ulm."
    assert found(text) == []
    kinds = [kind for kind, _ in found(text, ("name", "address"))]
    assert kinds == ["name", "name", "address", "address"]
    assert ("name", "Peter Müller") in found(text, ("name",))


def test_check_digits_catch_a_changed_digit() -> None:
    for check, good in ((luhn, "4111111111111111"), (verhoeff, "234123412346"), (iso_11_10, "86095742719")):
        assert check(good)
        for place in range(len(good)):
            assert not check(good[:place] + str((int(good[place]) + 1) % 10) + good[place + 1 :])
    assert mod97("370400440532013000DE89") == 1


def test_spans_that_overlap_are_kept_from_the_first_list() -> None:
    def item(row: int, start: int, end: int) -> Found:
        return Found(row, "k", start, end, 1.0)

    first = [item(0, 5, 9), item(1, 0, 3)]
    second = [item(0, 0, 5), item(0, 8, 12), item(0, 9, 11), item(1, 2, 4), item(2, 0, 1)]
    assert apart(first, second) == [item(0, 0, 5), item(0, 9, 11), item(2, 0, 1)]


@pytest.mark.parametrize(
    "part",
    [
        "a@",
        "1",
        "1 ",
        "1.",
        "a1",
        "://",
        "a://b@",
        ":1",
        "::",
        "-1",
        "1a",
        "born 1999 ",
        "user:",
        "x:y@",
        "-----BEGIN ",
        "=",
        "\0",
        "A.",
        "A'",
        "1 A.",
        "A ",
        "Mr ",
        "é",
    ],
)
def test_bad_input_takes_bounded_time(part: str) -> None:
    texts = texts_of(pa.array([part * (1_000_000 // len(part))], pa.large_string()))
    begun = time.process_time()
    find_all(texts, (*RELIABLE, "name", "address"), [REGIONS])
    assert time.process_time() - begun < 12


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(alphabet="0123456789abAZ@:/.-=_ +()é\n'", max_size=60), min_size=1, max_size=3))
def test_findings_lie_in_their_text_apart_and_in_order(texts: list[str]) -> None:
    items = find_all(texts_of(pa.array(texts, pa.large_string())), RELIABLE, [REGIONS] * len(texts), 0.3)
    for row, text in enumerate(texts):
        place = 0
        for one in (one for one in items if one.row == row):
            assert place <= one.start < one.end <= len(text.encode())
            text.encode()[one.start : one.end].decode()
            place = one.end
