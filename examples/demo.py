"""`make demo`: raw data to a served, governed model, told on the way. Usage: python examples/demo.py [FOLDER]

Everything here is the public interface: what this script does, its user can do with the commands on the last screen.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import modelwright
from modelwright import terminal
from modelwright.core.errors import ModelwrightError
from modelwright.engines import http

PROMPT = "def read_json(path):\n"


def main(folder: Path) -> int:
    out = terminal.out()
    began = time.monotonic()
    if not (folder / "modelwright.yaml").exists():
        modelwright.new(folder, "demo")
    project = modelwright.load(folder)
    reporter = terminal.Reporter()
    try:
        steps = project.run(report=reporter)
    finally:
        reporter.close()
    refs = {step["artifact"].partition("@")[0]: step["artifact"] for step in steps}
    project.tag("demo", refs["pile"])
    answer, verdict, seconds = ask(project, refs["release"])
    steps.append({"stage": "deploy", "artifact": "answer over HTTP", "action": "made", "seconds": seconds})
    out.print()
    out.print(terminal.table(explain(project, refs["pile"]), title="Why is it in, or not?"))
    out.print()
    out.print(terminal.table(timetable(project, steps), title="Time"))
    tell(project, refs, answer, verdict, time.monotonic() - began)
    return 0


def ask(project: Any, release: str) -> tuple[dict[str, Any], dict[str, Any], float]:
    """Start the server, ask over HTTP for an answer with its receipt, stop the server, verify the receipt."""
    began = time.monotonic()
    with project.running(release) as server:
        body = {
            "model": release,
            "prompt": PROMPT,
            "max_tokens": 48,
            "temperature": 0.6,
            "seed": 1,
            "modelwright": {"receipt": True},
        }
        answer = http.post(f"{server.url}/v1/completions", body)
    text = answer["choices"][0]["text"]
    verdict = project.verify_receipt(answer["modelwright"]["receipt"], prompt=PROMPT, text=text)
    return answer, verdict, time.monotonic() - began


def explain(project: Any, pile: str) -> list[dict[str, Any]]:
    """`why` for one kept, one redacted, one dropped and one duplicate document."""
    rows = []
    for decision in ("kept", "changed", "dropped", "duplicate"):
        query = f"select document from decisions where decision = '{decision}' order by document limit 1"
        found = project.sql(query, pile).column("document").to_pylist()
        for document in project.why(found[0]) if found else []:
            latest = document["versions"][-1]
            reason = next(iter(latest["reasons"]), {})
            words = (
                f"{reason['rule']}: {reason['signal']} = {terminal.number(reason['value'])}"
                if reason
                else "no rule objected"
            )
            if reason.get("threshold") is not None:
                words += f" (threshold {reason['threshold']})"
            origin = f"{document['source']}:{document['origin']}"
            rows.append({"decision": latest["decision"], "document": origin, "because": words})
    return rows


def timetable(project: Any, steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Planned and actual seconds of every step."""
    rows = []
    for step in steps:
        made = "@" in step["artifact"]
        shown = project.show(step["artifact"]) if made else {}
        planned = (shown.get("estimate") or {}).get("seconds")
        actual = shown.get("seconds") if made else step["seconds"]
        action = step["action"]
        rows.append(
            {
                "step": step["artifact"],
                "planned": terminal.seconds(planned) if planned is not None else "",
                "actual": terminal.seconds(actual),
                "this time": action if action == "unchanged" else terminal.seconds(step["seconds"]),
            }
        )
    return rows


def tell(project: Any, refs: dict[str, str], answer: dict[str, Any], verdict: dict[str, Any], seconds: float) -> None:
    """The last screen."""
    pile, model, release = (project[refs[kind]] for kind in ("pile", "model", "release"))
    scores = project[refs["scores"]].facts["metrics"]
    counts = pile.facts["decisions"]
    kind = "an experimental release" if release.facts["experimental"] else "a release"
    base = project.show(model.ref)
    lines = [
        "",
        f"Made in {terminal.seconds(seconds)}: a pile of {counts['kept'] + counts['changed']:,} documents "
        f"({counts['dropped']:,} dropped, {counts['duplicate']:,} duplicate, {counts['quarantined']:,} quarantined),",
        f"a model of {base['facts']['parameters']:,} parameters trained on it from scratch, an adapter tuned on our",
        f"own documents (gain {percent(scores.get('gain'))}, forgetting {percent(scores.get('forgetting'))}),",
        f"and {kind}, {release.ref}.",
        "",
    ]
    for gate in release.facts["gates"]:
        lines.append(f"  gate {gate['gate']}: {gate['verdict']} - {gate['reason']}")
    lines += [
        "",
        f"It was asked to continue {PROMPT!r} and {answer['modelwright']['release']} answered:",
        "",
        *("    " + line for line in (PROMPT + answer["choices"][0]["text"]).rstrip().splitlines()),
        "",
        f"The receipt of this answer is {'verified' if verdict['ok'] else 'NOT valid'}: signed, in the ledger, and it "
        f"leads back to {pile.ref} ({pile.digest[:12]}).",
        "",
        f"All of it lies in {project.folder}: cards/pile-{pile.artifact.version}-card.html is the data card,",
        f"cards/release-{release.artifact.version}-card.html the fact sheet, {model.path}/loss.png the loss.",
        "",
        f"Try next, in {project.folder.name}/ (activate the environment: source .venv/bin/activate):",
        "    modelwright plan --set prepare.rules.gopher.min_words=80     what a threshold would re-run",
        "    modelwright serve release                                    an OpenAI-compatible server",
        "    modelwright verify release                                   is every file as it was recorded?",
    ]
    print("\n".join(lines))


def percent(value: dict[str, Any] | None) -> str:
    """A relative change with its interval."""
    if not value or value.get("value") is None:
        return "not measured"
    return f"{100 * value['value']:.1f} % [{100 * value['low']:.1f}, {100 * value['high']:.1f}]"


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo")))
    except ModelwrightError as error:
        print(f"error: {error.message}\nhint: {error.hint}", file=sys.stderr)
        sys.exit(error.exit_code)
