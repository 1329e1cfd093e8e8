"""A model behind an address: `inference-remote` calls the one that the operator allowed, and no other."""

import csv
import json
from pathlib import Path

import pytest

from tests.compose.endpoint import FEATURES, species
from tests.compose.stack import ROOT, Stack
from tests.compose.test_examples import mtf

pytestmark = pytest.mark.compose
SPEC = """
name: penguins-endpoint
dataset:
  source: {{type: file, path: {data}}}
  target: species
  features: [bill_length_mm, flipper_length_mm]
processing:
  - drop_missing: {{columns: [bill_length_mm, flipper_length_mm]}}
model:
  source: {{type: endpoint, url: "{url}"}}
evaluation:
  metrics: [accuracy]
"""
DATA = ROOT / "examples/penguins/penguins.csv"


def test_endpoint_that_the_operator_allows_is_tested(stack: Stack, tmp_path: Path) -> None:
    """Every row goes over the wire to a model server and comes back with the label that its rule gives."""
    file = tmp_path / "run.yaml"
    file.write_text(SPEC.format(data=DATA, url="http://endpoint:8080/v2/models/rule"))
    done = mtf("run", str(file), "--json", home=tmp_path / ".mtf", gateway=stack.url)
    assert done.returncode == 0, done.stderr + stack.logs("inference-remote", "endpoint")[-3000:]
    with DATA.open() as lines:
        rows = [row for row in csv.DictReader(lines) if all(row[name] not in {"", "NA"} for name in FEATURES)]
    right = [species(float(row[FEATURES[0]]), float(row[FEATURES[1]])) == row["species"] for row in rows]
    report = json.loads(done.stdout)
    assert report["rows"]["scored"] == len(rows)
    assert report["metrics"]["accuracy"]["value"] == pytest.approx(sum(right) / len(right), rel=1e-12)


@pytest.mark.parametrize("url", ["http://gateway:8000/v1/runs", "http://169.254.169.254/latest/meta-data"])
def test_endpoint_inside_is_refused(stack: Stack, tmp_path: Path, url: str) -> None:
    """A run cannot make the stack call its own services, or whoever hands out a machine's credentials."""
    file = tmp_path / "run.yaml"
    file.write_text(SPEC.format(data=DATA, url=url))
    done = mtf("run", str(file), "--json", home=tmp_path / ".mtf", gateway=stack.url)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "address" in done.stderr
