"""The HTTP face: OpenAI's routes, health, figures."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import FastAPI, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.exceptions import HTTPException

from modelwright.deploy.guard import Guard
from modelwright.deploy.service import Job, Service, as_refusal, model_listing, new_id
from modelwright.deploy.turns import Turn
from modelwright.deploy.wire import ChatRequest, CompletionRequest, Refusal, validation_refusal

log = logging.getLogger(__name__)
Wanted = Annotated[str | None, Header(alias="X-Modelwright-Receipt")]


def create_app(service: Service) -> FastAPI:
    """The application around a service. Loading the model is the caller's; `/readyz` tells when it is done."""
    # No documentation pages: theirs fetch scripts from a CDN. The schema itself is served.
    app = FastAPI(title="modelwright", docs_url=None, redoc_url=None, openapi_url="/openapi.json")
    _add_errors(app)
    app.add_middleware(Guard, service=service)
    _add_status(app, service)
    _add_answers(app, service)
    return app


def _add_errors(app: FastAPI) -> None:
    def respond(refusal: Refusal) -> JSONResponse:
        return JSONResponse(refusal.body, refusal.status, refusal.headers)

    async def refused(request: Request, error: Exception) -> Response:
        refusal = as_refusal(error)
        if refusal.status >= 500 and not isinstance(error, Refusal):
            log.error("answering failed", exc_info=error)
        return respond(refusal)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return respond(validation_refusal(list(error.errors())))

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return respond(Refusal(error.status_code, f"{request.method} {request.url.path}: {error.detail}"))

    app.add_exception_handler(Refusal, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, refused)


def _add_status(app: FastAPI, service: Service) -> None:
    @app.get("/healthz")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz")
    async def ready() -> JSONResponse:
        standing = await asyncio.to_thread(service.settings.standing)
        about = {"release": service.settings.release, "digest": service.settings.digest, **standing.told()}
        status = "loading" if service.engine is None else "ready" if standing.refused is None else "taken down"
        return JSONResponse({"status": status} | about, 200 if status == "ready" else 503)

    @app.get("/metrics")
    async def metrics() -> Response:
        body, kind = service.metrics.text()
        return Response(body, media_type=kind)

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        return dict(await asyncio.to_thread(model_listing, service))

    @app.get("/v1/models/{name}")
    async def model(name: str) -> dict[str, Any]:
        for entry in (await asyncio.to_thread(model_listing, service))["data"]:
            if entry["id"] == name:
                return dict(entry)
        raise Refusal(404, f"the model {name!r} does not exist", code="model_not_found", param="model")


def _add_answers(app: FastAPI, service: Service) -> None:
    @app.post("/v1/completions")
    async def completions(body: CompletionRequest, request: Request, receipt: Wanted = None) -> Response:
        return await _answer(service, request, body, "completion", receipt)

    @app.post("/v1/chat/completions")
    async def chat_completions(body: ChatRequest, request: Request, receipt: Wanted = None) -> Response:
        return await _answer(service, request, body, "chat", receipt)


async def _answer(
    service: Service, request: Request, body: CompletionRequest | ChatRequest, kind: str, header: str | None
) -> Response:
    wants_receipt = body.modelwright.receipt or header in ("1", "true")
    job = await asyncio.to_thread(service.prepare, body, kind, wants_receipt)
    turn = await service.turns.enter()
    answer_id, created = new_id(kind), int(time.time())
    headers = {
        "X-Modelwright-Answer": answer_id,
        "X-Modelwright-Release": service.settings.release,
        "X-Modelwright-Digest": service.settings.digest,
    }
    shape = Shape(kind, answer_id, created, body.model, service)
    if body.stream:
        usage = body.stream_options is not None and body.stream_options.include_usage
        return _Stream(_events(service, job, turn, shape, usage), turn, headers)
    text, tokens, reason = "", 0, "stop"
    async with aclosing(service.pieces(job, turn)) as pieces:
        async for piece in pieces:
            text, tokens = text + piece.text, tokens + piece.tokens
            reason = piece.finish_reason or reason
            if await request.is_disconnected():
                return Response(status_code=499)  # nobody reads it: nginx's number for this
    about = await asyncio.to_thread(service.finish, answer_id, job, text, tokens, reason)
    return JSONResponse(shape.whole(text, reason, job, tokens, about), headers=headers)


class Shape:
    """OpenAI's objects for one answer, whole or in chunks."""

    def __init__(self, kind: str, answer_id: str, created: int, model: str, service: Service) -> None:
        self.chat = kind == "chat"
        self.common = {"id": answer_id, "created": created, "model": model}
        self.common["system_fingerprint"] = service.settings.digest[:12]

    def whole(self, text: str, reason: str, job: Job, tokens: int, about: dict[str, Any]) -> dict[str, Any]:
        content: dict[str, Any] = {"message": {"role": "assistant", "content": text}} if self.chat else {"text": text}
        choice = {"index": 0, "finish_reason": reason, "logprobs": None} | content
        kind = "chat.completion" if self.chat else "text_completion"
        return {
            **self.common,
            "object": kind,
            "choices": [choice],
            "usage": usage_of(job, tokens),
            "modelwright": about,
        }

    def chunk(self, text: str | None, reason: str | None, about: dict[str, Any], first: bool = False) -> dict[str, Any]:
        content: dict[str, Any] = {"text": text or ""}
        if self.chat:
            delta = ({"role": "assistant"} if first else {}) | ({} if text is None else {"content": text})
            content = {"delta": delta}
        choice = {"index": 0, "finish_reason": reason, "logprobs": None} | content
        return {**self.common, "object": self._kind(), "choices": [choice], "modelwright": about}

    def usage(self, job: Job, tokens: int, about: dict[str, Any]) -> dict[str, Any]:
        usage = usage_of(job, tokens)
        return {**self.common, "object": self._kind(), "choices": [], "usage": usage, "modelwright": about}

    def _kind(self) -> str:
        return "chat.completion.chunk" if self.chat else "text_completion"


def usage_of(job: Job, tokens: int) -> dict[str, int]:
    return {"prompt_tokens": len(job.ids), "completion_tokens": tokens, "total_tokens": len(job.ids) + tokens}


async def _events(service: Service, job: Job, turn: Turn, shape: Shape, usage: bool) -> AsyncGenerator[str, None]:
    """Server-sent events; the last chunk with a finish reason carries the receipt."""
    answer_id = str(shape.common["id"])
    about = service.about(answer_id, job)
    text, tokens, reason = "", 0, "stop"
    try:
        if shape.chat:
            yield _event(shape.chunk("", None, about, first=True))
        async with aclosing(service.pieces(job, turn)) as pieces:
            async for piece in pieces:
                text, tokens = text + piece.text, tokens + piece.tokens
                reason = piece.finish_reason or reason
                if piece.text:
                    yield _event(shape.chunk(piece.text, None, about))
        about = await asyncio.to_thread(service.finish, answer_id, job, text, tokens, reason)
        yield _event(shape.chunk(None, reason, about))
        if usage:
            yield _event(shape.usage(job, tokens, about))
    except Exception as error:  # the status line is long gone: the error must travel as an event
        log.error("streaming failed", exc_info=error)
        yield _event(as_refusal(error).body)
    yield "data: [DONE]\n\n"


def _event(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"


class _Stream(StreamingResponse):
    """A stream that gives its turn back even when the client left before the first byte."""

    def __init__(self, events: AsyncGenerator[str, None], turn: Turn, headers: dict[str, str]) -> None:
        super().__init__(events, media_type="text/event-stream", headers=headers | {"Cache-Control": "no-store"})
        self._events, self._turn = events, turn

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        started = False

        async def sending(message: Any) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.body"
            await send(message)

        try:
            await super().__call__(scope, receive, sending)
        finally:
            await self._events.aclose()
            if not started:  # the model was never asked, so nothing else ends the turn
                self._turn.end()
