"""Files that are not what they seem: told from their first bytes, and refused with a sentence."""

from __future__ import annotations

import gzip
import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import skops.io
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression

from mtf.errors import ModelError, SpecError
from mtf.plugins import load
from mtf_inference.loaders import onnx_file
from mtf_inference.loaders.pickles import is_pickle
from mtf_inference.loaders.skops import trust_list
from mtf_inference.sniff import choose

SPECIES = ["setosa", "versicolor", "virginica"]


@pytest.fixture(scope="session")
def heads(plain: LogisticRegression) -> dict[str, bytes]:
    """The same model in each format."""
    buffer = io.BytesIO()
    joblib.dump(plain, buffer)
    packed = io.BytesIO()
    joblib.dump(plain, packed, compress=("zlib", 3))
    return {
        "onnx": to_onnx(plain, np.zeros((1, 4), np.float32)).SerializeToString(),
        "skops": skops.io.dumps(plain),
        "pickle": pickle.dumps(plain),
        "old pickle": pickle.dumps(plain, protocol=0),
        "joblib": buffer.getvalue(),
        "packed joblib": packed.getvalue(),
        "gzipped pickle": gzip.compress(pickle.dumps(plain)),
    }


@pytest.mark.parametrize(
    ("kind", "loaders"),
    [("onnx", {"onnx"}), ("skops", {"skops"}), ("pickle", {"pickle"}), ("old pickle", {"pickle"}), ("joblib", {"joblib", "pickle"}),
     ("packed joblib", {"joblib"}), ("gzipped pickle", {"joblib"})],
)  # fmt: skip
def test_the_header_tells_the_format(heads: dict[str, bytes], kind: str, loaders: set[str]) -> None:
    """Without a name, and from 4,096 bytes."""
    assert choose(heads[kind][:4096], None, None) in loaders


@pytest.mark.parametrize("kind", ["pickle", "old pickle", "joblib", "packed joblib", "gzipped pickle"])
@pytest.mark.parametrize("name", ["model.skops", "model.onnx"])
def test_a_pickle_in_disguise_is_refused(heads: dict[str, bytes], kind: str, name: str) -> None:
    """Another ending does not make a pickle safe; nor does a declared format."""
    for declared in (None, name.partition(".")[2]):
        with pytest.raises(SpecError, match="the file is a pickle under the name of"):
            choose(heads[kind][:4096], name, declared)


@pytest.mark.parametrize("kind", ["pickle", "joblib"])
def test_a_pickle_in_disguise_is_refused_by_the_job_too(
    heads: dict[str, bytes], tmp_path: Path, row_set: Any, score: Any, kind: str
) -> None:
    """The job looks at the bytes again, because a registered model comes without a head."""
    path = tmp_path / "model.skops"
    path.write_bytes(heads[kind])
    with pytest.raises(SpecError, match="pickle under the name of skops"):
        score("skops", {**row_set({"x": [1.0]}, ["a"]), "model": path}, task="binary", labels=["a", "b"])


@pytest.mark.parametrize(
    ("head", "message"),
    [(b"", "empty"), (b"PAR1....", "a Parquet table"), (b"a,b\n1,2\n", "text"), (b"\x00\x01\x02garbage", "no known format"), (b"\x89HDF\r\n\x1a\n", "HDF5"), (b"\x7fELF\x02\x01", "a program")],
)  # fmt: skip
def test_what_is_no_model_is_called_what_it_is(head: bytes, message: str) -> None:
    """The error says what the file is."""
    with pytest.raises(SpecError, match=message):
        choose(head, "model.bin", None)


def test_names_decide_only_without_a_head(heads: dict[str, bytes]) -> None:
    """The header wins over the ending; a wrong declaration is an error."""
    assert choose(None, "x.onnx", None) == "onnx"
    assert choose(heads["onnx"][:4096], "x.skops", None) == "onnx"
    with pytest.raises(SpecError, match="declared as onnx, and its first bytes are those of skops"):
        choose(heads["skops"][:4096], "x", "onnx")
    with pytest.raises(SpecError, match="cannot be told from its name"):
        choose(None, "x.bin", None)
    with pytest.raises(SpecError, match="no model format `onx`"):
        choose(None, "x", "onx")


@pytest.mark.parametrize("kind", ["onnx", "skops"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_file_is_a_model_error(heads: dict[str, bytes], row_set: Any, score: Any, *, kind: str, share: float) -> None:
    """Cut anywhere, the file is called incomplete."""
    inputs = row_set({"x": [1.0]}, ["a"])
    path = inputs["test.features"].with_name("model")
    path.write_bytes(heads[kind][: int(len(heads[kind]) * share)])
    with pytest.raises(ModelError, match=r"no complete|could not open|could not be opened"):
        score(kind, {**inputs, "model": path}, task="binary", labels=["a", "b"])


def test_untrusted_types_are_refused_by_name(tmp_path: Path, row_set: Any, score: Any) -> None:
    """A type outside the trust list is named and never constructed."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    model = make_pipeline(FunctionTransformer(np.load), LogisticRegression())
    skops.io.dump(model, tmp_path / "model.skops")
    with pytest.raises(ModelError, match=r"types that are not trusted: numpy\S*load"):
        score("skops", {**row_set({"x": [1.0]}, ["a"]), "model": tmp_path / "model.skops"}, task="binary", labels=["a", "b"])


def test_a_zip_without_a_schema_is_no_skops_file(tmp_path: Path, row_set: Any, score: Any) -> None:
    """Any other zip is called incomplete."""
    with zipfile.ZipFile(tmp_path / "model.skops", "w") as archive:
        archive.writestr("x.txt", "x")
    with pytest.raises(ModelError, match="no complete skops file"):
        score("skops", {**row_set({"x": [1.0]}, ["a"]), "model": tmp_path / "model.skops"}, task="binary", labels=["a", "b"])


def test_the_trust_list_holds_no_code(root: Path) -> None:
    """Only scikit-learn, numpy and scipy; nothing that runs, reads files or evaluates."""
    names = trust_list()
    assert {name.partition(".")[0] for name in names} == {"sklearn", "numpy", "scipy"}
    for word in (
        "exec",
        "eval",
        "system",
        "load",
        "save",
        "fromfile",
        "memmap",
        "open",
        "partial",
        "methodcaller",
        "attrgetter",
        "DataSource",
    ):
        assert not [name for name in names if name.rpartition(".")[2] == word]


MODELS: dict[str, Callable[[], Any]] = {
    "forest": lambda: _of("ensemble.RandomForestClassifier", n_estimators=3),
    "boosting": lambda: _of("ensemble.GradientBoostingClassifier", n_estimators=3),
    "histogram boosting": lambda: _of("ensemble.HistGradientBoostingClassifier", max_iter=3),
    "neighbours": lambda: _of("neighbors.KNeighborsClassifier"),
    "ball tree": lambda: _of("neighbors.KNeighborsClassifier", algorithm="ball_tree"),
    "vectors": lambda: _of("svm.SVC"),
    "bayes": lambda: _of("naive_bayes.GaussianNB"),
    "network": lambda: _of("neural_network.MLPClassifier", max_iter=5),
    "process": lambda: _of("gaussian_process.GaussianProcessClassifier"),
    "descent": lambda: _of("linear_model.SGDClassifier", loss="modified_huber"),
    "calibrated": lambda: _of("calibration.CalibratedClassifierCV"),
    "isotonic": lambda: _of("calibration.CalibratedClassifierCV", method="isotonic"),
    "discriminant": lambda: _of("discriminant_analysis.QuadraticDiscriminantAnalysis"),
}


def _of(path: str, **arguments: Any) -> Any:
    import importlib

    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(f"sklearn.{module}"), name)(**arguments)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_own_models_open_and_answer_the_same(name: str, tmp_path: Path, iris: Any) -> None:
    """What the library saved by skops opens with our trust list alone, and predicts what it predicted."""
    import pyarrow as pa

    frame, target = iris
    model = MODELS[name]().fit(frame, target)
    skops.io.dump(model, tmp_path / "model.skops")
    loader = load("loader", "skops")
    opened = loader.load(tmp_path / "model.skops", loader.Args())
    said = opened.predict(pa.table({column: frame[column].to_numpy() for column in frame.columns}))
    assert list(said.labels) == list(model.predict(frame))
    if hasattr(model, "predict_proba"):
        assert np.array_equal(said.scores, model.predict_proba(frame))


def test_an_onnx_file_tells_of_custom_operators_and_files_outside(tmp_path: Path, row_set: Any, score: Any) -> None:
    """Neither is opened; the error names them."""
    import onnx
    from onnx import TensorProto, helper

    source = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1])
    target = helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])
    custom = helper.make_model(helper.make_graph([helper.make_node("Evil", ["x"], ["y"], domain="my.ops")], "g", [source], [target]))
    outside = helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0])
    outside.ClearField("float_data")
    outside.data_location = TensorProto.EXTERNAL
    outside.external_data.add(key="location", value="/etc/passwd")
    graph = helper.make_graph([helper.make_node("Mul", ["x", "w"], ["y"])], "g", [source], [target], [outside])
    path = tmp_path / "model.onnx"
    inputs = {**row_set({"x": [1.0]}, [1.0]), "model": path}
    for model, message in ((custom, "custom operators of my.ops"), (helper.make_model(graph), "weights in another file")):
        path.write_bytes(model.SerializeToString())
        with pytest.raises(ModelError, match=message):
            score("onnx", inputs, task="regression")
    assert onnx_file.looks_like_onnx(path.read_bytes()[:4096])
    assert onnx.__name__


@pytest.mark.parametrize("kind", ["pickle", "joblib"])
def test_pickles_say_who_wrote_them(heads: dict[str, bytes], tmp_path: Path, kind: str) -> None:
    """The version of scikit-learn stands in the facts, and beside ours in the error where the file does not open."""
    from importlib.metadata import version

    loader = load("loader", kind)
    path = tmp_path / "model"
    path.write_bytes(heads[kind])
    assert loader.load(path, loader.Args()).describe()["written_by"] == {"scikit-learn": version("scikit-learn")}
    path.write_bytes(heads[kind].replace(b"LogisticRegression", b"LogisticRegressioX").replace(version("scikit-learn").encode(), b"0.1.2"))
    with pytest.raises(ModelError, match="LogisticRegressioX") as caught:
        loader.load(path, loader.Args())
    assert f"scikit-learn 0.1.2; here are scikit-learn {version('scikit-learn')}" in str(caught.value.fix)


@pytest.mark.parametrize("data", [b"", b"\x80", b"\x80\x01", b"(", b"conf: 1\nx\n"[:3], b"PK\x03\x04", b"hello\n", b"\x08\x07\x12"])
def test_other_bytes_are_no_pickle(data: bytes) -> None:
    """The heuristics do not cry wolf."""
    assert not is_pickle(data)
