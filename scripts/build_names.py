"""Build `measure/data/names.safetensors`: hashes of given and family names, from Faker's lists (MIT).

    python scripts/build_names.py

A name stands as the first 8 bytes, big-endian, of SHA-256 of its lower-case UTF-8 text. Names of one or two letters and
names that Faker's own word lists use as words are left out, because running text holds them as words.
"""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
from pathlib import Path
from typing import Any

import faker.providers.lorem
import faker.providers.person
import numpy as np
from safetensors.numpy import save_file

DATA = Path(__file__).resolve().parents[1] / "src" / "modelwright" / "measure" / "data"
GIVEN = ("first_names", "first_names_male", "first_names_female", "first_names_nonbinary", "first_names_unisex")
FAMILY = ("last_names", "last_names_male", "last_names_female", "last_names_unisex")


def lists(package: Any, names: tuple[str, ...]) -> set[str]:
    """Lower-case entries of the lists `names` of every locale of a provider."""
    found: set[str] = set()
    for item in pkgutil.iter_modules(package.__path__):
        provider = importlib.import_module(f"{package.__name__}.{item.name}").Provider
        for name in names:
            entries = getattr(provider, name, ())
            if isinstance(entries, (tuple, list, dict, set)):  # some locales compute theirs
                found |= {str(entry).lower() for entry in entries}
    return found


def hashes(names: set[str]) -> np.ndarray[Any, np.dtype[np.uint64]]:
    digests = [int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") for name in names]
    return np.array(sorted(digests), np.uint64)


def main() -> None:
    words = lists(faker.providers.lorem, ("word_list",))
    given, family = (
        {name for name in lists(faker.providers.person, wanted) - words if len(name) > 2 and " " not in name}
        for wanted in (GIVEN, FAMILY)
    )
    save_file({"given": hashes(given), "family": hashes(family)}, DATA / "names.safetensors")
    print(f"{len(given)} given names, {len(family)} family names")


if __name__ == "__main__":
    main()
