"""What is checked before a request is read: host, size, key. Plain ASGI, so that disconnects pass through."""

from __future__ import annotations

import hmac
from typing import Any
from urllib.parse import urlsplit

from modelwright.deploy.service import Service
from modelwright.deploy.wire import Refusal

MAX_BODY_BYTES = 4_000_000
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Guard:
    """ASGI middleware: refuses in OpenAI's shape, and counts every request by route and status."""

    def __init__(self, app: Any, service: Service) -> None:
        self.app = app
        self.service = service

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def counting(message: Any) -> None:
            if message["type"] == "http.response.start":
                # Only known routes become labels: a scanner must not grow the figures without end.
                route = getattr(scope.get("route"), "path", "other")
                self.service.metrics.requests.labels(route, str(message["status"])).inc()
            await send(message)

        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            check_host(headers.get("host", ""), self.service.settings.host)
            check_size(scope["method"], headers.get("content-length"))
            if scope["path"].startswith("/v1/"):
                check_key(headers.get("authorization", ""), self.service.settings.api_key)
        except Refusal as refusal:
            from starlette.responses import JSONResponse

            response = JSONResponse(refusal.body, refusal.status, refusal.headers)
            await response(scope, receive, counting)
            return
        await self.app(scope, receive, counting)


def check_key(authorization: str, wanted: str | None) -> None:
    """Raises Refusal 401 unless the key is right; compared in constant time, so that nobody guesses it by letters."""
    if wanted is None:
        return
    kind, _, given = authorization.partition(" ")
    if kind.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), wanted.encode()):
        raise Refusal(401, "the API key is missing or wrong: send `Authorization: Bearer KEY`", code="invalid_api_key")


def check_host(host: str, bound: str) -> None:
    """A server on the loopback answers to loopback names only: a web page must not reach it by a name of its own."""
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        name = None
    if bound in LOOPBACK and name not in LOOPBACK:
        raise Refusal(403, f"this server answers on {bound} only", code="wrong_host")


def check_size(method: str, length: str | None) -> None:
    """Raises Refusal for a body without a length (411) or with too great a one (413)."""
    if method == "POST" and length is None:
        raise Refusal(411, "the request must say its length", code="length_required")
    if length is not None and (not length.isdigit() or int(length) > MAX_BODY_BYTES):
        raise Refusal(413, f"the body is larger than {MAX_BODY_BYTES} bytes", code="too_large")
