"""What a project file may say about training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

from modelwright.core.plugins import Plugin
from modelwright.core.spec import Budget, BudgetText, Location, Options, Share, Where
from modelwright.models.family import ModelFamily
from modelwright.train.objective import Objective

if TYPE_CHECKING:
    AFamily = ModelFamily
    AnObjective = Objective
else:
    AFamily = Plugin("models")
    AnObjective = Plugin("objectives")


class TrainSettings(Options):
    """Pretrain a model from scratch (`family`), or continue one (`base`).

    The defaults were chosen by short runs of 1M to 3M parameters for minutes on two cores, where many small steps
    beat few large ones. From 100M parameters on take batches of 0.5M tokens and a table_rate of 0.005; for a
    `base` about a tenth of all rates.
    """

    family: AFamily | None = Field(None, description="kind and size of a new model; default qwen3")
    base: Location | None = Field(None, description="continue this local Hugging Face folder instead")
    objective: AnObjective = Field(default="next_token", validate_default=True, description="what is learned")
    budget: BudgetText = Field(
        Budget(amount=180, unit="seconds"), description="`3 min`, `300 steps`, `50M tokens`, `$2`, `0.5 kWh`"
    )
    seed: int = Field(0, ge=0, description="seed of the first weights and of the order of data")
    batch: int = Field(8, ge=1, description="windows (of one context) per step, over all ranks")
    matrix_rate: float = Field(0.01, gt=0, description="learning rate of hidden matrices (Muon)")
    table_rate: float = Field(0.03, gt=0, description="learning rate of embeddings and head (AdamW)")
    vector_rate: float = Field(0.02, gt=0, description="learning rate of norms and biases (AdamW)")
    weight_decay: float = Field(0.0, ge=0, description="decay of hidden matrices, times their learning rate")
    warmup: Share = Field(0.02, description="share of the steps in which the rates rise")
    decay: Share = Field(0.5, description="share of the steps, the last ones, in which the rates fall to zero")
    checkpoint_every: Annotated[BudgetText, Where()] = Field(
        Budget(amount=20, unit="seconds"), description="seconds or steps between checkpoints; never changes the result"
    )
    price_per_hour: Annotated[float | None, Where()] = Field(
        None, gt=0, description="price of this machine, $ per hour"
    )
    watts: Annotated[float | None, Where()] = Field(None, gt=0, description="power of this machine under load")
    sources: tuple[str, ...] | None = Field(None, description="train on these sources of the tokens only; default all")
    pile: Annotated[str | None, Where()] = Field(
        None, description="pin the pile (`pile@3`), so that new data does not retrain"
    )
    tokens: Annotated[str | None, Where()] = Field(None, description="pin the tokens (`tokens@3`)")

    @model_validator(mode="before")
    @classmethod
    def _default_family(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("family") is None and values.get("base") is None:
            return {**values, "family": "qwen3"}
        return values

    @model_validator(mode="after")
    def _consistent(self) -> TrainSettings:
        if self.family is not None and self.base is not None:
            raise ValueError("write either `family: {qwen3: {size: 3M}}` or `base: path`, not both")
        if self.budget.unit == "dollars" and self.price_per_hour is None:
            raise ValueError("a budget in $ needs `price_per_hour`")
        if self.checkpoint_every.unit not in ("seconds", "steps"):
            raise ValueError("checkpoint_every is in seconds or steps, such as `20 s`")
        return self
