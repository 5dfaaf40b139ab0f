"""One request to a server on this machine, with the standard library; its refusals become clear errors."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from modelwright.core.errors import UsageError

TIMEOUT_SECONDS = 300


def post(url: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """POST JSON, return JSON. Raises UsageError with the server's own words when it answers 4xx or 5xx."""
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})}
    )
    # No proxy: the address is on this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=TIMEOUT_SECONDS) as response:
            answer: dict[str, Any] = json.load(response)
    except urllib.error.HTTPError as error:
        said = json.load(error).get("error", {})
        long = said.get("code") == "context_length_exceeded"
        hint = "shorten the prompt" if long else "correct the request; `modelwright ask --help` has its options"
        raise UsageError(str(said.get("message", error)), hint=hint, value=error.code) from error
    return answer
