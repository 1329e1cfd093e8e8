"""What `mtf init` writes: a run file and predictions to test, small enough to read."""

from __future__ import annotations

from pathlib import Path

from mtf.errors import ConflictError

RUN = """# A first run: 60 rows of truth and predictions, no model file needed. Run it with: mtf run run.yaml
# For completion in your editor: mtf schema run > run.schema.json
# yaml-language-server: $schema=run.schema.json
name: first-run
dataset:
  source: {type: file, path: truth.csv}
  target: truth
  id: id
model:
  source: {type: predictions, path: predictions.csv}   # or {type: file, path: model.skops}, model.onnx, {type: endpoint, url: ...}
evaluation:
  slices: [region]
  gates:
    - accuracy >= 0.70
    - roc_auc >= 0.75
"""


def write_starter(folder: Path) -> list[Path]:
    """Write `run.yaml`, `truth.csv` and `predictions.csv` into `folder`. Raises ConflictError rather than overwrite one."""
    truth, predictions = ["id,region,truth"], ["id,prediction,score"]
    for index in range(60):
        label = int(index * 7 % 10 in {0, 1, 2, 3})
        score = round((0.66 if label else 0.32) + 0.5 * ((index * 13 % 17) / 16 - 0.5), 3)
        truth.append(f"{index},{'north' if index % 3 else 'south'},{label}")
        predictions.append(f"{index},{int(score >= 0.5)},{score}")  # noqa: PLR2004 - the threshold of the starter's scores
    files = {"run.yaml": RUN, "truth.csv": "\n".join(truth) + "\n", "predictions.csv": "\n".join(predictions) + "\n"}
    folder.mkdir(parents=True, exist_ok=True)
    for name in files:
        if (folder / name).exists():
            raise ConflictError(f"{folder / name} exists already", field=name, fix="name another folder: mtf init FOLDER")
    for name, text in files.items():
        (folder / name).write_text(text)
    return [folder / name for name in files]
