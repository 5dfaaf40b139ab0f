"""The official client of OpenAI against a real server on the loopback."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from tune.tiny import CONTEXT, make_model

from modelwright.deploy.serve import Running, running_server
from modelwright.deploy.server import Server
from modelwright.deploy.service import AppSettings
from modelwright.formats.answers import Answers, keyed_digest
from modelwright.formats.chat import PLAIN


@pytest.fixture
def client(running: Running) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{running.url}/v1", api_key="none", max_retries=0) as client:
        yield client


def complete(client: openai.OpenAI, **more: Any) -> Any:
    return client.completions.create(**{"model": "release@1", "prompt": "Hello", "temperature": 0} | more)


def test_the_model_is_listed_under_its_release_and_its_names(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["release@1", "handbook"]
    assert client.models.retrieve("handbook").id == "handbook"


def test_a_completion_names_release_digest_and_answer(client: openai.OpenAI, running: Running) -> None:
    raw = client.completions.with_raw_response.create(model="handbook", prompt="Hello", max_tokens=5, temperature=0)
    answer = raw.parse()
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == 6  # end-of-text and five bytes
    assert 1 <= answer.usage.completion_tokens <= 5
    about = answer.model_dump()["modelwright"]
    assert about == {"answer": answer.id, "release": "release@1", "digest": "ab" * 32}
    assert raw.headers["x-modelwright-answer"] == answer.id
    assert raw.headers["x-modelwright-release"] == "release@1"
    assert raw.headers["x-modelwright-digest"] == "ab" * 32


def test_at_temperature_zero_the_same_prompt_has_the_same_answer(client: openai.OpenAI) -> None:
    assert complete(client).choices[0].text == complete(client).choices[0].text


def test_a_seed_makes_a_sampled_answer_repeatable(client: openai.OpenAI) -> None:
    texts = [complete(client, temperature=1.0, seed=seed, max_tokens=20).choices[0].text for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_streamed_text_equals_the_whole_answer_and_usage_comes_last(client: openai.OpenAI) -> None:
    whole = complete(client, max_tokens=20)
    chunks = list(complete(client, max_tokens=20, stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].text for chunk in chunks if chunk.choices) == whole.choices[0].text
    assert chunks[-1].usage == whole.usage
    assert chunks[-2].choices[0].finish_reason == whole.choices[0].finish_reason
    assert {chunk.model_dump()["modelwright"]["release"] for chunk in chunks} == {"release@1"}


def test_a_stop_sequence_ends_the_answer_and_is_not_part_of_it(client: openai.OpenAI) -> None:
    text = complete(client, max_tokens=20).choices[0].text
    assert len(text) > 3
    stop = text[2:4]
    choice = complete(client, max_tokens=20, stop=[stop]).choices[0]
    assert choice.text == text[: text.index(stop)]
    assert choice.finish_reason == "stop"


def test_a_long_answer_ends_with_length(client: openai.OpenAI) -> None:
    answer = complete(client, max_tokens=3)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 3


def test_token_ids_are_a_prompt_too(client: openai.OpenAI, running: Running) -> None:
    ids = running.service.engine.encode("Hello")  # type: ignore[union-attr]
    assert complete(client, prompt=ids).choices[0].text == complete(client).choices[0].text


def test_a_chat_uses_the_plain_template_and_says_so(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(
        model="release@1", messages=[{"role": "user", "content": "Hi"}], max_completion_tokens=6, temperature=0
    )
    assert answer.choices[0].message.role == "assistant"
    assert answer.model_dump()["modelwright"]["template"] == PLAIN
    plain = complete(client, prompt="### User\nHi\n\n### Assistant\n", max_tokens=6)
    assert answer.choices[0].message.content == plain.choices[0].text


def test_a_chat_streams_its_role_first(client: openai.OpenAI) -> None:
    asked: dict[str, Any] = {"model": "release@1", "messages": [{"role": "user", "content": "Hi"}], "temperature": 0}
    chunks = list(client.chat.completions.create(**asked, max_tokens=6, stream=True))
    whole = client.chat.completions.create(**asked, max_tokens=6)
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == whole.choices[0].message.content
    assert chunks[-1].choices[0].finish_reason == whole.choices[0].finish_reason


def test_a_model_with_its_own_template_answers_in_it(app_settings: AppSettings, tmp_path: Path) -> None:
    template = "{% for m in messages %}[{{ m.role }}]{{ m.content }}<|endoftext|>{% endfor %}[assistant]"
    settings = replace(app_settings, model=make_model(tmp_path / "model", chat_template=template), answers=None)
    with running_server(settings) as server, openai.OpenAI(base_url=f"{server.url}/v1", api_key="x") as client:
        answer = client.chat.completions.create(model="release@1", messages=[{"role": "user", "content": "Hi"}])
    assert answer.model_dump()["modelwright"]["template"] == "model"
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == len("[user]Hi") + 1 + len("[assistant]")  # the special token is one token


def test_the_answer_is_kept_and_its_receipt_speaks_of_it(client: openai.OpenAI, app_settings: AppSettings) -> None:
    answer = complete(client, extra_body={"modelwright": {"receipt": True}})
    about = answer.model_dump()["modelwright"]
    assert app_settings.answers is not None
    with Answers(app_settings.answers) as store:
        kept = store.get(answer.id)
    assert kept is not None
    assert (kept.prompt, kept.text, kept.digest) == ("Hello", answer.choices[0].text, "ab" * 32)
    assert kept.key is not None
    assert kept.text_digest == keyed_digest(answer.choices[0].text, kept.key)
    said = about["receipt"]["says"]
    assert said["parameters"]["temperature"] == 0
    assert said == kept.statement() | {"parameters": said["parameters"]}
    assert json.loads(kept.receipt or "") == about["receipt"]


def test_a_receipt_may_be_asked_for_by_header_and_comes_at_the_end_of_a_stream(client: openai.OpenAI) -> None:
    chunks = list(complete(client, stream=True, extra_headers={"X-Modelwright-Receipt": "1"}))
    assert chunks[-1].model_dump()["modelwright"]["receipt"]["says"]["id"] == chunks[0].id


def test_without_consent_only_digests_are_kept(client: openai.OpenAI, app_settings: AppSettings) -> None:
    answer = complete(client, extra_body={"store": False})
    assert app_settings.answers is not None
    with Answers(app_settings.answers) as store:
        kept = store.get(answer.id)
    assert kept is not None
    assert (kept.prompt, kept.text, kept.key) == (None, None, None)
    assert kept.prompt_digest


BAD = [
    ({"model": "gpt-9"}, 404, "model_not_found", "model"),
    ({"prompt": "x" * CONTEXT}, 400, "context_length_exceeded", "prompt"),
    ({"prompt": 7}, 400, "invalid_value", "prompt"),
    ({"prompt": ["a", "b"]}, 400, None, "prompt"),
    ({"prompt": [999_999]}, 400, None, "prompt"),
    ({"prompt": "\ud800"}, 400, None, "prompt"),
    ({"max_tokens": "5"}, 400, "invalid_value", "max_tokens"),
    ({"max_tokens": 0}, 400, "invalid_value", "max_tokens"),
    ({"temperature": 3}, 400, "invalid_value", "temperature"),
    ({"n": 2}, 400, "unsupported_value", "n"),
    ({"logprobs": 3}, 400, "unsupported_value", "logprobs"),
    ({"stop": [""]}, 400, None, "stop"),
    ({"max_token": 5}, 400, "unknown_parameter", "max_token"),
    ({"modelwright": {"recipt": True}}, 400, "invalid_value", "modelwright.recipt"),
]


@pytest.mark.parametrize(("change", "status", "code", "param"), BAD)
def test_bad_input_is_refused_in_the_shape_that_the_client_knows(
    running: Running, change: dict[str, Any], status: int, code: str | None, param: str
) -> None:
    body = {"model": "release@1", "prompt": "Hello"} | change
    content = json.dumps(body)
    response = httpx.post(
        f"{running.url}/v1/completions", content=content, headers={"Content-Type": "application/json"}
    )
    assert response.status_code == status
    error = response.json()["error"]
    assert (error["code"], error["param"], error["type"]) == (code, param, "invalid_request_error")
    assert error["message"]


def test_the_client_raises_its_own_errors(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        complete(client, model="gpt-9")
    with pytest.raises(openai.BadRequestError, match="context is 96"):
        complete(client, prompt="x" * 500)
    with pytest.raises(openai.BadRequestError, match="did you mean max_tokens"):
        complete(client, extra_body={"max_token": 5})


def test_what_is_no_json_or_no_route_is_refused(running: Running) -> None:
    headers = {"Content-Type": "application/json"}
    broken = httpx.post(f"{running.url}/v1/completions", content=b"{", headers=headers)
    assert (broken.status_code, broken.json()["error"]["code"]) == (400, "invalid_json")
    assert httpx.post(f"{running.url}/v1/completions", content=b"", headers=headers).status_code == 400
    assert httpx.get(f"{running.url}/v1/nothing").status_code == 404
    assert httpx.get(f"{running.url}/v1/completions").json()["error"]["type"] == "invalid_request_error"
    large = httpx.post(f"{running.url}/v1/completions", content=b" " * 4_000_001, headers=headers)
    assert large.status_code == 413


def test_a_web_page_cannot_reach_the_loopback_by_a_name_of_its_own(running: Running) -> None:
    response = httpx.get(f"{running.url}/v1/models", headers={"Host": "evil.example"})
    assert (response.status_code, response.json()["error"]["code"]) == (403, "wrong_host")


def test_health_readiness_and_figures(running: Running, client: openai.OpenAI) -> None:
    complete(client)
    assert httpx.get(f"{running.url}/healthz").json() == {"status": "ok"}
    assert httpx.get(f"{running.url}/readyz").json()["release"] == "release@1"
    figures = httpx.get(f"{running.url}/metrics").text
    assert 'fm_requests_total{endpoint="/v1/completions",status="200"}' in figures
    assert 'fm_tokens_total{kind="completion"}' in figures
    assert f'fm_release_info{{digest="{"ab" * 32}",release="release@1"}} 1.0' in figures


def test_an_api_key_is_required_when_there_is_one(app_settings: AppSettings) -> None:
    with running_server(replace(app_settings, api_key="s3cret", answers=None)) as server:
        wrong = openai.OpenAI(base_url=f"{server.url}/v1", api_key="wrong", max_retries=0)
        with wrong as client, pytest.raises(openai.AuthenticationError):
            client.models.list()
        with openai.OpenAI(base_url=f"{server.url}/v1", api_key="s3cret", max_retries=0) as client:
            assert complete(client).choices[0].text is not None
        assert httpx.get(f"{server.url}/healthz").status_code == 200
        assert httpx.post(f"{server.url}/v1/completions", json={}).status_code == 401


@dataclass(frozen=True)
class Word:
    text: str
    tokens: int = 1
    finish_reason: str | None = None


class SlowEngine:
    """Words at the pace that the test allows, so that what waits can be counted."""

    context_length = 64
    tokenizer = None

    def __init__(self) -> None:
        self.go = threading.Event()
        self.begun = threading.Event()
        self.ended = 0

    def encode(self, text: str, *, templated: bool = False) -> list[int]:
        return list(text.encode())

    def generate(self, prompt_ids: Sequence[int], **more: Any) -> Iterator[Word]:
        try:
            self.begun.set()
            for _ in range(1000):
                yield Word("word ")
                if self.go.wait(0.01):
                    break
            yield Word("end", finish_reason="stop")
        finally:
            self.ended += 1


class Slow(Server):
    waiting: int = 1

    def open(self, model: Path, adapter: Path | None, device: str) -> Any:
        return SlowEngine()


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[tuple[Running, SlowEngine]]:
    settings = AppSettings(release="release@1", digest="cd" * 32, model=tmp_path, server=Slow(), port=0)
    with running_server(settings) as server:
        engine: Any = server.service.engine
        yield server, engine
        engine.go.set()


def test_one_more_than_may_wait_is_told_when_to_come_back(slow: tuple[Running, SlowEngine]) -> None:
    server, engine = slow
    body = {"model": "release@1", "prompt": "Hello"}
    replies: list[int] = []

    def ask() -> None:
        replies.append(httpx.post(f"{server.url}/v1/completions", json=body, timeout=30).status_code)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert engine.begun.wait(10)
    wait_until(lambda: "fm_requests_waiting 1.0" in httpx.get(f"{server.url}/metrics").text)
    full = httpx.post(f"{server.url}/v1/completions", json=body)
    assert full.status_code == 429
    assert int(full.headers["Retry-After"]) >= 1
    assert full.json()["error"]["type"] == "rate_limit_error"
    engine.go.set()
    for thread in threads:
        thread.join(30)
    assert replies == [200, 200]
    assert httpx.post(f"{server.url}/v1/completions", json=body).status_code == 200


@pytest.mark.parametrize("stream", [True, False])
def test_a_caller_who_leaves_gives_the_turn_back(slow: tuple[Running, SlowEngine], stream: bool) -> None:
    server, engine = slow
    content = json.dumps({"model": "release@1", "prompt": "Hello", "stream": stream}).encode()
    head = "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    head += f"Content-Length: {len(content)}"
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head.encode() + b"\r\n\r\n" + content)
        assert engine.begun.wait(10)
    wait_until(lambda: engine.ended == 1)
    wait_until(lambda: "fm_requests_running 0.0" in httpx.get(f"{server.url}/metrics").text)
    engine.go.set()
    answer = httpx.post(f"{server.url}/v1/completions", json={"model": "release@1", "prompt": "Hello"})
    assert answer.json()["choices"][0]["text"] == "word end"


def wait_until(holds: Any, seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
