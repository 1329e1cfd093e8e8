"""scikit-learn's bundled sets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn import datasets

from mtf_acquisition.stage import STAGE


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes", "digits"])
def test_the_set_is_scikit_learns(lab: Any, name: str) -> None:
    """Features and target are those of `sklearn.datasets`, row by row; classes stand by name."""
    table = lab.acquire({"type": "builtin", "name": name}).table
    found = getattr(datasets, f"load_{name}")()
    features = np.column_stack([column.to_numpy() for column in table.columns[:-1]])
    assert np.array_equal(features, found.data)
    names = None if name in {"diabetes", "digits"} else found.target_names
    expected = found.target if names is None else names[found.target]
    assert table["target"].to_pylist() == list(expected)
    assert all(" " not in column for column in table.column_names)


def test_freshness_is_the_version_of_scikit_learn(lab: Any) -> None:
    """Another release may carry other numbers."""
    import sklearn

    spec = STAGE.validate({"source": {"type": "builtin", "name": "iris"}}).spec
    assert STAGE.freshness(spec, lab.context) == f"scikit-learn {sklearn.__version__}"
