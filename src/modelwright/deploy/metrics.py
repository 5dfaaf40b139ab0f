"""Figures for Prometheus, in a registry of their own."""

from __future__ import annotations

from typing import Any


class Metrics:
    """Counters and gauges named `fm_*`; `text()` is the body of `/metrics`."""

    def __init__(self, release: str, digest: str) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        self.registry: Any = CollectorRegistry()
        seconds = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
        self.requests = Counter(
            "fm_requests", "Requests by endpoint and HTTP status.", ["endpoint", "status"], registry=self.registry
        )
        self.tokens = Counter("fm_tokens", "Tokens by kind: prompt or completion.", ["kind"], registry=self.registry)
        self.answers = Counter(
            "fm_answers", "Answers by the reason that they ended.", ["finish_reason"], registry=self.registry
        )
        self.duration = Histogram(
            "fm_request_duration_seconds",
            "Time from a request to its last token.",
            ["endpoint"],
            buckets=seconds,
            registry=self.registry,
        )
        self.first_token = Histogram(
            "fm_time_to_first_token_seconds",
            "Time from a request to its first text.",
            buckets=seconds,
            registry=self.registry,
        )
        self.waiting = Gauge("fm_requests_waiting", "Requests that wait for their turn.", registry=self.registry)
        self.running = Gauge("fm_requests_running", "Requests that are being answered.", registry=self.registry)
        information = Gauge(
            "fm_release_info", "The release that answers.", ["release", "digest"], registry=self.registry
        )
        information.labels(release, digest).set(1)

    def text(self) -> tuple[bytes, str]:
        """Body and content type."""
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        return generate_latest(self.registry), CONTENT_TYPE_LATEST
