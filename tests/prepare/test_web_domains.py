"""Web hosts of a pile: counted from origins that are addresses, and from nothing else."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from modelwright.prepare.web_domains import LISTED_AT_LEAST, facts


def pile(rows: list[tuple[str, int]]) -> pa.Table:
    origins, sizes = [origin for origin, _ in rows], [size for _, size in rows]
    return pa.table({"origin": pa.array(origins, pa.string()), "bytes": pa.array(sizes, pa.int64())})


def test_an_address_is_counted_by_its_host_whatever_stands_around_it() -> None:
    rows = [
        ("https://WWW.Example.org:80/a?b#c", 5), ("http://user:secret@example.org/x", 3), ("https://example.org.", 2),
        ("http://[::1]:8/x", 1), ("a/https://no.example", 7), ("httpx://no.example", 7), ("https://", 7),
    ]  # fmt: skip
    found = facts(pile(rows))
    assert found["by_web_domain"] == {
        "example.org": {"documents": 3, "bytes": 10},
        "[::1]": {"documents": 1, "bytes": 1},
    }
    assert found["web_domains"] == {"domains": 2, "listed": 2, "documents": 4, "bytes": 11}


def test_files_have_no_hosts() -> None:
    assert facts(pile([("a.txt", 3), ("b/c.py", 4)])) == {}
    assert facts(pile([])) == {}


def test_a_tenth_of_many_hosts_is_listed_and_the_largest_of_few() -> None:
    many = facts(pile([(f"https://h{n}.example/", n) for n in range(1, 401)]))
    assert many["web_domains"]["listed"] == 40
    assert set(many["by_web_domain"]) == {f"h{n}.example" for n in range(361, 401)}
    few = facts(pile([(f"https://h{n}.example/", n) for n in range(1, 101)]))
    assert few["web_domains"]["listed"] == LISTED_AT_LEAST


@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(0, 9)), max_size=30))
def test_every_byte_of_a_web_origin_is_counted_once(rows: list[tuple[str, int]]) -> None:
    found = facts(pile([(f"https://{host}.example/{number}", size) for number, (host, size) in enumerate(rows)]))
    assert sum(item["bytes"] for item in found.get("by_web_domain", {}).values()) == sum(size for _, size in rows)
    assert sum(item["documents"] for item in found.get("by_web_domain", {}).values()) == len(rows)
