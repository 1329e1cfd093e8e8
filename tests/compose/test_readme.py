"""README's conversation with the gateway, copied from the page and said to the stack."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.compose.stack import ROOT, Stack

pytestmark = pytest.mark.compose
BLOCK = re.compile(r"^```bash\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_conversation_works_as_printed(stack: Stack, tmp_path: Path) -> None:
    """Every command of the page works one after the other; the report that it ends in is the one that the page shows."""
    page = (ROOT / "README.md").read_text()
    section = page.partition("### A conversation with the gateway")[2].partition("\n## ")[0]
    script = "\n".join(BLOCK.findall(section)).replace("http://127.0.0.1:8000", stack.url)
    assert "curl" in script
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    report = json.loads((tmp_path / "report.json").read_text())
    shown = {line.strip(" ,") for line in section.splitlines() if line.lstrip().startswith(('"expression"', '"verdict"', '"reason"'))}
    assert shown
    said = {
        f'"{key}": {json.dumps(gate[key], ensure_ascii=False)}' for gate in report["gates"] for key in ("expression", "verdict", "reason")
    }
    assert shown == said | {f'"verdict": "{report["verdict"]}"'}
