"""The fitted steps against scikit-learn, value by value and name by name."""

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, RobustScaler, StandardScaler

from tests.unit.processing.conftest import Process


def close(found: pd.DataFrame, expected: Any) -> None:
    """Equal to 1e-12."""
    np.testing.assert_allclose(found.to_numpy(float), np.asarray(expected, dtype=float), rtol=1e-12, atol=1e-12)


def numbers(rows: int, seed: int = 0) -> pd.DataFrame:
    """Columns of several sizes, with gaps, a constant, and whole numbers."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "small": rng.normal(1e-6, 1e-7, rows),
            "large": rng.normal(1e9, 3.0, rows),
            "skewed": rng.lognormal(0, 2, rows),
            "whole": rng.integers(-50, 50, rows).astype(float),
            "constant": np.full(rows, 7.25),
        }
    )
    for column in ("small", "large", "skewed", "whole"):
        frame.loc[rng.random(rows) < 0.1, column] = np.nan
    return frame


def texts(rows: int, seed: int = 0) -> pd.DataFrame:
    """Categories with gaps, rare values, ties and names that are not ASCII."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "city": rng.choice(["Zürich", "Aachen", "Łódź", "北京", "b c", ""], rows, p=[0.4, 0.3, 0.1, 0.1, 0.05, 0.05]),
            "size": rng.choice(["S", "M", "L"], rows),
        }
    ).astype(object)
    frame.loc[rng.random(rows) < 0.1, "city"] = np.nan
    return frame


def run(process: Process, train: pd.DataFrame, test: pd.DataFrame, steps: list[Any]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The features of both tables after the steps, fitted on the first."""
    tables = [
        pa.table({**{name: pa.array(frame[name], from_pandas=True) for name in frame}, "y": np.arange(len(frame)) / 7})
        for frame in (train, test)
    ]
    found = process(tables[1], steps, train=tables[0], row_group=97)
    return tuple(found.table(f"{name}.features").to_pandas().drop(columns="row_id") for name in ("train", "test"))


@pytest.mark.parametrize("strategy", ["mean", "median"])
def test_impute_numbers(process: Process, strategy: str) -> None:
    """Means and medians of the training rows fill both tables as SimpleImputer does."""
    train, test = numbers(401), numbers(130, 1)
    oracle = SimpleImputer(strategy=strategy).fit(train)
    for frame, found in zip((train, test), run(process, train, test, [{"impute": {"numeric": strategy}}]), strict=True):
        assert list(found) == list(oracle.get_feature_names_out())
        close(found, oracle.transform(frame))


def test_impute_categories(process: Process) -> None:
    """The most frequent category fills the gaps, of ties the smallest."""
    train, test = texts(401), texts(130, 1)
    train["tie"], test["tie"] = ["b", "a"] * 200 + [np.nan], np.nan
    oracle = SimpleImputer(strategy="most_frequent").fit(train)
    found = run(process, train, test.astype(object), [{"impute": {}}])
    assert found[0].to_numpy().tolist() == oracle.transform(train).tolist()
    assert set(found[1]["tie"]) == {"a"}


@pytest.mark.parametrize(("method", "oracle"), [("standard", StandardScaler()), ("minmax", MinMaxScaler()), ("robust", RobustScaler())])
def test_scale(process: Process, method: str, oracle: Any) -> None:
    """Scales, gaps and constant columns as in scikit-learn; sums over row groups of 97 rows lose nothing."""
    train, test = numbers(1009), numbers(130, 1)
    oracle.fit(train)
    for frame, found in zip((train, test), run(process, train, test, [{"scale": {"method": method}}]), strict=True):
        assert list(found) == list(oracle.get_feature_names_out())
        expected = oracle.transform(frame)
        # `large` has a mean of 10^9: what is left after subtracting it has lost nine digits in any arithmetic.
        for index, column in enumerate(found):
            tolerance = 1e-6 if column == "large" else 1e-12
            np.testing.assert_allclose(found[column].to_numpy(float), expected[:, index], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(
    "options",
    [{}, {"drop": "first"}, {"max_categories": 3}, {"max_categories": 5}, {"max_categories": 1}, {"drop": "first", "max_categories": 4}],
)
def test_one_hot(process: Process, options: dict[str, Any]) -> None:
    """Columns, their names, their order and the treatment of rare, missing and unknown categories are OneHotEncoder's."""
    train, test = texts(301), texts(60, 1)
    test.loc[test.index[:5], "size"] = "XXL"
    oracle = OneHotEncoder(sparse_output=False, handle_unknown="ignore", **options).fit(train)
    found = run(process, train, test, [{"one_hot": options}])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # scikit-learn says that unknown categories look like the dropped one
        expected = [oracle.transform(frame) for frame in (train, test)]
    for mine, theirs in zip(found, expected, strict=True):
        assert list(mine) == list(oracle.get_feature_names_out())
        np.testing.assert_array_equal(mine.to_numpy(), theirs)


def test_one_hot_of_numbers_and_bools(process: Process) -> None:
    """Named columns of whole numbers, fractions and bools are encoded under scikit-learn's names."""
    train = pd.DataFrame({"n": [3, 1, 2, 1], "f": [1.5, 2.0, 1.5, -0.5], "b": [True, False, True, True]})
    found, _ = run(process, train, train, [{"one_hot": {"columns": ["n", "f", "b"]}}])
    oracle = OneHotEncoder(sparse_output=False).fit(train)
    assert list(found) == list(oracle.get_feature_names_out())
    np.testing.assert_array_equal(found.to_numpy(), oracle.transform(train))


@pytest.mark.parametrize("declared", [False, True])
def test_ordinal(process: Process, declared: bool) -> None:
    """Learned and declared orders give OrdinalEncoder's numbers; unknown is -1, missing stays missing."""
    train, test = texts(301), texts(60, 1)
    test.loc[test.index[:5], "size"] = "XXL"
    order = {"size": ["S", "M", "L"], "city": sorted(train["city"].dropna().unique(), reverse=True)} if declared else {}
    categories: Any = [[*order["city"], np.nan], order["size"]] if declared else "auto"
    oracle = OrdinalEncoder(categories=categories, handle_unknown="use_encoded_value", unknown_value=-1).fit(train)
    found = run(process, train, test, [{"ordinal": {"order": order}}])
    for mine, frame in zip(found, (train, test), strict=True):
        np.testing.assert_array_equal(mine[["city", "size"]].to_numpy(float), oracle.transform(frame))


def test_clip_to_quantiles(process: Process) -> None:
    """Fitted limits are numpy's quantiles of the training rows."""
    train, test = numbers(401), numbers(130, 1)
    _, found = run(process, train, test, [{"clip": {"lower_quantile": 0.05, "upper_quantile": 0.9}}])
    expected = test.clip(train.quantile(0.05), train.quantile(0.9), axis=1)
    close(found, expected)


def test_a_chain_of_steps(process: Process) -> None:
    """impute, one_hot and scale in a row equal scikit-learn's chain: what was imputed counts for the mean."""
    train, test = pd.concat([numbers(401), texts(401)], axis=1), pd.concat([numbers(130, 1), texts(130, 1)], axis=1)
    found = run(process, train, test, [{"impute": {"numeric": "mean"}}, {"scale": {}}, {"one_hot": {}}])
    columns = list(numbers(1))
    imputer = SimpleImputer().fit(train[columns])
    scaler = StandardScaler().fit(imputer.transform(train[columns]))
    encoder = OneHotEncoder(sparse_output=False, handle_unknown="ignore")
    filler = SimpleImputer(strategy="most_frequent").fit(train[["city", "size"]])
    encoder.fit(pd.DataFrame(filler.transform(train[["city", "size"]]), columns=["city", "size"]))
    expected = scaler.transform(imputer.transform(test[columns]))
    for index, column in enumerate(columns):
        tolerance = 1e-6 if column == "large" else 1e-12
        np.testing.assert_allclose(found[1][column], expected[:, index], rtol=tolerance, atol=tolerance)
    encoded = encoder.transform(pd.DataFrame(filler.transform(test[["city", "size"]]), columns=["city", "size"]))
    np.testing.assert_array_equal(found[1][list(encoder.get_feature_names_out())], encoded)
