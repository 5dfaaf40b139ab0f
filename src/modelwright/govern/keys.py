"""Keys of the user: Ed25519, one file each, readable by their owner only.

They live in the user's configuration folder (`$MODELWRIGHT_CONFIG`, else `$XDG_CONFIG_HOME/modelwright`, else
`~/.config/modelwright`) and never in a project: a project is copied and published, a key is not.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from modelwright.core.errors import InputError, StorageError, UnknownName, UsageError
from modelwright.core.storage import storage_error, write_json

DEFAULT = "default"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def folder() -> Path:
    """Where keys lie."""
    if os.environ.get("MODELWRIGHT_CONFIG"):
        return Path(os.environ["MODELWRIGHT_CONFIG"]).expanduser() / "keys"
    base = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(base).expanduser() / "modelwright" / "keys"


def signer(name: str = DEFAULT) -> Any:
    """The signer (`securesystemslib.signer.CryptoSigner`) of the key `name`.

    The key `default` is made on first use, with a notice on stderr; another name must have been made by `create`.
    Raises UnknownName for a key that does not exist, StorageError when others can read its file, InputError when the
    file holds no Ed25519 key.
    """
    path = _private(name)
    if not path.exists():
        if name != DEFAULT:
            raise UnknownName("key", name, names(), where=str(folder()))
        create(name)
    return _load(path)


def create(name: str = DEFAULT) -> str:
    """Make the key `name` and return its key id. A key that is there already is kept, never replaced."""
    from securesystemslib.signer import CryptoSigner

    path = _private(name)
    made = CryptoSigner.generate_ed25519()
    if _write_private(path, made.private_bytes):
        print(f"modelwright: made a signing key, {path} (keep it; `modelwright key` shows it)", file=sys.stderr)
        write_json(path.with_suffix(".pub"), public_of(made))
    return str(_load(path).public_key.keyid)


def names() -> list[str]:
    """Names of the user's own keys."""
    return sorted(path.stem for path in folder().glob("*.pem"))


def keys() -> list[dict[str, Any]]:
    """Every key known here: `{"name", "keyid", "public", "own", "path"}`; a trusted key of someone else is not own."""
    found = [
        {"name": name, "keyid": key.public_key.keyid, **public_of(key), "own": True, "path": str(_private(name))}
        for name in names()
        for key in [_load(_private(name))]
    ]
    for path in sorted((folder() / "trusted").glob("*.pub")):
        public = next(iter(read_keys(path).values()))
        found.append({"name": path.stem, **public, "own": False, "path": str(path)})
    return found


def public_keys() -> dict[str, dict[str, Any]]:
    """Key id -> public key (`{"keyid", "keytype", "scheme", "public"}`) of own and trusted keys. Makes none."""
    fields = ("keyid", "keytype", "scheme", "public")
    return {key["keyid"]: {field: key[field] for field in fields} for key in keys()}


def export(name: str = DEFAULT) -> dict[str, Any]:
    """The public half of `name`, fit for another person's `trust` and for `verify --keys`."""
    return public_of(signer(name))


def trust(name: str, public: Mapping[str, Any]) -> str:
    """Keep someone's public key under `name`; returns its key id. Raises InputError when it is no Ed25519 key."""
    _checked(name)
    plain = dict(check_public(public, where=name))
    write_json(folder() / "trusted" / f"{name}.pub", plain)
    return str(plain["keyid"])


def public_of(signing: Any) -> dict[str, Any]:
    """Plain JSON of a signer's public key."""
    key = signing.public_key
    return {"keyid": key.keyid, "keytype": key.keytype, "scheme": key.scheme, "public": key.keyval["public"]}


def read_keys(path: Path) -> dict[str, dict[str, Any]]:
    """Key id -> public key from a public key file, a list of keys (`keys.json` of a bundle) or a folder of these."""
    found: dict[str, dict[str, Any]] = {}
    for item in sorted([*path.glob("*.pub"), *path.glob("*.json")]) if path.is_dir() else [path]:
        try:
            value = json.loads(item.read_bytes())
        except (OSError, ValueError) as error:
            raise InputError(f"{item} holds no public key: {error}", hint="name a file of public keys") from error
        for public in value if isinstance(value, list) else [value]:
            checked = check_public(public, where=str(item))
            found[checked["keyid"]] = checked
    if not found:
        raise InputError(f"{path} holds no public key", hint="name a file of public keys", value=str(path))
    return found


def check_public(value: Any, *, where: str) -> dict[str, Any]:
    """`value` when it is an Ed25519 public key whose key id is its own. Raises InputError."""
    fields = ("keyid", "keytype", "scheme", "public")
    fits = isinstance(value, Mapping) and all(isinstance(value.get(field), str) for field in fields)
    if not fits or value["keytype"] != "ed25519" or not re.fullmatch("[0-9a-f]{64}", value["public"]):
        raise InputError(f"{where} holds no Ed25519 public key", hint="`modelwright key` names its `.pub` file")
    # The id is a digest of the key: without this test a key could pose under another one's id.
    if value["keyid"] != key_id(value["public"]):
        raise InputError(f"the key id in {where} does not belong to its key", value=value["keyid"])
    return {field: value[field] for field in fields}


def key_id(public: str) -> str:
    """Key id of an Ed25519 public key (hex), as securesystemslib computes it."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from securesystemslib.signer import SSlibKey

    return str(SSlibKey.from_crypto(Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))).keyid)


def verifiers(public: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Key id -> securesystemslib key objects, for `statements.verify`."""
    from securesystemslib.signer import SSlibKey

    return {
        key["keyid"]: SSlibKey(key["keyid"], key["keytype"], key["scheme"], {"public": key["public"]}) for key in public
    }


def _private(name: str) -> Path:
    return folder() / f"{_checked(name)}.pem"


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} cannot name a key", hint="letters, digits, `-`, `_` and `.`", value=name)
    return name


def _load(path: Path) -> Any:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from securesystemslib.signer import CryptoSigner

    try:
        mode = path.stat().st_mode & 0o777
        if mode & 0o077:
            raise StorageError(
                f"others can read the signing key {path} (mode {mode:04o})",
                hint=f"chmod 600 {path}; if someone may have read it, remove it and make another",
                value=str(path),
            )
        data = path.read_bytes()
    except OSError as error:
        raise storage_error(error, path) from error
    try:
        private = load_pem_private_key(data, None)
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{path} holds no private key: {error}", hint="restore it from a backup, or remove it"
        ) from error
    if not isinstance(private, Ed25519PrivateKey):
        raise InputError(f"{path} holds a {type(private).__name__}, not an Ed25519 key", value=str(path))
    return CryptoSigner(private)


def _write_private(path: Path, data: bytes) -> bool:
    """Write with mode 0600; False when the key exists. Two processes at first use agree on one key: link is atomic."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.parent.chmod(0o700)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as stream:
            os.fchmod(stream.fileno(), 0o600)
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        finally:
            os.unlink(temporary)
    except OSError as error:
        raise storage_error(error, path) from error
    return True
