"""Trains the model that `run.yaml` tests, on the published training file after the recipe of that run: python train.py."""

import subprocess
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
import skops.io
from sklearn.linear_model import LogisticRegression

HERE = Path(__file__).parent

with tempfile.TemporaryDirectory() as folder:
    train = Path(folder) / "train.parquet"
    subprocess.run(["mtf", "recipe", "fit", str(HERE / "run.yaml"), "--train", str(train)], check=True)
    frame = pq.read_table(train).to_pandas()

features = frame.drop(columns=["income"])
model = LogisticRegression(max_iter=2000).fit(features, frame["income"])
skops.io.dump(model, HERE / "logistic.skops")
print(f"trained on {len(frame)} rows with {features.shape[1]} features: {HERE / 'logistic.skops'}")
