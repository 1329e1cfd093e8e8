"""Request examples that work on a fresh stack as they stand, one after the other, in the order of the documentation page.

The predictions are of scikit-learn's iris, 150 rows in order: a rule of thumb on one feature (the width of the petal, below 0.8 cm setosa, below
1.65 cm versicolor, else virginica). A CSV file of 150 lines is small enough to stand in a page, and shows the whole way without a model.
"""

from __future__ import annotations

import hashlib
from typing import Any

_WRONG = {70: 2, 77: 2, 119: 1, 129: 1, 133: 1, 134: 1}
"""Rows on which the rule of thumb errs, with what it says there."""

_SPECIES = ("setosa", "versicolor", "virginica")
PREDICTIONS = "prediction\n" + "".join(f"{_SPECIES[_WRONG.get(row, row // 50)]}\n" for row in range(150))
DIGEST = hashlib.sha256(PREDICTIONS.encode()).hexdigest()

RUN: dict[str, Any] = {
    "name": "iris-rule-of-thumb",
    "dataset": {"source": {"type": "builtin", "name": "iris"}, "target": "target"},
    "model": {"source": {"type": "predictions", "digest": DIGEST}},
    "evaluation": {"metrics": ["accuracy", "f1_macro"], "gates": ["accuracy >= 0.85", "f1_macro >= 0.97"]},
    "tags": {"purpose": "first-look"},
}

RUN_YAML = f"""\
name: iris-rule-of-thumb
dataset: iris@1            # registered before: POST /v1/datasets
model:
  source: {{type: predictions, digest: {DIGEST}}}
evaluation:
  metrics: [accuracy, f1_macro]
  gates:
    - accuracy >= 0.85
    - f1_macro >= 0.97     # 150 rows are too few to tell: inconclusive
"""

RUN_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {"$ref": "#/components/schemas/RunSpec"},
            "examples": {
                "predictions": {
                    "summary": "Evaluate predictions that were made elsewhere",
                    "description": "Upload the example file of `POST /v1/uploads` first.",
                    "value": RUN,
                },
                "registered": {
                    "summary": "The same on a registered dataset",
                    "description": "Make `iris@1` first: `POST /v1/datasets`.",
                    "value": {**RUN, "dataset": {"version": "iris@1"}},
                },
            },
        },
        "application/yaml": {"schema": {"$ref": "#/components/schemas/RunSpec"}, "example": RUN_YAML},
    },
}

UPLOAD_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "text/csv": {"schema": {"type": "string"}, "example": PREDICTIONS},
        "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
    },
}

DATASETS: dict[str, Any] = {
    "iris": {
        "summary": "A set that comes with scikit-learn",
        "value": {"name": "iris", "source": {"type": "builtin", "name": "iris"}, "target": "target"},
    },
    "breast_cancer": {
        "summary": "Another one, binary",
        "value": {"name": "breast-cancer", "source": {"type": "builtin", "name": "breast_cancer"}, "target": "target"},
    },
    "upload": {
        "summary": "An uploaded file",
        "description": "The example file of `POST /v1/uploads` is a table too.",
        "value": {"name": "iris-guesses", "source": {"type": "upload", "digest": DIGEST}},
    },
}

MODELS: dict[str, Any] = {
    "upload": {
        "summary": "An uploaded model file",
        "description": "Upload an ONNX or skops file first and put its digest here.",
        "value": {"name": "forest", "upload": "0" * 64},
    },
    "endpoint": {
        "summary": "A model behind an address",
        "description": "`MTF_HTTP_ALLOW` must name the host before a run can call it.",
        "value": {"name": "scorer", "endpoint": {"url": "http://models.example.org/v2/models/scorer"}},
    },
}

ALIASES: dict[str, Any] = {
    "make": {"summary": "Point it at version 1, wherever it points now", "value": {"version": 1}},
    "swap": {"summary": "Move it from version 1 to version 2, or not at all", "value": {"version": 2, "expected": 1}},
}

COMPARISONS: dict[str, Any] = {
    "two": {"summary": "Two runs by id", "value": {"run": "RUN-ID", "baseline": "ANOTHER-RUN-ID"}},
    "many": {
        "summary": "Every two of several runs, by the metrics that decide",
        "value": {"runs": ["RUN-ID", "ANOTHER-RUN-ID", "A-THIRD-RUN-ID"], "metrics": ["accuracy", "log_loss"]},
    },
    "unpaired": {"summary": "Two runs on other rows", "value": {"runs": ["RUN-ID", "ANOTHER-RUN-ID"], "paired": False}},
}

REEVALUATIONS: dict[str, Any] = {
    "try": {
        "summary": "What would another metric and another gate say of every run?",
        "description": "A dry run: nothing is stored.",
        "value": {"dataset": "iris", "metrics": ["balanced_accuracy"], "gates": ["balanced_accuracy >= 0.9"], "dry_run": True},
    },
    "add": {
        "summary": "Add a metric to every run on a dataset",
        "value": {"dataset": "iris", "metrics": ["balanced_accuracy"]},
    },
    "outdated": {"summary": "Bring up runs whose metrics have a newer version", "value": {"outdated": True}},
}
