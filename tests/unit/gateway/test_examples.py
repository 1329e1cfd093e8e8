"""What the documentation page offers to execute is what it says."""

import hashlib

import yaml
from sklearn.datasets import load_iris

from mtf import spec
from mtf_gateway.routes.examples import DIGEST, PREDICTIONS, RUN, RUN_YAML


def test_the_predictions_are_the_rule_of_thumb_on_iris() -> None:
    """150 rows in the order of scikit-learn's table, from the width of the petal alone."""
    iris = load_iris()
    rule = ["setosa" if width < 0.8 else "versicolor" if width < 1.65 else "virginica" for width in iris.data[:, 3]]
    assert PREDICTIONS.splitlines() == ["prediction", *rule]
    assert hashlib.sha256(PREDICTIONS.encode()).hexdigest() == DIGEST


def test_the_run_files_are_valid_and_name_the_uploaded_file() -> None:
    """The JSON and the YAML example pass the check of every run file."""
    for document in (RUN, yaml.safe_load(RUN_YAML)):
        assert spec.validate(document).model.source.args == {"digest": DIGEST}  # type: ignore[union-attr]
