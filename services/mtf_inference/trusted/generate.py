"""Writes `sklearn.json`: every type that scikit-learn's own estimators need to be opened from a skops file.

Run `python -m mtf_inference.trusted.generate` after an update of scikit-learn or skops, and read the difference before it is committed:
a type on the list may be constructed from a stranger's file. Each estimator is fitted in its default form on a few rows, saved, and asked
which types skops would not trust by itself; only types of scikit-learn, numpy and scipy are taken.
"""

from __future__ import annotations

import json
import sys
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

OWNERS = ("sklearn.", "numpy.", "scipy.")
CODE = ("builtins.", "operator.", "functools.", "types.", "os.", "subprocess.")
"""Never taken, whatever an estimator holds."""


def main() -> int:
    """Write the list beside this file."""
    types: set[str] = set()
    failed: dict[str, str] = {}
    for name, estimator in _candidates():
        try:
            types |= _needed(estimator)
        except Exception as error:  # noqa: BLE001 - an estimator that cannot be fitted on toy rows is reported, and adds nothing
            failed[name] = f"{type(error).__name__}: {str(error)[:80]}"
    kept = sorted(kind for kind in types | _estimators() if kind.startswith(OWNERS) and not kind.startswith(CODE))
    document = {
        "version": 1,
        "made_with": {name: version(name) for name in ("scikit-learn", "skops", "numpy", "scipy")},
        "types": kept,
    }
    Path(__file__).with_name("sklearn.json").write_text(json.dumps(document, indent=1) + "\n")
    sys.stdout.write(f"{len(kept)} types; not fitted: {json.dumps(failed, indent=1)}\n")
    return 0


def _estimators() -> set[str]:
    """Every public estimator by its full name."""
    from sklearn.utils import all_estimators

    return {f"{kind.__module__}.{kind.__qualname__}" for _, kind in all_estimators()}


def _candidates() -> list[tuple[str, Any]]:
    """One instance of each estimator, built as scikit-learn's own checks build them, and the variants that hold other types."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.ensemble import (
        GradientBoostingClassifier,
        GradientBoostingRegressor,
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
    )
    from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor, kernels
    from sklearn.linear_model import GammaRegressor, PoissonRegressor, SGDClassifier, SGDRegressor, TweedieRegressor
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.utils import all_estimators
    from sklearn.utils._test_common.instance_generator import _construct_instances  # the library's own table of toy arguments

    found: list[tuple[str, Any]] = []
    for name, kind in all_estimators():
        try:
            found += [(name, instance) for instance in _construct_instances(kind)]
        except Exception:  # noqa: BLE001, S112 - abstract ones raise SkipTest; they cannot stand in a file either
            continue
    losses = ["hinge", "log_loss", "modified_huber", "squared_hinge", "perceptron", "squared_error", "huber", "epsilon_insensitive"]
    found += [(f"SGDClassifier {loss}", SGDClassifier(loss=loss)) for loss in [*losses, "squared_epsilon_insensitive"]]
    found += [(f"SGDRegressor {loss}", SGDRegressor(loss=loss)) for loss in [*losses[5:], "squared_epsilon_insensitive"]]
    found += [
        (f"HGBR {loss}", HistGradientBoostingRegressor(loss=loss)) for loss in ("squared_error", "absolute_error", "gamma", "poisson")
    ]
    squares = ["SVC", "SVR", "KNeighborsClassifier", "KNeighborsRegressor"]
    found = [(name, one) for name, one in found if name not in squares or "precomputed" not in one.get_params().values()]
    for kernel in (kernels.Matern(), kernels.RationalQuadratic(), kernels.DotProduct(), kernels.ExpSineSquared() + kernels.WhiteKernel(),
                   kernels.RBF() ** 2, kernels.PairwiseKernel(), kernels.CompoundKernel([kernels.RBF()])):  # fmt: skip
        found += [(f"GPR {kernel}", GaussianProcessRegressor(kernel=kernel)), (f"GPC {kernel}", GaussianProcessClassifier(kernel=kernel))]
    for solver in ("sgd", "lbfgs"):
        found += [(f"MLPC {solver}", MLPClassifier(solver=solver)), (f"MLPR {solver}", MLPRegressor(solver=solver))]
    found += [(f"GBR {loss}", GradientBoostingRegressor(loss=loss)) for loss in ("squared_error", "absolute_error", "huber", "quantile")]
    found += [("GBC exponential", GradientBoostingClassifier(loss="exponential")), ("isotonic", CalibratedClassifierCV(method="isotonic"))]
    found += [(f"GLM {one}", one()) for one in (PoissonRegressor, GammaRegressor, TweedieRegressor)]
    found += [("HGBR quantile", HistGradientBoostingRegressor(loss="quantile", quantile=0.5)), ("HGBC", HistGradientBoostingClassifier())]
    metrics = ["euclidean", "manhattan", "chebyshev", "minkowski", "hamming", "canberra", "braycurtis", "jaccard", "dice"]
    for algorithm in ("kd_tree", "ball_tree"):
        found += [(f"{algorithm} {one}", KNeighborsClassifier(algorithm=algorithm, metric=one, n_neighbors=1)) for one in metrics]
        found.append((f"{algorithm} p=3", KNeighborsClassifier(algorithm=algorithm, p=3, n_neighbors=1)))
    return found


def _needed(estimator: Any) -> set[str]:
    """Types that skops asks about in the fitted estimator's file; for several kinds of data where it takes them."""
    import numpy as np
    import skops.io
    from sklearn.base import is_classifier

    generator = np.random.default_rng(0)
    rows = np.abs(generator.normal(size=(40, 3)))
    several = np.arange(40) % 3
    binary = np.arange(40) % 2
    targets: list[Any] = [several, binary] if is_classifier(estimator) else [rows[:, 0] + 1]
    texts = np.array([["a", "b", "c"]] * 39 + [["b", "a", "c"]], dtype=object)
    attempts: list[tuple[Any, Any]] = [(rows, target) for target in targets] + [
        (rows, np.column_stack([binary, binary[::-1]])),
        (rows[:, 0], rows[:, 1]),
        (texts, targets[0]),
        (["some text", "more of the text"], [0, 1]),
        ([{"a": 1.0}, {"b": 2.0}], [0, 1]),
    ]
    types: set[str] = set()
    error: Exception | None = None
    fitted = False
    for data, target in attempts:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                types |= set(skops.io.get_untrusted_types(data=skops.io.dumps(estimator.fit(data, target))))
            except Exception as raised:  # noqa: BLE001 - most estimators take only some of the attempts
                error = error or raised
            else:
                fitted = True
    if not fitted and error is not None:
        raise error
    return types


if __name__ == "__main__":
    raise SystemExit(main())
