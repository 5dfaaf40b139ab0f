"""What goes over the wire: OpenAI's requests, checked, and its errors."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from modelwright.core.errors import did_you_mean


class Refusal(Exception):
    """An answer that is an error, in OpenAI's shape."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        kind = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}.get(status)
        kind = kind or ("server_error" if status >= 500 else "invalid_request_error")
        self.body = {"error": {"message": message, "type": kind, "param": param, "code": code}}


class Extras(BaseModel):
    """Ours, beside OpenAI's fields."""

    model_config = ConfigDict(extra="forbid", strict=True)
    receipt: bool = False


class StreamOptions(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)
    include_usage: bool = False


class Message(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[dict[str, Any]]

    def text(self) -> str:
        """The content; parts of type `text` are joined. Raises Refusal for anything but text."""
        if isinstance(self.content, str):
            return self.content
        parts = []
        for part in self.content:
            if part.get("type") != "text" or not isinstance(part.get("text"), str):
                raise Refusal(400, f"only text is understood, not {part.get('type')!r}", param="messages")
            parts.append(part["text"])
        return "".join(parts)


class Sampling(BaseModel):
    """Fields that completions and chat completions share. `store: false` keeps no text of this answer."""

    model_config = ConfigDict(extra="allow", strict=True)
    model: str
    max_tokens: int | None = Field(None, ge=1)
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, gt=0, le=1)
    stop: str | list[str] | None = None
    seed: int | None = Field(None, ge=-(2**63), lt=2**63)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = None
    user: str | None = None
    store: bool | None = None
    metadata: dict[str, str] | None = None
    modelwright: Extras = Extras()


class CompletionRequest(Sampling):
    """`prompt` is a text, a list with one text, or token ids."""

    prompt: str | list[str] | list[int]


class ChatRequest(Sampling):
    messages: list[Message] = Field(min_length=1)
    max_completion_tokens: int | None = Field(None, ge=1)


# OpenAI's other fields: fine when they say what happens anyway, refused when they ask for more.
_INERT: dict[str, tuple[Any, ...] | None] = {
    "best_of": (None, 1), "echo": (None, False), "logprobs": (None, False), "top_logprobs": (None, 0),
    "suffix": (None, ""), "presence_penalty": (None, 0), "frequency_penalty": (None, 0), "logit_bias": (None, {}),
    "response_format": (None, {"type": "text"}), "tools": (None, []), "tool_choice": (None, "none", "auto"),
    "functions": (None, []), "function_call": (None, "none", "auto"), "parallel_tool_calls": (None, True, False),
    "modalities": (None, ["text"]), "audio": (None,), "prediction": (None,), "reasoning_effort": (None, "none"),
    "service_tier": (None, "auto", "default"), "verbosity": (None, "medium"), "web_search_options": (None,),
    "safety_identifier": None, "prompt_cache_key": None, "prompt_cache_retention": None,
}  # fmt: skip


def check(request: Sampling) -> None:
    """Raises Refusal for what is unknown, and for what is known but not done here."""
    for name, value in (request.model_extra or {}).items():
        if name not in _INERT:
            known = [*type(request).model_fields, *_INERT]
            hint = did_you_mean(name, known)
            raise Refusal(
                400,
                f"unknown field {name!r}" + (f": {hint}" if hint.startswith("did") else ""),
                code="unknown_parameter",
                param=name,
            )
        accepted = _INERT[name]
        if accepted is not None and value not in accepted:
            raise Refusal(400, f"{name} is not supported by this server", code="unsupported_value", param=name)
    if request.n not in (None, 1):
        raise Refusal(400, f"n must be 1, not {request.n}: one answer per request", code="unsupported_value", param="n")
    stops = stop_sequences(request)
    if len(stops) > 4 or "" in stops:
        raise Refusal(400, "stop takes one to four texts that are not empty", param="stop")


def stop_sequences(request: Sampling) -> tuple[str, ...]:
    if request.stop is None:
        return ()
    return (request.stop,) if isinstance(request.stop, str) else tuple(request.stop)


def validation_refusal(errors: list[dict[str, Any]]) -> Refusal:
    """The first of pydantic's complaints, as OpenAI would say it."""
    first = errors[0]
    if first["type"] == "json_invalid":
        return Refusal(
            400, "the body is no valid JSON: " + str(first.get("ctx", {}).get("error", "")), code="invalid_json"
        )
    place = [str(part) for part in first["loc"] if part not in ("body", "str", "list[str]", "list[int]")]
    param = ".".join(place) or None
    if first["type"] == "missing":
        message = f"{param} is missing" if param else "the body is missing"
        return Refusal(400, message, code="missing_required_parameter", param=param)
    found = repr(first.get("input"))
    found = found if len(found) <= 80 else found[:77] + "..."
    return Refusal(400, f"{param or 'the body'}: {first['msg']}; found {found}", code="invalid_value", param=param)
