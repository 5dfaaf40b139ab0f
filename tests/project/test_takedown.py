"""A takedown erases bytes, says what still carries them, and can be checked by anyone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import every_file
import made_pile
import numpy as np
import pytest

import modelwright
from modelwright.core.errors import InputError, IntegrityError, Refused, UnknownName, UsageError
from modelwright.formats.tokens import Tokens
from modelwright.project.takedown.reach import windows_seen

Copy = Callable[[Path], Path]
BOOK = "open:json/decoder.py"


@pytest.fixture(scope="module")
def needles(made: Path) -> list[str]:
    """Lines that stand in the document alone, and as raw text in the project that still has it."""
    lines = every_file.lines_alone(made / "corpus", "decoder")
    assert len(lines) > 10
    return lines


def the_id(folder: Path) -> str:
    (certificate,) = (folder / "cards").glob("takedown-*.json")
    return certificate.stem.removeprefix("takedown-")


def test_a_look_names_copies_and_learners_and_writes_nothing(made: Path, copied: Copy) -> None:
    folder = copied(made)
    project = modelwright.load(folder)
    project.run()
    before = made_pile.tree(folder)
    shown = project.takedown("document", BOOK)
    changed = {name for name, digest in made_pile.tree(folder).items() if before.get(name) != digest}
    assert not {name for name in changed if not name.endswith(("-wal", "-shm", "lock"))}
    assert {row["origin"]: row["how"] for row in shown["matched"]} == {
        "json/decoder.py": "document",
        "copy_of_decoder.py": "copy",
    }
    assert (shown["documents"], shown["executed"], shown["certificate"]) == (2, False, None)
    assert shown["piles"] == ["pile@1"]
    assert shown["tokens"] == ["tokens@1"]
    assert shown["models"] == ["model@1"]
    assert shown["adapters"] == ["adapter@1"]
    assert shown["releases"] == ["release@1"]
    assert shown["exports"] == ["export@1"]


def test_its_sentences_are_in_no_file_of_the_project(made: Path, taken: Path, needles: list[str]) -> None:
    assert every_file.searched(made, needles)  # the search finds what is there
    assert every_file.searched(taken, needles) == []


def test_nor_in_what_a_killed_run_left(made: Path, copied: Copy, needles: list[str]) -> None:
    folder = copied(made)
    home = folder / ".modelwright"
    for place in (home / "tokens" / "2", home / "pairs" / "1"):  # a number that is taken next, and one that is not
        shutil.copytree(home / "tokens" / "1", place)  # in its place, and not yet on record
    code = (
        "import os, signal, sys; from pathlib import Path; from modelwright.core.storage import whole\n"
        "with whole(Path(sys.argv[1])) as beside:\n"
        "    beside.write_text(sys.argv[2]); os.kill(os.getpid(), signal.SIGKILL)"
    )
    for place in (folder / "reports" / "pile-1.html", home / "pile" / "1" / "note.json"):
        subprocess.run([sys.executable, "-c", code, str(place), needles[0]], check=False)
    assert any("tokens/2" in found for found in every_file.searched(folder, needles))
    assert any("pairs/1" in found for found in every_file.searched(folder, needles))
    assert sum("torn" in found for found in every_file.searched(folder, needles)) == 2
    project = modelwright.load(folder)
    project.takedown("document", BOOK, execute=True)
    assert every_file.searched(folder, needles) == []
    assert project.verify()["ok"]


def test_everything_verifies_afterwards_also_in_a_copy(taken: Path, copied: Copy) -> None:
    result = modelwright.load(copied(taken)).verify()
    assert result["ok"], result["problems"]


@pytest.mark.parametrize("part", ["certificate", "signature", "list", "page"])
def test_the_gap_is_accepted_with_the_certificate_alone(taken: Path, copied: Copy, part: str) -> None:
    folder = copied(taken)
    path = folder / "cards" / f"takedown-{the_id(folder)}.json"
    if part == "certificate":
        path.unlink()
    elif part == "signature":
        body = json.loads(path.read_text())
        body["certificate"]["documents"] = []
        path.write_text(json.dumps(body))
    elif part == "page":
        path.with_suffix(".md").write_text("nothing happened\n")
    else:
        next((folder / ".modelwright" / "blobs").glob("takedown-*.json")).unlink()
    result = modelwright.load(folder).verify()
    assert not result["ok"]
    assert [problem for problem in result["problems"] if problem["what"] == "takedown"]


def test_the_certificate_says_what_went_and_proves_that_it_did(taken: Path) -> None:
    name = the_id(taken)
    certificate = json.loads((taken / "cards" / f"takedown-{name}.json").read_text())["certificate"]
    assert certificate["reason"] == "the author asked"
    pile = next(item for item in certificate["versions"] if item["old"] == "pile@1")
    assert pile["difference"]["out"]["documents"] == 1  # its copy had not stayed
    assert pile["difference"]["in"]["documents"] == pile["difference"]["changed"]["documents"] == 0
    assert {proof["kind"] for proof in pile["proofs"]} == {"absence"}
    assert {proof["of"] for proof in pile["proofs"]} == {"text", "document"}
    assert "json/decoder.py" not in json.dumps({**certificate, "versions": []})
    assert "out" in certificate["removed"]["exports"]
    assert not (taken / "out").exists()
    page = (taken / "cards" / f"takedown-{name}.md").read_text()
    assert "model@1: its tokens held it" in page


def test_reading_an_erased_version_is_an_error_that_names_the_takedown(taken: Path) -> None:
    project, name = modelwright.load(taken), the_id(taken)
    for read in (
        lambda: project.sql("select count(*) from documents", "pile@1"),
        lambda: project.card("pile@1"),
        lambda: project["tokens@1"].to_arrow(),
        lambda: project.pile_diff("pile@1", "pile@2"),
        lambda: Tokens.open(project["tokens@1"].path),
    ):
        with pytest.raises(InputError, match=name):
            read()
    assert [item["ref"] for item in project.list("pile") if item["erased"]] == ["pile@1"]
    assert [row["erased"] for row in project.pile_log()] == [True, False]
    assert project.show("pile@1")["erased"]
    assert {"pile@1", "model@1"} <= {node["ref"] for node in project.trace("pile@1")["nodes"]}


def test_names_move_to_what_replaces_the_version(taken: Path) -> None:
    assert modelwright.load(taken).records.tags()["first"] == "pile@2"


def test_a_second_takedown_of_the_same_says_that_it_is_done(taken: Path) -> None:
    again = modelwright.load(taken).takedown("document", BOOK, execute=True)
    assert again["executed"]
    assert again["certificate"] == f"cards/takedown-{the_id(taken)}.json"
    assert again["carriers"] == ["model@1", "adapter@1", "release@1", "export@1"]
    with pytest.raises(UnknownName):
        modelwright.load(taken).takedown("document", "open:no_such.py")


def test_it_does_not_come_in_again_under_another_name_edited_or_as_a_part(taken: Path, copied: Copy) -> None:
    folder = copied(taken)
    lines = (folder / "corpus" / "open" / "json" / "decoder.py").read_text().splitlines()
    edited = [f"{line}  # noted" if number % 12 == 0 else line for number, line in enumerate(lines)]
    places = {"other.py": lines, "edited.py": edited, "part.py": lines[100:200]}
    for name, content in places.items():
        (folder / "corpus" / "ours" / name).write_text("\n".join(content))
    (folder / ".modelwright" / "do_not_ingest.json").unlink()  # a projection of the ledger: made anew
    project = modelwright.load(folder)
    project.run(to="prepare")
    for name in places:
        (version,) = [one for one in project.why(f"ours:{name}")[0]["versions"] if one["pile"] == "pile@3"]
        assert (version["decision"], version["reasons"][0]["rule"]) == ("dropped", "takedown"), name


def test_a_list_that_was_tampered_with_stops_a_preparation(taken: Path, copied: Copy) -> None:
    folder = copied(taken)
    path = next((folder / ".modelwright" / "blobs").glob("takedown-*.json"))
    path.write_text(path.read_text().replace('"documents": [', '"documents": ["none",'))
    (folder / "corpus" / "ours" / "new.py").write_text("x = 1\n" * 50)
    with pytest.raises(IntegrityError, match="do-not-ingest"):
        modelwright.load(folder).run(to="prepare")


def test_windows_seen_are_counted_over_the_real_order_of_the_data(made: Path) -> None:
    from modelwright.train.order import Order, chosen_ranges

    project = modelwright.load(made)
    model, tokens = project["model@1"].artifact, Tokens.open(project["tokens@1"].path)
    facts = model.facts
    order = Order(chosen_ranges(tokens.source_ranges(), ["open"]), facts["context"], 8, 0)
    ends = tokens.ends.astype(np.int64)
    for row in (0, 3, 7):
        begin, end = (0 if row == 0 else ends[row - 1]), ends[row]
        seen = 0
        for step in range(facts["steps"]):
            spans = order.spans(order.windows_of_step(step))
            seen += int(((spans[:, 0] < end) & (spans[:, 1] > begin)).sum())
        assert windows_seen(model, tokens, np.array([row])) == (seen, facts["steps"] * 8)


def prepared_copy(prepared: Path, copied: Copy) -> Any:
    project = modelwright.load(copied(prepared))
    project.run()
    return project


def test_more_than_half_of_all_documents_asks_for_their_number(prepared: Path, copied: Copy) -> None:
    project = prepared_copy(prepared, copied)
    count = project.takedown("source", "open")["documents"]
    with pytest.raises(Refused, match=f"{count} of"):
        project.takedown("source", "open", execute=True)
    with pytest.raises(Refused):
        project.takedown("source", "open", execute=True, yes=count - 1)
    done = project.takedown("source", "open", execute=True, yes=count)
    assert done["executed"]
    assert set(project.sql("select source from documents")["source"].to_pylist()) == {"ours"}
    result = project.verify()
    assert result["ok"], result["problems"]


@pytest.mark.parametrize(
    ("kind", "value", "least"),
    [("owner", "example ltd", 8), ("licence", "PSF-2.0", 20), ("match", "print a  CALENDAR", 0)],
)
def test_owners_licences_and_texts_are_found(prepared: Path, kind: str, value: str, least: int) -> None:
    project = modelwright.load(prepared)
    if least:
        assert project.takedown(kind, value)["documents"] >= least
    else:
        with pytest.raises(UnknownName):
            project.takedown(kind, value)


def test_documents_that_have_a_text_go_whatever_case_and_space(prepared: Path, copied: Copy) -> None:
    project = prepared_copy(prepared, copied)
    sentence = "INSERT item x in   list a, and keep it sorted assuming a is sorted"
    shown = project.takedown("match", sentence)
    assert [row["origin"] for row in shown["matched"]] == ["bisect.py"]
    project.takedown("match", sentence, execute=True)
    with pytest.raises(UnknownName):
        project.takedown("match", "keep it sorted assuming a is sorted")
    assert project.takedown("match", sentence)["executed"]


def test_named_versions_get_one_that_replaces_them_and_others_none(prepared: Path, copied: Copy) -> None:
    project = prepared_copy(prepared, copied)
    folder = project.folder
    project.tag("baseline", "pile@1")
    modelwright.load(folder, ["prepare.holdout.default=20 %"]).run()
    modelwright.load(folder, ["prepare.holdout.default=30 %"]).run()
    done = modelwright.load(folder).takedown("document", BOOK, execute=True)
    assert done["erased"][:3] == ["pile@1", "pile@2", "pile@3"]
    assert [item["old"] for item in done["versions"] if item["old"].startswith("pile")] == ["pile@1"]
    project = modelwright.load(folder)
    assert project.records.tags()["baseline"] == project["pile"].ref
    assert project.verify()["ok"]


def test_a_version_whose_sources_are_gone_is_derived_from_itself(prepared: Path, copied: Copy) -> None:
    project = prepared_copy(prepared, copied)
    before = project.sql("select document from documents").num_rows
    shutil.rmtree(project.folder / "corpus" / "ours")
    done = modelwright.load(project.folder).takedown("document", BOOK, execute=True)
    (new,) = [item["new"] for item in done["versions"]]
    project = modelwright.load(project.folder)
    assert project.sql("select document from documents", new).num_rows == before - 1
    assert project.show(new)["facts"]["documents"] == before - 1
    result = project.verify()
    assert result["ok"], result["problems"]


def test_answers_that_quote_are_forgotten_and_others_kept(prepared: Path, copied: Copy) -> None:
    from modelwright.formats.answers import Answer, Answers, keyed_digest, new_key

    project = prepared_copy(prepared, copied)
    text = (project.folder / "corpus" / "open" / "json" / "decoder.py").read_text()
    path = project.home / "answers.db"
    with Answers(path) as answers:
        for name, said in (("quote", text[2000:2600]), ("other", "It is a fine day for a walk in the hills.")):
            key = new_key()
            answers.add(
                Answer(name, "2026-01-01T00:00:00Z", "ask", "release@1", "0" * 64, keyed_digest("hm", key),
                       keyed_digest(said, key), key, "hm", said, None, 1, 1, 0.1, "stop", None)
            )  # fmt: skip
    project.takedown("document", BOOK, execute=True)
    with Answers(path) as answers:
        quote, other = answers.get("quote"), answers.get("other")
    assert quote is not None
    assert quote.text is None
    assert quote.key is None
    assert other is not None
    assert other.text
    assert every_file.searched(project.home, [text[2100:2150]], skip=()) == []


def test_nothing_to_take_down_is_said(prepared: Path) -> None:
    project = modelwright.load(prepared)
    with pytest.raises(UsageError, match="nothing"):
        project.takedown("match", "  ")
    with pytest.raises(UnknownName, match="source"):
        project.takedown("source", "opne")


def test_pairs_that_quote_go_with_it_and_do_not_come_back(made: Path, copied: Copy) -> None:
    folder = copied(made)
    text = (folder / "corpus" / "open" / "json" / "decoder.py").read_text()
    rows = [{"prompt": f"What is {number}?", "completion": f"It is the number {number}."} for number in range(20)]
    rows.append({"prompt": "How does it begin?", "completion": text[2000:2400]})
    (folder / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    file = folder / "modelwright.yaml"
    file.write_text(file.read_text().replace("examples: ours", "examples: pairs.jsonl"))
    project = modelwright.load(folder)
    project.run(to="tune")
    done = project.takedown("document", BOOK, execute=True)
    assert done["pairs"] == ["pairs@1"]
    assert "pairs@1" in done["erased"]
    adapter = next(item for item in done["learned"] if item["ref"] == "adapter@2")
    assert adapter["learned"]
    certificate = json.loads((folder / done["certificate"]).read_text())["certificate"]
    assert certificate["not_touched"]["your_files_that_quote"] == ["pairs.jsonl"]
    assert every_file.searched(folder, [text[2100:2150]], skip=("corpus", "pairs.jsonl")) == []
    project = modelwright.load(folder)
    project.run(to="tune")
    assert project.show("pairs@2")["facts"]["pairs"] == 20
    assert project.show("pairs@2")["facts"]["taken_down"] == 1
    assert every_file.searched(folder, [text[2100:2150]], skip=("corpus", "pairs.jsonl")) == []
