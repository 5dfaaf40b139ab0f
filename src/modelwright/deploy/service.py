"""From a checked request to an answer that is kept: everything about answering that is not HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
import uuid
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from modelwright.core.errors import InputError, ModelwrightError
from modelwright.deploy.metrics import Metrics
from modelwright.deploy.server import Engine, Server
from modelwright.deploy.turns import Turn, Turns
from modelwright.deploy.wire import ChatRequest, CompletionRequest, Refusal, check, stop_sequences
from modelwright.formats import answers as store
from modelwright.formats import chat
from modelwright.models.inference import Piece

ReceiptMaker = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Standing:
    """Whether what answers may go on answering.

    taken_down  takedowns whose documents it still carries: callers are told, as `taken_down`
    refused     why it must not answer any more, in one sentence
    """

    taken_down: tuple[str, ...] = ()
    refused: str | None = None

    def told(self) -> dict[str, Any]:
        """Nothing where no takedown reached what answers."""
        return {"taken_down": list(self.taken_down)} if self.taken_down else {}


@dataclass(frozen=True)
class AppSettings:
    """Everything that a running server needs to know.

    release      name in every answer, for example `release@1`; `names` are other names that callers may use
    digest       of what answers: release, or model when there is none
    answers      SQLite file of prompts and answers; None keeps nothing
    receipt      makes the signed receipt (plain JSON) of an answer from `Answer.statement()` and its `parameters`;
                 None: no receipts here
    standing     asked before every answer: a takedown may reach what answers while it runs
    """

    release: str
    digest: str
    model: Path
    server: Server
    adapter: Path | None = None
    names: tuple[str, ...] = ()
    device: str = "cpu"
    host: str = "127.0.0.1"
    port: int = 8000
    api_key: str | None = None
    answers: Path | None = None
    receipt: ReceiptMaker | None = None
    standing: Callable[[], Standing] = Standing


@dataclass(frozen=True)
class Job:
    """A request, checked and encoded."""

    kind: str
    prompt: str
    ids: tuple[int, ...]
    template: str | None
    stop: tuple[str, ...]
    max_tokens: int
    temperature: float
    top_p: float
    seed: int | None
    keep: bool
    receipt: bool
    began: float
    standing: Standing = Standing()


class Service:
    """A model, its queue, its figures and its store of answers."""

    def __init__(self, settings: AppSettings) -> None:
        self.settings = settings
        self.engine: Engine | None = None
        self.metrics = Metrics(settings.release, settings.digest)
        self.turns = Turns(settings.server.waiting, self.metrics)
        self.store = store.Answers(settings.answers) if settings.answers else None
        # One thread runs the model, so that a cancelled answer ends before the next begins.
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="modelwright-answer")
        self._closing = threading.Event()

    def load(self) -> None:
        """Load the model; until then every question is answered 503."""
        settings = self.settings
        self.engine = settings.server.open(settings.model, settings.adapter, settings.device)

    def close(self) -> None:
        self._closing.set()
        self._pool.shutdown(wait=True)
        if self.store is not None:
            self.store.close()

    def prepare(self, request: CompletionRequest | ChatRequest, kind: str, receipt: bool) -> Job:
        """Raises Refusal for everything that cannot be answered."""
        engine = self._ready()
        standing = self.settings.standing()
        if standing.refused is not None:
            raise Refusal(451, standing.refused, code="taken_down")  # RFC 7725: unavailable for legal reasons
        check(request)
        names = (self.settings.release, *self.settings.names)
        if request.model not in names:
            message = f"the model {request.model!r} does not exist; this server has {', '.join(names)}"
            raise Refusal(404, message, code="model_not_found", param="model")
        if receipt and self.settings.receipt is None:
            raise Refusal(400, "this server makes no receipts", code="no_receipts", param="modelwright.receipt")
        prompt, ids, template, stop = self._encoded(request, engine)
        if len(ids) >= engine.context_length:
            message = (
                f"the prompt has {len(ids)} tokens; this model's context is {engine.context_length}, answer included"
            )
            param = "messages" if kind == "chat" else "prompt"
            raise Refusal(400, message, code="context_length_exceeded", param=param)
        most = request.max_tokens
        if isinstance(request, ChatRequest) and request.max_completion_tokens is not None:
            most = request.max_completion_tokens
        return Job(
            kind=kind,
            prompt=prompt,
            ids=tuple(ids),
            template=template,
            stop=(*stop_sequences(request), *stop),
            max_tokens=min(most or self.settings.server.max_tokens, engine.context_length - len(ids)),
            temperature=1.0 if request.temperature is None else request.temperature,
            top_p=1.0 if request.top_p is None else request.top_p,
            # torch takes seeds of 64 bits without a sign
            seed=None if request.seed is None else request.seed % 2**63,
            keep=request.store is not False,
            receipt=receipt,
            began=time.monotonic(),
            standing=standing,
        )

    def _ready(self) -> Engine:
        if self.engine is None:
            raise Refusal(503, "the model is still being loaded", code="loading", retry_after=2)
        return self.engine

    def _encoded(
        self, request: CompletionRequest | ChatRequest, engine: Engine
    ) -> tuple[str, list[int], str | None, tuple[str, ...]]:
        if isinstance(request, ChatRequest):
            messages = [
                {"role": "system" if message.role == "developer" else message.role, "content": message.text()}
                for message in request.messages
            ]
            rendered = _render(messages, engine)
            _check_unicode(rendered.text)
            ids = engine.encode(rendered.text, templated=rendered.template == "model")
            return rendered.text, ids, rendered.template, rendered.stop
        prompt = request.prompt
        if isinstance(prompt, list):
            if len(prompt) == 1 and isinstance(prompt[0], str):
                prompt = prompt[0]
            elif prompt and all(isinstance(token, int) for token in prompt):
                return self._from_ids([int(token) for token in prompt], engine)
            else:
                raise Refusal(400, "prompt must be one text or a list of token ids", param="prompt")
        _check_unicode(prompt)
        return prompt, engine.encode(prompt), None, ()

    def _from_ids(self, ids: list[int], engine: Engine) -> tuple[str, list[int], None, tuple[str, ...]]:
        size = len(engine.tokenizer)
        outside = [token for token in ids if not 0 <= token < size]
        if outside:
            raise Refusal(400, f"{outside[0]} is no token id: the vocabulary has {size}", param="prompt")
        return str(engine.tokenizer.decode(ids)), ids, None, ()

    async def pieces(self, job: Job, turn: Turn) -> AsyncGenerator[Piece, None]:
        """Pieces of the answer as they come. The turn ends when the model's thread does, however this ends."""
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[Piece | BaseException | None] = asyncio.Queue()
        cancelled, first = threading.Event(), True

        def put(item: Piece | BaseException | None) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody listens any more
                loop.call_soon_threadsafe(queue.put_nowait, item)

        def pump() -> None:
            try:
                for piece in self._generate(job):
                    if cancelled.is_set() or self._closing.is_set():
                        return
                    put(piece)
            except BaseException as error:
                put(error)
            finally:
                put(None)

        running = loop.run_in_executor(self._pool, pump)
        running.add_done_callback(lambda _: turn.end())
        try:
            while (item := await queue.get()) is not None:
                if isinstance(item, BaseException):
                    raise item
                if first:
                    self.metrics.first_token.observe(time.monotonic() - job.began)
                    first = False
                yield item
        finally:
            cancelled.set()

    def _generate(self, job: Job) -> Iterator[Piece]:
        return self._ready().generate(
            job.ids,
            max_tokens=job.max_tokens,
            temperature=job.temperature,
            top_p=job.top_p,
            stop=job.stop,
            seed=job.seed,
        )

    def finish(self, answer_id: str, job: Job, text: str, tokens: int, reason: str) -> dict[str, Any]:
        """Keep the answer, count it, and return what the body says about it under `modelwright`."""
        moment, days = store.now(), self.settings.server.retention_days
        key, keep = store.new_key(), job.keep and days > 0
        answer = store.Answer(
            id=answer_id,
            at=store.stamp(moment),
            kind=job.kind,
            release=self.settings.release,
            digest=self.settings.digest,
            prompt_digest=store.keyed_digest(job.prompt, key),
            text_digest=store.keyed_digest(text, key),
            key=key,
            prompt=job.prompt,
            text=text,
            template=job.template,
            prompt_tokens=len(job.ids),
            tokens=tokens,
            seconds=round(time.monotonic() - job.began, 3),
            finish_reason=reason,
            expires_at=store.expiry(moment, days),
        )
        receipt = self._receipt(answer, job) if job.receipt else {}
        if self.store is not None:
            erased = replace(answer, key=None, prompt=None, text=None, expires_at=None)
            kept = replace(answer, receipt=json.dumps(receipt["receipt"])) if receipt.get("receipt") else answer
            self.store.add(kept if keep else erased)
        endpoint = "chat" if job.kind == "chat" else "completions"
        self.metrics.duration.labels(endpoint).observe(answer.seconds)
        self.metrics.answers.labels(reason).inc()
        self.metrics.tokens.labels("prompt").inc(answer.prompt_tokens)
        self.metrics.tokens.labels("completion").inc(tokens)
        return self.about(answer_id, job) | receipt

    def about(self, answer_id: str, job: Job) -> dict[str, Any]:
        """Which release answers, by digest, and in which template when it was a conversation."""
        named: dict[str, Any] = {"answer": answer_id, "release": self.settings.release, "digest": self.settings.digest}
        if job.template is not None:
            named["template"] = job.template
        return named | job.standing.told()

    def _receipt(self, answer: store.Answer, job: Job) -> dict[str, Any]:
        maker = self.settings.receipt
        if maker is None:
            return {}
        sampling = {"max_tokens": job.max_tokens, "temperature": job.temperature, "top_p": job.top_p, "seed": job.seed}
        try:
            return {"receipt": maker(answer.statement() | {"parameters": sampling})}
        except ModelwrightError as error:  # the answer is there: say what is missing instead of losing it
            return {"receipt": None, "receipt_error": error.message}


def _render(messages: list[dict[str, str]], engine: Engine) -> chat.Rendered:
    import jinja2

    try:
        return chat.render(messages, engine.tokenizer)
    except jinja2.TemplateError as error:
        raise Refusal(400, f"the model's chat template refuses these messages: {error}", param="messages") from error


def _check_unicode(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Refusal(400, f"character {error.start} of the prompt is half a surrogate pair", param="prompt") from error


def new_id(kind: str) -> str:
    """`chatcmpl-...` or `cmpl-...`, as OpenAI's clients expect."""
    return ("chatcmpl-" if kind == "chat" else "cmpl-") + uuid.uuid4().hex


def as_refusal(error: BaseException) -> Refusal:
    """Any failure while answering, in OpenAI's shape; never a traceback."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, InputError):
        return Refusal(400, error.message, code="invalid_value")
    if isinstance(error, ModelwrightError):
        return Refusal(500, error.message, code=type(error).__name__)
    return Refusal(500, f"the model failed: {type(error).__name__}", code="internal_error")


def model_listing(service: Service) -> Mapping[str, Any]:
    """The body of `/v1/models`: the release, and the names it also answers to."""
    settings = service.settings
    about = {"release": settings.release, "digest": settings.digest, **settings.standing().told()}
    context = service.engine.context_length if service.engine else None
    entries = [
        {"id": name, "object": "model", "created": 0, "owned_by": "modelwright", "max_model_len": context}
        | {"modelwright": about}
        for name in (settings.release, *settings.names)
    ]
    return {"object": "list", "data": entries}
