"""The preparation of a pile as a whole, on the real engines: it adds up, resumes, and is a function of its input."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelwright.core.errors import EmptyResult, InputError, Refused, Stopped, UnknownName
from modelwright.formats.pile import DECISIONS
from modelwright.prepare.run import estimate
from modelwright.prepare.run import run as prepare
from modelwright.prepare.settings import PileSettings
from tests.prepare.piles import MACHINE, context, decisions, lines, run, write

PROSE = (
    "The harbour master said that the boats would have to be back with the tide, and of course nobody believed him. "
)
WORDS = "boat tide mast rope harbour wind sail crew storm anchor gull lamp chart deck".split()  # noqa: SIM905


def story(number: int) -> str:
    """About 400 to 1,700 bytes of prose; no two are alike."""
    chosen = [WORDS[(number * 5 + k * (number + 3)) % len(WORDS)] for k in range(3 * number % 40 + 8)]
    return f"Chapter {number}. " + " ".join(
        f"The {word} of day {number * 31 + k} was to be seen with that {chosen[k - 1]}."
        for k, word in enumerate(chosen)
    )


SOURCES = [
    {"files": {"path": "open", "licence": "CC0-1.0", "owner": "public domain"}},
    {"jsonl": {"path": "rows/*.jsonl", "id": "id", "access": "proprietary"}},
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Ten texts, one of them twice, one no text in any encoding; five rows, one broken, one with a repeated id."""
    texts = {f"{i}.txt": story(i) for i in range(10)}
    write(tmp_path / "open", {**texts, "copy.txt": texts["4.txt"], "odd.txt": b"\xff\xfea", "empty.txt": ""})
    rows = [{"id": i, "text": f"Row {i}: write to ann{i}@example.org. " + story(20 + i)} for i in range(3)]
    write(tmp_path / "rows", {"a.jsonl": lines([*rows, "{broken", {"id": 1, "text": "again"}])})
    return tmp_path


def test_every_document_ends_in_exactly_one_decision(project: Path) -> None:
    output, made = run(project, {"sources": SOURCES, "dedup": ["exact"]})
    table = decisions(project, made)
    assert Counter(table["decision"].to_pylist()) == {"kept": 14, "duplicate": 1, "quarantined": 3}
    assert output.facts["decisions"] == {"kept": 14, "changed": 0, "dropped": 0, "duplicate": 1, "quarantined": 3}
    assert len(set(table["document"].to_pylist())) == table.num_rows == 18
    rows = {row["origin"]: row for row in table.to_pylist()}
    assert (rows["odd.txt"]["rule"], rows["odd.txt"]["signal"]) == ("files", "not_utf8")
    copies = [rows["4.txt"], rows["copy.txt"]]
    assert sorted(row["decision"] for row in copies) == ["duplicate", "kept"]
    duplicate = next(row for row in copies if row["decision"] == "duplicate")
    assert (duplicate["rule"], duplicate["value"]) == ("exact", 1.0)
    assert duplicate["duplicate_of"] == next(row["document"] for row in copies if row is not duplicate)
    reasons = {row["signal"] for row in table.to_pylist() if row["decision"] == "quarantined"}
    assert reasons == {"not_utf8", "not_json", "repeated_id"}


def test_the_facts_say_what_came_in_and_what_stayed(project: Path) -> None:
    facts = run(project, {"sources": SOURCES, "dedup": ["exact"], "holdout": {"default": 0.5}})[0].facts
    assert facts["sources"]["open"]["documents"] == 13
    assert facts["sources"]["open"]["decisions"]["quarantined"] == 1
    assert facts["sources"]["rows"]["access"] == "proprietary"
    assert facts["by_source"]["open"]["documents"] + facts["by_source"]["rows"]["documents"] == facts["documents"] == 14
    assert sum(group["bytes"] for group in facts["by_kind"].values()) == facts["bytes"]
    assert facts["licence"]["unknown_share"] == pytest.approx(3 / 14)
    assert facts["holdout"]["documents"] == facts["counts"]["held_out"]
    assert sum(reason["documents"] for reason in facts["reasons"]) == 4


def test_what_is_read_back_is_the_text_of_the_documents_that_stayed(project: Path) -> None:
    from modelwright.engines.pile_reader import open_pile

    _, made = run(project, {"sources": SOURCES, "dedup": ["exact"]})
    reader = open_pile(project / ".modelwright", made.out)
    documents = reader.documents()
    texts = {row["origin"]: row["text"] for batch in reader.texts(documents) for row in batch.to_pylist()}
    assert len(texts) == 14
    assert texts["3.txt"] == (project / "open" / "3.txt").read_text()
    assert texts["empty.txt"] == ""
    order = list(zip(documents["source"].to_pylist(), documents["origin"].to_pylist(), strict=True))
    assert order == sorted(order)


def test_a_rule_drops_by_the_input_text_and_says_at_which_value(project: Path) -> None:
    write(project, {"ours.yaml": "version: 1\nhelp: short texts\ndrop: {short: bytes < 500}\n"})
    with in_project(project):
        output, made = run(project, {"sources": SOURCES, "rules": ["ours.yaml"]})
    dropped = [row for row in decisions(project, made).to_pylist() if row["decision"] == "dropped"]
    assert {row["origin"] for row in dropped} >= {"0.txt", "empty.txt"}
    assert all((row["rule"], row["signal"]) == ("ours", "short") and row["value"] < 500 for row in dropped)
    assert output.facts["decisions"]["dropped"] == len(dropped)


def test_redaction_changes_texts_and_leaves_no_address(project: Path) -> None:
    from modelwright.engines.pile_reader import open_pile

    output, made = run(project, {"sources": SOURCES, "redact": {"kinds": ["email"]}})
    assert output.facts["decisions"]["changed"] == 3
    assert output.facts["redactions"] == {"documents": 3, "spans": 3, "by_kind": {"email": 3}, "residue": {}}
    changed = [row for row in decisions(project, made).to_pylist() if row["decision"] == "changed"]
    assert {(row["rule"], row["signal"], row["value"]) for row in changed} == {("redact", "email", 1.0)}
    reader = open_pile(project / ".modelwright", made.out)
    texts = [text for batch in reader.texts(reader.documents(source="rows")) for text in batch["text"].to_pylist()]
    assert len(texts) == 3
    assert not any("example.org" in text for text in texts)
    findings = reader.findings().to_pylist()
    assert [(row["kind"], row["end"] - row["start"]) for row in findings] == [("email", 16)] * 3


def test_texts_that_become_equal_by_redaction_are_duplicates(tmp_path: Path) -> None:
    write(tmp_path / "open", {"a.txt": PROSE + "Write to ann@example.org", "b.txt": PROSE + "Write to bob@example.com"})
    settings = {"sources": [{"files": {"path": "open"}}], "redact": {"kinds": ["email"]}, "dedup": ["exact"]}
    assert run(tmp_path, settings)[0].facts["decisions"]["duplicate"] == 1


def test_the_same_input_gives_the_same_digest_in_another_place(
    project: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    chosen = {"sources": SOURCES, "dedup": ["exact", "minhash"]}
    first = run(project, chosen)[0]
    other = tmp_path_factory.mktemp("elsewhere")
    for name in ("open", "rows"):
        shutil.copytree(project / name, other / name)
    second = run(other, chosen)[0]
    assert first.digest == second.digest
    without_time = [
        {key: value for key, value in output.facts.items() if key != "seconds"} for output in (first, second)
    ]
    assert without_time[0] == without_time[1]


def test_adding_data_in_parts_equals_adding_it_at_once(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    chosen = {"sources": SOURCES, "dedup": ["exact", "minhash"]}
    later = project / "later"
    later.mkdir()
    for name in ("2.txt", "4.txt", "7.txt"):
        shutil.move(project / "open" / name, later / name)
    before = run(project, chosen)[0]
    for path in list(later.iterdir()):
        shutil.move(path, project / "open" / path.name)
    shutil.rmtree(project / ".modelwright" / "work")
    grown = run(project, chosen, version=2)[0]
    at_once = tmp_path_factory.mktemp("at_once")
    for name in ("open", "rows"):
        shutil.copytree(project / name, at_once / name)
    assert before.digest != grown.digest
    assert grown.digest == run(at_once, chosen)[0].digest


def test_a_sample_is_the_same_part_of_the_documents_every_time(tmp_path: Path) -> None:
    write(tmp_path / "open", {f"{i}.txt": f"{i} {PROSE}" for i in range(200)})
    chosen = {"sources": [{"files": {"path": "open"}}], "sample": "30 %"}
    first, second = run(tmp_path, chosen)[0], run(tmp_path, chosen, version=2)[0]
    assert first.digest == second.digest
    assert 35 <= sum(first.facts["decisions"].values()) <= 85


def test_an_empty_pile_names_its_largest_reasons_and_leaves_its_decisions(project: Path) -> None:
    write(project, {"none.yaml": "version: 1\nhelp: nothing stays\ndrop: {everything: bytes >= 0}\n"})
    with in_project(project), pytest.raises(EmptyResult, match="none of 18 documents") as raised:
        run(project, {"sources": SOURCES, "rules": ["none.yaml"]})
    assert "15 dropped by none (everything)" in raised.value.message
    path = project / ".modelwright" / "work" / "pile" / "decisions.parquet"
    assert str(path) in raised.value.hint
    assert Counter(pq.read_table(path)["decision"].to_pylist()) == {"dropped": 15, "quarantined": 3}


def test_what_if_tells_what_a_rule_would_do_and_publishes_nothing(project: Path) -> None:
    from modelwright.prepare.run import decide
    from modelwright.prepare.whatif import what_if

    _, made = run(project, {"sources": SOURCES})
    before = decisions(project, made)
    write(project, {"ours.yaml": "version: 1\nhelp: short texts\ndrop: {short: bytes < 500}\n"})
    with in_project(project):
        chosen = PileSettings.model_validate({"sources": SOURCES, "rules": ["ours.yaml"]})
        told = what_if(decide(chosen, context(project, 2)), before)
        done = run(project, {"sources": SOURCES, "rules": ["ours.yaml"]}, version=2)[0].facts
    assert {name: told[name] for name in ("kept", "dropped", "duplicate", "changed")} == {
        name: done["decisions"][name] for name in ("kept", "dropped", "duplicate", "changed")
    }
    assert told["bytes"] == done["bytes"]
    assert told["dropped"] == len(told["moved"]) > 0
    assert {(row["from"], row["to"], row["rule"]) for row in told["moved"]} == {("kept", "dropped", "ours")}
    assert sum(row["documents"] for row in told["by_source"]) == told["dropped"]


def test_a_disk_that_takes_no_more_is_a_clear_error_and_the_next_run_goes_on(project: Path) -> None:
    program = (
        "import os, resource, sys; from pathlib import Path\n"
        "from tests.prepare.piles import context; from tests.prepare.test_run import SOURCES\n"
        "from modelwright.core.errors import StorageError\n"
        "from modelwright.prepare.run import run; from modelwright.prepare.settings import PileSettings\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))\n"
        "try:\n"
        f"    run(PileSettings.model_validate({{'sources': SOURCES}}), {{}}, context(Path({str(project)!r})))\n"
        "except StorageError as error:\n"
        "    print(error.message, '|', error.hint, flush=True)\n"
        "os._exit(0)\n"  # as the command line leaves: Daft may abort at interpreter exit once its work is done
    )
    write(project / "open", {"big.txt": PROSE * 4000})
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert "limit was reached" in done.stdout
    assert run(project, {"sources": SOURCES})[0].facts["decisions"]["kept"] == 16


def test_a_source_without_rows_and_a_missing_one_are_errors(tmp_path: Path) -> None:
    write(tmp_path, {"a.jsonl": "\n\n"})
    with pytest.raises(InputError, match="holds no documents"):
        run(tmp_path, {"sources": [{"jsonl": {"path": "a.jsonl"}}]})
    with pytest.raises(InputError, match="does not exist"):
        run(tmp_path, {"sources": [{"files": {"path": "nowhere"}}]})


def test_a_rule_on_an_unknown_signal_asks_did_you_mean(project: Path) -> None:
    write(project, {"ours.yaml": "version: 1\nhelp: typo\ndrop: {short: wrods < 5}\n"})
    with in_project(project), pytest.raises(UnknownName, match="wrods") as raised:
        run(project, {"sources": SOURCES, "rules": ["ours.yaml"]})
    assert "words" in raised.value.hint


def test_a_run_that_is_asked_to_stop_stops_and_the_next_one_goes_on(project: Path) -> None:
    chosen = PileSettings.model_validate({"sources": SOURCES})
    asked: list[dict[str, object]] = []
    stopping = context(project, on_progress=asked.append, stop_requested=lambda: len(asked) > 4)
    with pytest.raises(Stopped):
        prepare(chosen, {}, stopping)
    resumed = prepare(chosen, {}, context(project))
    shutil.rmtree(project / ".modelwright")
    assert resumed.digest == prepare(chosen, {}, context(project)).digest


def test_the_estimate_grows_with_the_sources(project: Path) -> None:
    with in_project(project):
        small = estimate(PileSettings.model_validate({"sources": SOURCES[:1]}), {}, MACHINE)
        large = estimate(PileSettings.model_validate({"sources": SOURCES}), {}, MACHINE)
    assert small.seconds is not None
    assert large.seconds is not None
    assert large.seconds > small.seconds > 0
    assert large.details["bytes"] > small.details["bytes"]
    assert small.basis


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.binary(max_size=120) | st.text(max_size=120).map(str.encode), min_size=1, max_size=8),
    st.lists(st.binary(max_size=60), max_size=8),
)
def test_decisions_add_up_on_arbitrary_bytes(tmp_path: Path, files: list[bytes], rows: list[bytes]) -> None:
    shutil.rmtree(tmp_path)
    write(tmp_path / "open", {f"{i}.txt": data for i, data in enumerate(files)})
    write(tmp_path / "rows", {"a.jsonl": b"\n".join([*rows, b'{"text": "one good row"}'])})
    made = context(tmp_path)
    chosen = {
        "sources": [{"files": {"path": "open"}}, {"jsonl": {"path": "rows"}}],
        "rules": ["gopher"], "redact": {}, "dedup": ["exact", "minhash"],
    }  # fmt: skip
    expected = (
        len(files) + sum(bool(row.strip()) for row in b"\n".join(rows).removeprefix(b"\xef\xbb\xbf").split(b"\n")) + 1
    )
    try:
        counts = prepare(PileSettings.model_validate(chosen), {}, made).facts["decisions"]
    except EmptyResult:
        counts = Counter(pq.read_table(made.work / "decisions.parquet")["decision"].to_pylist())
    assert set(counts) <= set(DECISIONS)
    assert sum(counts.values()) == expected


@pytest.mark.parametrize("after", ["measuring", "duplicates", "pile"])
def test_a_run_killed_on_its_way_and_begun_again_equals_an_uninterrupted_one(
    project: Path, tmp_path_factory: pytest.TempPathFactory, after: str
) -> None:
    program = (
        "import sys, time; from pathlib import Path\n"
        "from tests.prepare.piles import context; from tests.prepare.test_run import SOURCES\n"
        "from modelwright.prepare.run import run; from modelwright.prepare.settings import PileSettings\n"
        "def tell(event):\n"
        f"    if event['what'].startswith({after!r}):\n"
        "        print('here', flush=True); time.sleep(60)\n"
        "chosen = PileSettings.model_validate({'sources': SOURCES, 'dedup': ['exact', 'minhash']})\n"
        f"run(chosen, {{}}, context(Path({str(project)!r}), on_progress=tell))\n"
    )
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen([sys.executable, "-c", program], cwd=root, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        reached = process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
    assert reached == "here\n"
    chosen = {"sources": SOURCES, "dedup": ["exact", "minhash"]}
    resumed, made = run(project, chosen)
    fresh = tmp_path_factory.mktemp("fresh")
    for name in ("open", "rows"):
        shutil.copytree(project / name, fresh / name)
    whole, other = run(fresh, chosen)
    assert resumed.digest == whole.digest
    assert decisions(project, made).equals(decisions(fresh, other))


@pytest.mark.slow
def test_a_gigabyte_and_a_half_of_text_is_prepared_in_bounded_memory(tmp_path: Path) -> None:
    words = [f"word{i} and the {i * 7919 % 1009} of" for i in range(20_000)]
    with (tmp_path / "big.jsonl").open("w") as stream:
        for i in range(75_000):
            start = i * 7 % 15_000
            stream.write(f'{{"text": "{i} {" ".join(words[start : start + 900])}"}}\n')
    size = (tmp_path / "big.jsonl").stat().st_size
    assert size > 1_400_000_000
    program = (
        "from pathlib import Path\n"
        "from tests.prepare.piles import context\n"
        "from modelwright.prepare.run import run; from modelwright.prepare.settings import PileSettings\n"
        "chosen = PileSettings.model_validate({'sources': [{'jsonl': {'path': 'big.jsonl'}}]})\n"
        f"run(chosen, {{}}, context(Path({str(tmp_path)!r})))\n"
        # not ru_maxrss: a new process begins with that of the one that started it
        "print(Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])\n"
    )
    root = Path(__file__).resolve().parents[2]
    begun = time.time()
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    peak = int(done.stdout.split()[-1]) * 1024
    print(f"{size / 1e9:.2f} GB in {time.time() - begun:.0f} s, peak {peak / 1e9:.2f} GB")
    assert peak < 1_250_000_000  # measured 1.01 GB; what the plan says, 1.6 GB, is with all rules and detectors


class in_project:
    """YAML rules and relative paths of plugins are looked up in the project's folder, as the runner sets it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> None:
        from modelwright.core import plugins

        plugins.use_project(self.folder)

    def __exit__(self, *_: object) -> None:
        from modelwright.core import plugins

        plugins.use_project(None)


def test_a_source_that_lost_most_of_its_documents_is_asked_about(project: Path) -> None:
    write(project / "open", {f"more/{number}.txt": f"{PROSE} {number}" for number in range(40)})
    settings = PileSettings.model_validate({"sources": SOURCES[:1]})
    first = prepare(settings, {}, context(project))
    before = {name: facts["documents"] for name, facts in first.facts["sources"].items()}
    shutil.rmtree(project / "open" / "more")
    asking = context(project, 2)
    asking.expected = before
    with pytest.raises(Refused, match="in the last version it held") as raised:
        prepare(settings, {}, asking)
    assert "run.accept_shrink" in raised.value.hint
    assert prepare(settings, {}, context(project, 2)).facts["documents"] < first.facts["documents"]
