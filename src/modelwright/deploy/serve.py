"""Run the server: the address first, then the model, then answers; stopped cleanly."""

from __future__ import annotations

import contextlib
import errno
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from modelwright.core.errors import Busy, ModelwrightError, UsageError
from modelwright.deploy.service import AppSettings, Service

GRACE_SECONDS = 5
"""An answer that is being written has this long when the server is told to stop."""


@dataclass(frozen=True)
class Running:
    """A server that answers: `url` without a trailing slash, to which `/v1` is added for OpenAI's client."""

    url: str
    port: int
    service: Service


def serve(settings: AppSettings, announce: Callable[[str], None] = lambda url: None) -> None:
    """Answer until interrupted. `announce(url)` is called once the model is loaded.

    Raises Busy when the port is taken (before the model is loaded), InputError when the model cannot be loaded.
    """
    with bound(settings.host, settings.port) as listener:
        service = Service(settings)
        server = _uvicorn(service)
        failed: list[BaseException] = []

        def load() -> None:
            try:
                service.load()
                announce(url_of(settings.host, listener))
            except BaseException as error:
                failed.append(error)
                server.should_exit = True

        loader = threading.Thread(target=load, name="modelwright-load", daemon=True)
        try:
            loader.start()
            with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises it again after it has shut down
                server.run(sockets=[listener])
        finally:
            service.close()
    if failed:
        raise failed[0]


@contextlib.contextmanager
def running_server(settings: AppSettings, timeout_seconds: float = 120) -> Iterator[Running]:
    """A server in a thread of this process, ready when the block begins and gone when it ends. Port 0: any free one.

    Raises what `serve` raises.
    """
    with bound(settings.host, settings.port) as listener:
        service = Service(settings)
        server = _uvicorn(service)
        thread = threading.Thread(target=lambda: server.run(sockets=[listener]), name="modelwright-serve", daemon=True)
        try:
            service.load()
            thread.start()
            deadline = time.monotonic() + timeout_seconds
            while not server.started:
                if not thread.is_alive() or time.monotonic() > deadline:
                    raise ModelwrightError("the server did not start", hint="look at the messages above")
                time.sleep(0.01)
            yield Running(url_of(settings.host, listener), int(listener.getsockname()[1]), service)
        finally:
            server.should_exit = True
            if thread.is_alive():
                thread.join(timeout=GRACE_SECONDS + 10)
            service.close()


def _uvicorn(service: Service) -> Any:
    import uvicorn

    from modelwright.deploy.app import create_app

    config = uvicorn.Config(
        create_app(service),
        log_config=None,  # uvicorn's own closes every logging handler of the process, and absl's closes stderr with it
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        lifespan="off",
        loop="asyncio",
        http="h11",
        ws="none",
    )
    return uvicorn.Server(config)


@contextlib.contextmanager
def bound(host: str, port: int) -> Iterator[socket.socket]:
    """A listening socket. Raises Busy for a port that is taken, UsageError for an address that cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(128)
        except OSError as error:
            raise _address_error(error, host, port) from error
        except OverflowError as error:
            raise UsageError(f"{port} is no port", hint="a port is a number from 0 to 65535", value=port) from error
        yield listener


def _address_error(error: OSError, host: str, port: int) -> ModelwrightError:
    if error.errno == errno.EADDRINUSE:
        return Busy(
            f"port {port} on {host} is taken by another program",
            hint=f"stop that program, or choose another port: --port {port + 1 if port < 65535 else port - 1}",
            value=port,
        )
    if error.errno == errno.EACCES:
        return UsageError(f"port {port} needs more rights", hint="choose a port above 1023", value=port)
    return UsageError(f"cannot listen on {host}: {error.strerror or error}", hint="127.0.0.1 always works", value=host)


def url_of(host: str, listener: socket.socket) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listener.getsockname()[1]}"
