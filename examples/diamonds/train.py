"""Trains the model that `run.yaml` tests, on exactly the training rows of that run, and converts it to ONNX: python train.py.

Needs `skl2onnx`, which the framework itself does not.
"""

import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from skl2onnx import to_onnx
from sklearn.ensemble import GradientBoostingRegressor

HERE = Path(__file__).parent

with tempfile.TemporaryDirectory() as folder:
    train = Path(folder) / "train.parquet"
    subprocess.run(["mtf", "recipe", "fit", str(HERE / "run.yaml"), "--train", str(train)], check=True)
    frame = pq.read_table(train).to_pandas()

features = frame.drop(columns=["price"]).to_numpy(np.float32)
model = GradientBoostingRegressor(n_estimators=150, max_depth=5, random_state=0).fit(features, frame["price"])
(HERE / "boosting.onnx").write_bytes(to_onnx(model, features[:1]).SerializeToString())
print(f"trained on {len(frame)} rows with {features.shape[1]} features: {HERE / 'boosting.onnx'}")
