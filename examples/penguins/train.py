"""Trains the forest that `run.yaml` tests, on exactly the training rows of that run: python train.py."""

import subprocess
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
import skops.io
from sklearn.ensemble import RandomForestClassifier

HERE = Path(__file__).parent

with tempfile.TemporaryDirectory() as folder:
    train = Path(folder) / "train.parquet"
    subprocess.run(["mtf", "recipe", "fit", str(HERE / "run.yaml"), "--train", str(train)], check=True)
    frame = pq.read_table(train).to_pandas()

features = frame.drop(columns=["species"])
model = RandomForestClassifier(n_estimators=40, max_depth=6, random_state=0).fit(features, frame["species"])
skops.io.dump(model, HERE / "forest.skops")
print(f"trained on {len(frame)} rows with {features.shape[1]} features: {HERE / 'forest.skops'}")
