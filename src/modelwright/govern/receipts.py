"""The receipt of an answer: a signed statement of what said it, made of what. It holds no word of prompt or answer.

Prompt and answer stand in it as digests keyed (HMAC-SHA256) with 32 random bytes that only the holder of the receipt
and the store of answers have: from the ledger alone nobody can try out which short text was asked. Erasing the answer
with its key leaves a record that points at nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from modelwright.core.errors import InputError, IntegrityError
from modelwright.core.fingerprint import canonical
from modelwright.formats.answers import keyed_digest, new_key
from modelwright.govern import keys as keyring
from modelwright.govern import statements
from modelwright.govern.lineage import ancestors, nearest
from modelwright.govern.records import Records

KINDS = ("release", "adapter", "model", "tokens", "pile")
ABOUT = ("kind", "template", "prompt_tokens", "tokens", "finish_reason")
"""What of an answer is published besides id, time and parameters: a list of what may, so that a new field may not."""


def receipt(
    records: Records,
    ref: str,
    *,
    answer: str,
    prompt: str,
    text: str,
    at: str,
    parameters: Mapping[str, Any] | None = None,
    about: Mapping[str, Any] | None = None,
    signer: Any = None,
) -> dict[str, Any]:
    """Record and return the receipt of one answer: `{"answer", "event", "key", "statement"}`, all plain JSON.

    ref         what answered: a release, or an adapter or model
    answer      id of the answer;  at: when it was given (ISO 8601);  parameters: temperature and the like
    about       more about it, of which only ABOUT is published
    The caller keeps the receipt with the answer, because of `key`. Raises UnknownName or AmbiguousReference for `ref`.
    """
    key = new_key()
    digests = {"prompt": keyed_digest(prompt, key), "text": keyed_digest(text, key)}
    predicate = {
        "answer": answer,
        "answered_at": at,
        "digests": {"method": "HMAC-SHA256", **digests},
        "parameters": dict(parameters or {}),
        "about": {name: (about or {}).get(name) for name in ABOUT if name in (about or {})},
        **made_of(records, ref),
    }
    entry = records.append("receipt", [{"name": f"answer {answer}", "digest": digests["text"]}], predicate, signer)
    return {"answer": answer, "event": entry.seq, "key": key, "statement": json.loads(entry.envelope)}


def receipt_maker(records: Records, ref: str, signer: Any = None) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """What a server calls with `formats.answers.Answer.statement()` and `parameters`: returns the receipt."""

    def make(said: Mapping[str, Any]) -> dict[str, Any]:
        return receipt(
            records,
            ref,
            answer=str(said["id"]),
            prompt=str(said["prompt"]),
            text=str(said["text"]),
            at=str(said["at"]),
            parameters=said.get("parameters"),
            about=said,
            signer=signer,
        )

    return make


def made_of(records: Records, ref: str) -> dict[str, Any]:
    """What stands behind an answer: release, adapter, model, tokens and pile with their digests (null: none)."""
    start = records.find(ref).ref
    chain: dict[str, Any] = {}
    for kind in KINDS:
        found = nearest(records, start, kind)
        chain[kind] = {"ref": found.ref, "digest": found.digest} if found else None
        if found and kind == "pile":
            chain[kind] |= {"text_root": found.facts.get("text_root")}
    chain["ancestry"] = [start, *ancestors(records, start)]
    return chain


def verify_receipt(
    given: Mapping[str, Any],
    *,
    prompt: str | None = None,
    text: str | None = None,
    keys: Mapping[str, Mapping[str, Any]] | None = None,
    records: Records | None = None,
) -> dict[str, Any]:
    """Check a receipt: signature, that it belongs to `prompt` and `text`, that the ledger holds it and what it names.

    given    what `receipt` returned, or the server's `{"receipt": ...}` around it
    prompt   as the model got it (with its template);  text: the answer
    keys     key id -> public key that may vouch; default: the user's own, and those on record in `records`
    records  of the project or of a bundle; without it the ledger is not asked
    Returns `{"ok", "checked", "problems", "answer", "release", "model", "pile"}`. Raises InputError when `given` is no
    receipt, or when there is no key to check a text with.
    """
    if isinstance(given.get("receipt"), Mapping):
        given = given["receipt"]
    envelope = _envelope(given)
    predicate = _predicate(envelope)
    known = dict(keys) if keys is not None else records.public_keys() if records else keyring.public_keys()
    problems: list[dict[str, Any]] = []
    signed = statements.verify(envelope, keyring.verifiers(known.values()))
    checked = {"events": 0, "signatures": len(signed), "digests": 0}
    if not signed:
        problems.append(_problem("signature", "a signature by a known key", ", ".join(statements.key_ids(envelope))))
    for name, words in (("prompt", prompt), ("text", text)):
        if words is not None:
            checked["digests"] += 1
            expected, found = predicate["digests"].get(name), keyed_digest(words, _key(given))
            if found != expected:
                problems.append(_problem(name, expected, found))
    if records is not None:
        checked["events"] = 1
        if all(entry.envelope != envelope for entry in records.of_kind("receipt")):
            problems.append(_problem("event", "this statement in the ledger", "missing"))
        problems += _not_on_record(predicate, records, checked)
    names = {kind: predicate.get(kind) for kind in ("answer", "release", "model", "pile")}
    return {"ok": not problems, "checked": checked, "problems": problems, **names}


def _not_on_record(predicate: Mapping[str, Any], records: Records, checked: dict[str, int]) -> list[dict[str, Any]]:
    known, problems = records.by_ref(), []
    for kind in KINDS:
        named = predicate.get(kind)
        if isinstance(named, Mapping):
            checked["digests"] += 1
            there = known.get(str(named.get("ref")))
            if there is None or there.digest != named.get("digest"):
                found = there.digest if there else "missing"
                problems.append(_problem(str(named.get("ref")), named.get("digest"), found))
    return problems


def _problem(where: str, expected: Any, found: Any) -> dict[str, Any]:
    return {"what": "receipt", "where": where, "expected": expected, "found": found}


def _key(given: Mapping[str, Any]) -> str:
    key = str(given.get("key", ""))
    if not re.fullmatch("([0-9a-f]{2})+", key):
        raise InputError(
            "without the key of the receipt its texts cannot be checked", hint="`key` came with the receipt"
        )
    return key


def _envelope(given: Mapping[str, Any]) -> str:
    if not isinstance(given.get("statement"), Mapping):
        raise InputError("this is no receipt", hint="`{answer, event, key, statement}`, as the server gave it")
    return canonical(given["statement"]).decode()


def _predicate(envelope: str) -> dict[str, Any]:
    try:
        statement = statements.decode(envelope)
    except IntegrityError as error:
        raise InputError(f"this is no receipt: {error.message}") from error
    predicate = statement.get("predicate")
    is_receipt = statements.kind_of(statement) == "receipt"
    if is_receipt and isinstance(predicate, dict) and isinstance(predicate.get("digests"), dict):
        return predicate
    raise InputError("the statement is no receipt", value=statement.get("predicateType"))
