"""An image holds the libraries of its own group alone, so every service must import with the others' blocked."""

import subprocess
import sys

import pytest

BLOCKED = {
    "gateway": ("numpy", "scipy", "pandas", "sklearn", "pyarrow", "skops", "onnxruntime", "jinja2"),
    "acquisition": ("pandas", "skops", "onnxruntime", "alembic", "redis", "jinja2"),
    "processing": ("pandas", "scipy", "sklearn", "skops", "onnxruntime", "sqlalchemy", "psycopg", "alembic", "redis", "jinja2"),
    "inference": ("sqlalchemy", "psycopg", "alembic", "redis", "jinja2"),
    "evaluation": ("pandas", "sklearn", "skops", "onnxruntime", "sqlalchemy", "psycopg", "alembic", "redis"),
}
SCRIPT = """
import importlib, sys
blocked = set(sys.argv[2].split(","))
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in blocked:
            raise ImportError(f"{name} is not in this image")
sys.meta_path.insert(0, Blocker())
service = sys.argv[1]
app = importlib.import_module(f"mtf_{service}.app").create_app()
assert app.openapi()["paths"]
if service != "gateway":
    importlib.import_module(f"mtf_{service}.execute")
"""


@pytest.mark.parametrize("service", sorted(BLOCKED))
def test_service_needs_its_own_group_alone(service: str) -> None:
    """The service builds its app and imports its work with every library of other images blocked."""
    done = subprocess.run([sys.executable, "-c", SCRIPT, service, ",".join(BLOCKED[service])], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("module", ["numpy", "pandas", "pyarrow", "pydantic", "fastapi", "sqlalchemy", "sklearn"])
def test_import_mtf_is_light(module: str) -> None:
    """`import mtf`, and what `mtf --help` imports, load nothing heavy."""
    script = f"import sys, mtf, mtf.cli.main; sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
