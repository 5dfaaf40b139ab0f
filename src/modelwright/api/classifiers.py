"""Classifiers of a project, as a project answers for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from modelwright.api.base import Base


class Classifiers(Base):
    """Training classifiers that then are signals like any other."""

    def classifier_train(
        self,
        good: str | Path,
        bad: str | Path | None = None,
        *,
        against: str | None = None,
        name: str = "quality",
        text: str = "text",
        label: str | None = None,
    ) -> dict[str, Any]:
        """Train on `good` against `bad` or against a pile, or on the labels of one JSON Lines file."""
        from modelwright.project import classifying

        pile = None if against is None else self.reader(against)
        other = None if bad is None else Path(bad)
        return classifying.train(
            self.folder, Path(good), other, pile=pile, name=name, text_field=text, label_field=label
        )

    def classifier_domains(
        self,
        reference: str = "pile",
        *,
        name: str = "domain",
        count: int = 2000,
        tell: Callable[[int, int], None] = lambda done, of: None,
    ) -> dict[str, Any]:
        """The project's own student of the 16 fields, with its agreement with the teacher."""
        from modelwright.project import classifying

        return classifying.domains(self.folder, self.reader(reference), name=name, count=count, tell=tell)

    def classifier_themes(
        self, reference: str = "pile", *, count: int = 12, save: bool = False, name: str = "theme"
    ) -> dict[str, Any]:
        """Themes found without labels; `save` fixes them as a classifier."""
        from modelwright.project import classifying

        return classifying.themes(self.folder, self.reader(reference), count=count, save=save, name=name)

    def classifier_language(self, samples: Sequence[str | Path], name: str = "languages") -> dict[str, Any]:
        """Languages of your own, learnt from JSON Lines of `text` and `language`; the signal `language` adds them."""
        from modelwright.project import classifying

        return classifying.languages(self.folder, [Path(path) for path in samples], name)
