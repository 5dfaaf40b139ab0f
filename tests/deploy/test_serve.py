"""Starting and stopping."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from modelwright.core.errors import Busy, InputError, UsageError
from modelwright.deploy.serve import bound, running_server, serve
from modelwright.deploy.service import AppSettings


def test_an_occupied_port_is_said_before_the_model_is_loaded(app_settings: AppSettings, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        # The model does not exist: if it were loaded first, that would be the error.
        settings = replace(app_settings, port=port, model=tmp_path / "nothing")
        with pytest.raises(Busy, match=f"port {port} .* is taken") as caught:
            serve(settings)
    assert "--port" in caught.value.hint


def test_an_address_that_is_not_ours_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="cannot listen on"), bound("203.0.113.1", 0):
        pass
    with pytest.raises(UsageError, match="no port"), bound("127.0.0.1", 70000):
        pass


def test_a_model_that_cannot_be_loaded_ends_the_server(app_settings: AppSettings, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        serve(replace(app_settings, model=tmp_path / "nothing", answers=None))
    with pytest.raises(InputError), running_server(replace(app_settings, model=tmp_path / "nothing", answers=None)):
        pass


def test_after_the_block_the_port_is_free_again(app_settings: AppSettings) -> None:
    with running_server(replace(app_settings, answers=None)) as server:
        assert httpx.get(f"{server.url}/readyz").status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.url}/readyz")
    with bound("127.0.0.1", server.port):
        pass


def test_logging_of_the_process_that_it_runs_in_is_left_alone(app_settings: AppSettings) -> None:
    class OfTheProgram(logging.Handler):
        closed = False

        def close(self) -> None:
            self.closed = True
            super().close()

    handler = OfTheProgram()
    with running_server(replace(app_settings, answers=None)):
        assert not handler.closed


def test_the_blocking_server_ends_cleanly_on_an_interrupt(tiny_model: Path) -> None:
    code = f"""
        from pathlib import Path
        from modelwright.deploy.serve import serve
        from modelwright.deploy.service import AppSettings
        from modelwright.deploy.servers.torch import Torch
        settings = AppSettings("release@1", "00", Path({str(tiny_model)!r}), Torch(threads=1), port=0)
        serve(settings, lambda url: print(url, flush=True))
        print("stopped", flush=True)
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        url = process.stdout.readline().strip()
        answer = httpx.post(f"{url}/v1/completions", json={"model": "release@1", "prompt": "a", "max_tokens": 2})
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert answer.status_code == 200
    assert out.strip() == "stopped"
    assert "Traceback" not in err


def test_until_the_model_is_loaded_the_server_says_so(app_settings: AppSettings) -> None:
    from modelwright.deploy.app import create_app
    from modelwright.deploy.service import Service

    service = Service(replace(app_settings, answers=None))

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(create_app(service))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            body = {"model": "release@1", "prompt": "a"}
            return [await client.get("/readyz"), await client.post("/v1/completions", json=body)]

    ready, answer = asyncio.run(ask())
    service.close()
    assert (ready.status_code, ready.json()["status"]) == (503, "loading")
    assert (answer.status_code, answer.json()["error"]["code"], answer.headers["Retry-After"]) == (503, "loading", "2")
