"""The base of what may stand in place of a finding: a file `prepare/styles/<name>.py`, or a plugin of a project."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import Field

from modelwright.core.errors import UsageError
from modelwright.core.spec import Options, Secret
from modelwright.core.storage import storage_error

KEY_BYTES = 32


class Part(NamedTuple):
    """The bytes of a finding, its kind, and the document that it stands in."""

    text: bytes
    kind: str
    document: str


Replace = Callable[[Part], bytes]


class Style(Options):
    """What stands in place of a finding. Derive, and write `replace`; options are pydantic fields."""

    def replace(self, part: Part) -> bytes:
        """The bytes that stand in place of `part.text`. The same part gives the same bytes."""
        raise NotImplementedError(f"{type(self).__name__} defines no replace()")

    def ready(self, project: Path) -> Replace:
        """The function that replaces, made once a run: here a style reads its key."""
        return self.replace

    def meaning(self, project: Path) -> str:
        """What replacements depend on besides options and code, such as a key (its digest, never itself)."""
        return ""


class KeyedStyle(Style):
    """A style whose values follow from a secret key, so that nobody without it can try out what they stand for."""

    consistent: Literal["document", "project"] = Field(
        default="project", description="where the same value gets the same replacement"
    )
    key: Secret | None = Field(
        default=None, description="`${env:NAME}`; left out: a key made for this project in your configuration folder"
    )

    def keyed(self, part: Part, key: bytes) -> bytes:
        """The bytes that stand in place of `part.text`, by `digest(part, key)`."""
        raise NotImplementedError(f"{type(self).__name__} defines no keyed()")

    def digest(self, part: Part, key: bytes) -> str:
        """32 hexadecimal digits of keyed BLAKE2b over kind and normalised value, and the document where it counts."""
        where = part.document if self.consistent == "document" else ""
        value = b"\0".join((part.kind.encode(), where.encode(), normalised(part)))
        return hashlib.blake2b(value, key=key, digest_size=16).hexdigest()

    def ready(self, project: Path) -> Replace:
        """Raises StorageError when the project's key cannot be made or read, UsageError for a key under 16 bytes."""
        key = self._key(project)
        return lambda part: self.keyed(part, key)

    def meaning(self, project: Path) -> str:
        """What the key makes of nothing; raises what `ready` raises."""
        return hashlib.blake2b(b"", key=self._key(project), digest_size=16).hexdigest()

    def _key(self, project: Path) -> bytes:
        if self.key is None:
            return project_key(project)
        given = self.key.reveal().encode("utf-8")
        if len(given) < 16:
            raise UsageError(f"the key {self.key} is shorter than 16 bytes", hint="openssl rand -hex 32")
        return hashlib.blake2b(given, digest_size=KEY_BYTES, person=b"pseudonyms").digest()


def normalised(part: Part) -> bytes:
    """The value without what may differ between two ways of writing it: case and, in numbers, separators."""
    text = part.text.decode("utf-8", "replace").casefold()
    if part.kind in ("card", "phone", "iban", "ssn", "passport", "national_id", "mac"):
        text = "".join(letter for letter in text if letter.isalnum())
    return " ".join(text.split()).encode("utf-8")


def project_key(project: Path) -> bytes:
    """The key of the project's pseudonyms, made at first use: 32 bytes, readable by their owner only.

    It lies in the user's configuration folder (as keys for signing do), by the digest of the project's path, and never
    in the project: a project is copied and published, a key is not.
    """
    base = os.environ.get("MODELWRIGHT_CONFIG") or f"{os.environ.get('XDG_CONFIG_HOME') or '~/.config'}/modelwright"
    name = hashlib.sha256(str(project.resolve()).encode("utf-8")).hexdigest()[:32]
    path = Path(base).expanduser() / "pseudonyms" / f"{name}.key"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            temporary = path.with_name(f".{name}.{os.getpid()}")
            temporary.touch(mode=0o600)
            temporary.write_bytes(secrets.token_bytes(KEY_BYTES))
            try:
                os.link(temporary, path)  # two processes at first use agree on one key: link is atomic
            except FileExistsError:
                pass
            finally:
                temporary.unlink()
        return path.read_bytes()
    except OSError as error:
        raise storage_error(error, path) from error
