"""A release answers: over HTTP, or once from the command line. Receipts are made here, from the ledger."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelwright.core.context import Artifact
from modelwright.core.errors import IntegrityError, ModelwrightError, Refused, UsageError
from modelwright.govern import carriers, takedowns
from modelwright.govern.receipts import receipt_maker
from modelwright.govern.records import Records
from modelwright.project import carrying, lookup
from modelwright.project.carrying import Warn
from modelwright.project.home import means
from modelwright.project.schema import Project

if TYPE_CHECKING:
    from modelwright.deploy.serve import Running
    from modelwright.deploy.service import AppSettings, Standing

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Subject:
    """What answers: its name and digest, and the folders it is loaded from."""

    artifact: Artifact
    model: Path
    adapter: Path | None


def subject_of(records: Records, artifact: Artifact) -> Subject:
    """The folders behind a release, adapter, model or export. Raises IntegrityError when one is gone."""
    known = records.by_ref()
    model, adapter = artifact, None
    if artifact.kind == "release":
        model = known[artifact.facts["model"]["ref"]]
        adapter = known[artifact.facts["adapter"]["ref"]] if artifact.facts.get("adapter") else None
    elif artifact.kind == "adapter":
        model, adapter = known[next(p["ref"] for p in artifact.parents if p["role"] == "model")], artifact
    elif artifact.kind not in ("model", "export"):
        raise UsageError(f"{artifact.ref} cannot answer", hint="name a release, adapter, model or export")
    for part in (model, adapter):
        if part is not None and not part.path.is_dir():
            raise IntegrityError(f"the files of {part.ref} are gone", hint="`modelwright run` makes them again")
    return Subject(artifact, model.path, adapter.path if adapter else None)


def app_settings(
    project: Project,
    records: Records,
    artifact: Artifact,
    host: str | None,
    port: int | None,
    standing: Callable[[], Standing],
) -> AppSettings:
    """What the server needs to know, from the project file and the ledger."""
    from modelwright.deploy.service import AppSettings

    subject = subject_of(records, artifact)
    run = project.settings.run
    return AppSettings(
        release=subject.artifact.ref,
        digest=subject.artifact.digest,
        model=subject.model,
        adapter=subject.adapter,
        server=_server(project),
        names=tuple(sorted({subject.artifact.kind, project.settings.name, *records.tags_of(subject.artifact.ref)})),
        device=means(project).device,
        host=host or run.host,
        port=run.port if port is None else port,
        api_key=run.api_key.reveal() if run.api_key else None,
        answers=project.home / "answers.db",
        receipt=receipt_maker(records, subject.artifact.ref),
        standing=standing,
    )


def _server(project: Project) -> Any:
    from modelwright.deploy.settings import DeploySettings

    return (project.settings.deploy or DeploySettings()).server


def serve(
    project: Project,
    records: Records,
    reference: str,
    host: str | None,
    port: int | None,
    announce: Callable[[str], None],
    yes: int | None = None,
    warn: Warn | None = None,
) -> None:
    """Answer until interrupted; the deployment is put on record. Raises Refused as `carrying.permitted` does."""
    from modelwright.deploy.serve import serve as answer

    settings = _permitted(project, records, reference, host, port, yes, warn)

    def ready(url: str) -> None:
        record_deployment(records, settings, url)
        announce(url)

    answer(settings, ready)


def _permitted(
    project: Project,
    records: Records,
    reference: str,
    host: str | None,
    port: int | None,
    yes: int | None,
    warn: Warn | None,
) -> AppSettings:
    artifact = lookup.find(project, records, reference)
    return app_settings(project, records, artifact, host, port, Watch(project, records, artifact, yes, warn))


class Watch:
    """The standing of what is served: refused or told at the start as `carrying.permitted` does, then whenever a
    takedown came to the ledger, by whatever process. While the ledger cannot be read, what was known last holds, and
    the log says so."""

    def __init__(
        self, project: Project, records: Records, artifact: Artifact, yes: int | None, warn: Warn | None
    ) -> None:
        from modelwright.deploy.service import Standing

        self._known = project, records, artifact, yes, warn
        self._read = len(records.entries)
        self._standing = Standing(tuple(carrying.permitted(project, records, artifact, "served", yes, warn)))
        self._lock, self._blind = threading.Lock(), False

    def __call__(self) -> Standing:
        records = self._known[1]
        with self._lock:
            try:
                records.refresh()
                came, self._read = records.entries[self._read :], len(records.entries)
                if any(entry.kind == takedowns.KIND for entry in came):
                    self._standing = self._now()
                self._blind = False
            except ModelwrightError as error:
                if not self._blind:
                    log.warning("whether a takedown came is not known: %s", error.message)
                self._blind = True
            return self._standing

    def _now(self) -> Standing:
        from modelwright.deploy.service import Standing

        project, records, artifact, yes, warn = self._known
        carried = tuple(item.takedown for item in carriers.carried(records, artifact.ref))
        if carried == self._standing.taken_down:
            return self._standing
        try:
            carrying.permitted(project, records, artifact, "served", yes, warn)
        except Refused as error:
            log.warning("%s any more. %s", error.message, error.hint)
            names = ", ".join(carried)  # callers need not know who asked for it, nor why
            return Standing(carried, f"{artifact.ref} still carries what was taken down ({names}): it answers no more")
        return Standing(carried)


@contextmanager
def running(
    project: Project,
    records: Records,
    reference: str,
    port: int = 0,
    yes: int | None = None,
    warn: Warn | None = None,
) -> Iterator[Running]:
    """A server on loopback for the time of a block. Raises Refused as `carrying.permitted` does."""
    from modelwright.deploy.serve import running_server

    settings = _permitted(project, records, reference, "127.0.0.1", port, yes, warn)
    with running_server(settings) as server:
        record_deployment(records, settings, server.url)
        yield server


def record_deployment(records: Records, settings: AppSettings, url: str) -> None:
    """Where a release answers is a fact of governance."""
    subject = [{"name": settings.release, "digest": settings.digest}]
    known = settings.standing().told()
    records.append(
        "deployment", subject, {"artifact": settings.release, "url": url, "device": settings.device, **known}
    )


def ask(
    project: Project,
    records: Records,
    prompt: str,
    reference: str,
    max_tokens: int = 64,
    temperature: float = 0.0,
    warn: Warn | None = None,
) -> dict[str, Any]:
    """One answer without a server, kept in the store of answers like any other. What was taken down is told and refuses
    nothing: whoever looks into what a model still says of it has to ask."""
    from modelwright.deploy.serve import running_server
    from modelwright.deploy.service import Standing
    from modelwright.engines import http

    artifact = lookup.find(project, records, reference)
    taken_down = carrying.told(records, artifact, warn)
    settings = app_settings(project, records, artifact, "127.0.0.1", 0, lambda: Standing(tuple(taken_down)))
    began = time.monotonic()
    with running_server(settings) as server:
        body = {"model": settings.release, "prompt": prompt, "max_tokens": max_tokens, "temperature": temperature}
        headers = {"Authorization": f"Bearer {settings.api_key}"} if settings.api_key else {}
        answer = http.post(f"{server.url}/v1/completions", body, headers)
    return {
        "id": answer["id"],
        "text": answer["choices"][0]["text"],
        "model": settings.release,
        "digest": settings.digest,
        "tokens": answer["usage"]["completion_tokens"],
        "seconds": round(time.monotonic() - began, 3),
        **({"taken_down": taken_down} if taken_down else {}),
    }
