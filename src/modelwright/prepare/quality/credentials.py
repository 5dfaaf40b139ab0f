"""How well secrets are found: values made by public formats and planted in code, and hits on the code as it was."""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable, Iterator, Sequence

from modelwright.measure.statistics import wilson
from modelwright.prepare.quality.base import Figure, Labelled, Mistake
from modelwright.prepare.quality.personal_data import per_megabyte

DETECTOR = "secrets"
VALUES_A_FORMAT = 20
_LETTERS = string.ascii_letters + string.digits
_CODE_BYTES = 5_000_000


def _token(prefix: str, size: int, alphabet: str = _LETTERS) -> Callable[[random.Random], str]:
    return lambda chance: prefix + "".join(chance.choices(alphabet, k=size))


def _web_token(chance: random.Random) -> str:
    def part(value: bytes) -> str:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    head = json.dumps({"alg": "HS256", "typ": "JWT"}).encode()
    body = json.dumps({"sub": str(chance.randrange(10**9)), "iat": chance.randrange(10**9)}).encode()
    return ".".join((part(head), part(body), part(chance.randbytes(32))))


def _private_key(chance: random.Random) -> str:
    kind = chance.choice(("RSA ", "EC ", "OPENSSH ", ""))
    body = base64.b64encode(chance.randbytes(600)).decode()
    lines = "\n".join(body[first : first + 64] for first in range(0, len(body), 64))
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{lines}\n-----END {kind}PRIVATE KEY-----"


def _login(chance: random.Random) -> str:
    scheme = chance.choice(("postgres", "mysql", "mongodb+srv", "https", "redis", "amqp"))
    word = "".join(chance.choices(_LETTERS, k=chance.randrange(8, 20)))
    return f"{scheme}://{chance.choice(('app', 'svc', 'worker'))}:{word}@db{chance.randrange(90)}.internal:5432/main"


def _slack(chance: random.Random) -> str:
    numbers = "-".join("".join(chance.choices(string.digits, k=12)) for _ in range(2))
    return f"xox{chance.choice('bp')}-{numbers}-{''.join(chance.choices(_LETTERS, k=24))}"


_HEX = "0123456789abcdef"
FORMATS: dict[str, Callable[[random.Random], str]] = {
    "AWS access key": _token("AKIA", 16, string.ascii_uppercase + "234567"),
    "AWS secret key": _token("", 40, _LETTERS + "+/"),
    "GitHub": _token("ghp_", 36),
    "GitLab": _token("glpat-", 20, _LETTERS + "-_"),
    "Slack": _slack,
    "Stripe": _token("sk_live_", 24),
    "Google": _token("AIza", 35, _LETTERS + "-_"),
    "SendGrid": lambda chance: f"SG.{_token('', 22)(chance)}.{_token('', 43)(chance)}",
    "npm": _token("npm_", 36),
    "PyPI": _token("pypi-AgEIcHlwaS5vcmc", 120, _LETTERS + "-_"),
    "Hugging Face": _token("hf_", 34),
    "OpenAI": _token("sk-proj-", 48),
    "Telegram": lambda chance: f"{chance.randrange(10**8, 10**10)}:AA{_token('', 33, _LETTERS + '-_')(chance)}",
    "Twilio": _token("SK", 32, _HEX),
    "Azure storage": lambda chance: "AccountKey=" + base64.b64encode(chance.randbytes(64)).decode(),
    "JSON web token": _web_token,
    "private key": _private_key,
    "URL with password": _login,
    "hexadecimal API key": _token("", 32, _HEX),
    "mixed API key": _token("", 32),
}
"""Name -> maker. The values are drawn at random and never were anyone's."""
_NAMES = {"AWS secret key": "aws_secret_access_key"}
_LINES = ('{name} = "{value}"', "{name}: '{value}'", 'const {name} = "{value}";', 'export {name}="{value}"')


def planted(texts: Sequence[str], seed: int = 0) -> Iterator[tuple[str, str, int, int]]:
    """(format, text, start, end): each value on a line of its own between two lines of one of the texts; bytes."""
    chance = random.Random(seed)
    for name, make in FORMATS.items():
        for _ in range(VALUES_A_FORMAT):
            lines = chance.choice(texts).split("\n")[:200]
            value = make(chance)
            line = chance.choice(_LINES).format(name=_NAMES.get(name, "api_key"), value=value)
            place = chance.randrange(len(lines) + 1)
            before = "\n".join([*lines[:place], line[: line.index(value)]])
            start = len(before.encode())
            yield name, "\n".join([*lines[:place], line, *lines[place:]]), start, start + len(value)


def evaluate(labelled: Labelled) -> Iterator[Figure | Mistake]:
    """Planted values found, and hits on clean code; needs code_labelled."""
    if not labelled.has("code_labelled"):
        return
    texts = [str(row["text"]) for row in labelled.rows("code_labelled") if "\0" not in row["text"]]
    rows = list(planted(texts))
    hits = 0
    for (name, text, start, end), spans in zip(rows, find([row[1] for row in rows]), strict=True):
        hit = any(first < end and last > start for _, first, last in spans)
        hits += hit
        if not hit:
            yield Mistake(
                DETECTOR, text.encode()[max(0, start - 60) : start].decode("utf-8", "replace"), name, "nothing", 1.0
            )
    interval = wilson(hits, len(rows))
    where = f"{len(FORMATS)} formats planted in code"
    yield Figure(DETECTOR, where, "recall", hits / len(rows), interval.low, interval.high, len(rows), at_least=0.99)
    yield from _clean(texts)


def _clean(texts: Sequence[str]) -> Iterator[Figure | Mistake]:
    alarms = size = 0
    for first in range(0, len(texts), 256):
        part = texts[first : first + 256]
        if size > _CODE_BYTES:
            break
        size += sum(len(text.encode()) for text in part)
        for text, spans in zip(part, find(part), strict=True):
            for kind, start, end in spans:
                alarms += 1
                shown = text.encode()[max(0, start - 60) : min(end, start + 40)].decode("utf-8", "replace")
                yield Mistake(DETECTOR, shown, "nothing", kind, 0.5)
    yield per_megabyte(DETECTOR, "clean code", alarms, size, 15.0)


def find(texts: Sequence[str]) -> list[list[tuple[str, int, int]]]:
    """What the shipped signal finds of the kinds `key` and `secret`: (kind, start, end) in bytes, a list a text."""
    import pyarrow as pa

    from modelwright.prepare.signals.personal_data import PersonalData

    column = pa.array(texts, pa.large_string())
    found = PersonalData(kinds=("key", "secret")).measure(pa.record_batch({"text": column}))
    lists = found.column("findings").to_pylist()
    return [[(span["kind"], span["start"], span["end"]) for span in spans] for spans in lists]
