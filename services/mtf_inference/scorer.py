"""What the stage asks, whoever answers: a model process, an endpoint, or a file of predictions."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from mtf.errors import ModelError
from mtf.plugins import Model, Prediction
from mtf_inference.encoding import encode, plain
from mtf_inference.wire import Loaded

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Answer:
    """One batch. Hard labels are float64, or int32 codes into `values`, -1 where one is missing; scores are (n, k) float64."""

    prediction: Prediction
    values: Sequence[Any]
    seconds: float


class Scorer(Protocol):
    """Answers batch by batch."""

    level: Literal["strict", "partial", "process", "none"]
    """Level of the sandbox that holds the model; `none` where no model is opened here."""
    lacking: list[str]
    """Why the level is not `strict`."""
    attempts: list[str]
    """What the model tried to do and was refused."""

    def load(self) -> Loaded:
        """Open the model."""
        ...

    def predict(self, table: pa.Table, most_columns: int) -> Answer:
        """Score one batch."""
        ...


class Direct:
    """Asks a model in this process. For what runs no code of the user's: data files and endpoints."""

    def __init__(self, model: Model, *, regression: bool) -> None:
        self._model, self._regression = model, regression
        self.level: Literal["strict", "partial", "process", "none"] = "none"
        self.lacking: list[str] = []
        self.attempts: list[str] = []

    def load(self) -> Loaded:
        """What the model says of itself."""
        features, labels = self._model.features, self._model.labels
        return Loaded(
            features=None if features is None else list(features),
            width=getattr(self._model, "width", None),
            labels=None if labels is None else [plain(label) for label in labels],
            about=self._model.describe(),
            seconds=0.0,
        )

    def predict(self, table: pa.Table, most_columns: int) -> Answer:
        """Score one batch. Raises ModelError for answers of a wrong shape."""
        start = time.perf_counter()
        said = self._model.predict(table)
        seconds = time.perf_counter() - start
        try:
            _, values, labels = encode(said.labels, table.num_rows, regression=self._regression)
        except ValueError as error:
            raise ModelError(str(error), field="model") from None
        scores = said.scores
        if scores is not None:
            if scores.shape[0] != table.num_rows or scores.ndim not in {1, 2} or scores.size > most_columns * table.num_rows:
                raise ModelError(f"the scores have the shape {scores.shape} for {table.num_rows:,} rows", field="model")
            scores = scores.reshape(table.num_rows, -1)
        return Answer(Prediction(labels=labels, scores=scores, interval=said.interval), values, seconds)
