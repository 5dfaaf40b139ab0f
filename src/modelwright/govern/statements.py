"""What is signed: an in-toto Statement v1 in a DSSE envelope.

https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md and https://github.com/secure-systems-lab/dsse.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from modelwright.core.errors import IntegrityError
from modelwright.core.fingerprint import canonical

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
PREDICATE_PREFIX = "urn:modelwright:"  # a name, not a web address: nothing is looked up


def predicate_type(kind: str) -> str:
    return f"{PREDICATE_PREFIX}{kind}:v1"


def kind_of(statement: Mapping[str, Any]) -> str:
    """The kind of event that a statement was made for; "" when it is none of ours."""
    text = str(statement.get("predicateType", ""))
    return text[len(PREDICATE_PREFIX) : -len(":v1")] if text.startswith(PREDICATE_PREFIX) else ""


def statement(kind: str, subject: Iterable[Mapping[str, Any]], predicate: Mapping[str, Any]) -> dict[str, Any]:
    """An in-toto Statement. A subject is `{"name", "digest"}` with the digest as hex SHA-256 or as a digest set."""
    return {
        "_type": STATEMENT_TYPE,
        "subject": [_described(item) for item in subject],
        "predicateType": predicate_type(kind),
        "predicate": finite(predicate),
    }


def _described(item: Mapping[str, Any]) -> dict[str, Any]:
    digest = item.get("digest")
    described = {key: value for key, value in item.items() if key != "digest"}
    return (
        {**described, "digest": {"sha256": digest} if isinstance(digest, str) else dict(digest)}
        if digest
        else described
    )


def finite(value: Any) -> Any:
    """`value` with NaN and infinity as null, which JSON cannot say: an unknown number is null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return value


def sign(value: Mapping[str, Any], signer: Any) -> str:
    """DSSE envelope (canonical JSON text) over the canonical JSON of `value`."""
    from securesystemslib.dsse import Envelope

    envelope = Envelope(canonical(value), PAYLOAD_TYPE, {})
    envelope.sign(signer)
    return canonical(envelope.to_dict()).decode()


def decode(envelope: str) -> dict[str, Any]:
    """The statement inside an envelope, signature unchecked. Raises IntegrityError when it cannot be read."""
    import base64

    try:
        payload = base64.b64decode(json.loads(envelope)["payload"], validate=True)
        value = json.loads(payload)
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(
            f"a statement cannot be read: {error}", hint="`modelwright verify` without a reference names it"
        ) from error
    if not isinstance(value, dict):
        raise IntegrityError("a statement is no JSON object", hint="`modelwright verify` without a reference names it")
    return value


def key_ids(envelope: str) -> list[str]:
    """Ids of the keys that an envelope says it is signed with. Raises IntegrityError when it cannot be read."""
    try:
        return [str(signature["keyid"]) for signature in json.loads(envelope)["signatures"]]
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(
            f"an envelope cannot be read: {error}", hint="`modelwright verify` without a reference names it"
        ) from error


def verify(envelope: str, verifiers: Mapping[str, Any]) -> list[str]:
    """Ids of the keys whose signature over `envelope` holds; empty when none does.

    `verifiers` is what `keys.verifiers` gives. Every signature that is there and whose key is known must hold: a
    broken one next to a good one makes the result empty.
    """
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import FormatError, UnverifiedSignatureError

    try:
        parsed = Envelope.from_dict(json.loads(envelope))
    except (ValueError, KeyError, TypeError, AttributeError, FormatError):
        return []
    if parsed.payload_type != PAYLOAD_TYPE:
        return []
    good = []
    for signature in parsed.signatures.values():
        key = verifiers.get(signature.keyid)
        if key is None:
            continue
        try:
            key.verify_signature(signature, parsed.pae())
        except UnverifiedSignatureError:
            return []
        good.append(str(signature.keyid))
    return good
