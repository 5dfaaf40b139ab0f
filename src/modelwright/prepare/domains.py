"""What a text is about: 16 broad fields, a teacher over sentence embeddings, and windows of long texts.

The teacher is a linear head over the embeddings of all-MiniLM-L6-v2 (extra `embeddings`). It tells 60 subjects apart,
each of which belongs to a field, and sums their probabilities: that is better than learning the fields themselves.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from modelwright.measure.model_files import CODE_MODEL

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TEACHER = CODE_MODEL.with_name("domain_teacher.safetensors")
STUDENT = CODE_MODEL.with_name("domain.safetensors")
WINDOW = 900
"""Characters of a window: what the encoder reads of it is mostly the whole."""
WINDOWS = 4
_AT_ONCE = 64

SUBJECTS: Mapping[str, tuple[str, ...]] = {
    "mathematics": (
        "abstract_algebra", "college_mathematics", "elementary_mathematics", "high_school_mathematics",
        "high_school_statistics",
    ),
    "physics and chemistry": (
        "astronomy", "college_chemistry", "college_physics", "conceptual_physics", "high_school_chemistry",
        "high_school_physics",
    ),
    "biology": ("college_biology", "high_school_biology"),
    "medicine and health": (
        "anatomy", "clinical_knowledge", "college_medicine", "human_aging", "human_sexuality", "medical_genetics",
        "nutrition", "professional_medicine", "virology",
    ),
    "computing": ("college_computer_science", "computer_security", "high_school_computer_science", "machine_learning"),
    "engineering and technology": ("electrical_engineering",),
    "law": ("international_law", "jurisprudence", "professional_law"),
    "politics and government": ("high_school_government_and_politics", "security_studies", "us_foreign_policy"),
    "economics and business": (
        "business_ethics", "econometrics", "high_school_macroeconomics", "high_school_microeconomics", "management",
        "marketing", "professional_accounting", "public_relations",
    ),
    "history": (
        "high_school_european_history", "high_school_us_history", "high_school_world_history", "prehistory",
    ),
    "geography and travel": ("high_school_geography",),
    "philosophy and religion": (
        "formal_logic", "logical_fallacies", "moral_disputes", "moral_scenarios", "philosophy", "world_religions",
    ),
    "psychology and education": ("high_school_psychology", "professional_psychology"),
    "society": ("sociology",),
    "literature and arts": (),
    "sports, games and everyday life": (),
}  # fmt: skip
"""The fields, and the subjects of MMLU that belong to each; `global_facts` and `miscellaneous` belong to none."""
FIELD_OF = {subject: field for field, subjects in SUBJECTS.items() for subject in subjects}
FIELDS = tuple(SUBJECTS)


class Teacher(NamedTuple):
    """Linear head: `weights` (384, subjects) and `bias`; `field_of` is the place in FIELDS of each subject."""

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    field_of: NDArray[np.int64]
    trained_on: NDArray[np.uint64]


@functools.lru_cache(maxsize=1)
def teacher(path: Path = TEACHER) -> Teacher:
    """The head that ships."""
    import numpy as np
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        places = [FIELDS.index(name) for name in json.loads(file.metadata()["fields"])]
        tensors = [file.get_tensor(name) for name in ("weights", "bias", "trained_on")]
    return Teacher(tensors[0], tensors[1], np.array(places), tensors[2])


def field_shares(embeddings: NDArray[np.float32], head: Teacher) -> NDArray[np.float64]:
    """Probability (texts, FIELDS) by embeddings (texts, 384)."""
    import numpy as np

    from modelwright.measure.classifier import softmax

    subjects = softmax((embeddings @ head.weights + head.bias).astype(np.float64))
    fields: NDArray[np.float64] = subjects @ np.eye(len(FIELDS))[head.field_of]
    return fields


def teach(texts: Sequence[str], head: Teacher | None = None) -> NDArray[np.float64]:
    """The teacher's probability (texts, FIELDS): the mean over the windows of each text.

    Raises MissingExtra without the extra `embeddings`.
    """
    import numpy as np

    from modelwright.engines.embeddings import embed

    cut = [windows(text) for text in texts]
    shares = field_shares(embed([window for parts in cut for window in parts]), head or teacher())
    starts = np.cumsum([0, *(len(parts) for parts in cut)])[:-1]
    sums = np.add.reduceat(shares, starts, axis=0) if len(texts) else shares
    means: NDArray[np.float64] = sums / np.array([len(parts) for parts in cut])[:, None]
    return means


def windows(text: str) -> list[str]:
    """A text of up to WINDOW characters as it is, else up to four windows spread over it."""
    if len(text) <= WINDOW:
        return [text]
    count = min(WINDOWS, -(-len(text) // WINDOW))
    return [text[place : place + WINDOW] for place in ((len(text) - WINDOW) * i // (count - 1) for i in range(count))]


def label(
    texts: Sequence[str], tell: Callable[[int, int], None] = lambda done, of: None
) -> tuple[list[str], NDArray[np.float64]]:
    """The teacher's field of each text, and its probability. `tell` hears how many are done.

    Raises MissingExtra without the extra `embeddings`.
    """
    import numpy as np

    parts = []
    for first in range(0, len(texts), _AT_ONCE):
        parts.append(teach(texts[first : first + _AT_ONCE]))
        tell(min(first + _AT_ONCE, len(texts)), len(texts))
    shares = np.concatenate(parts) if parts else np.zeros((0, len(FIELDS)))
    return [FIELDS[place] for place in shares.argmax(axis=1)], shares.max(axis=1, initial=0.0)
