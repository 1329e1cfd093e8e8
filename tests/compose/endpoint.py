"""A model server of the Open Inference Protocol with one rule for penguins, on the standard library alone: it runs in a bare Python image."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATH = "/v2/models/rule"
FEATURES = ("bill_length_mm", "flipper_length_mm")


def species(bill: float, flipper: float) -> str:
    """The rule, which a test can apply itself."""
    return "Gentoo" if flipper > 205 else "Chinstrap" if bill > 44 else "Adelie"


class Handler(BaseHTTPRequestHandler):
    """Metadata and inference of one model."""

    def do_GET(self) -> None:
        """The model's metadata: one input for each feature."""
        inputs = [{"name": name, "datatype": "FP64", "shape": [-1]} for name in FEATURES]
        self._answer(200 if self.path == PATH else 404, {"name": "rule", "inputs": inputs})

    def do_POST(self) -> None:
        """A species for each row."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        data = {one["name"]: one["data"] for one in asked["inputs"]}
        found = [species(bill, flipper) for bill, flipper in zip(*(data[name] for name in FEATURES), strict=True)]
        self._answer(200, {"outputs": [{"name": "label", "datatype": "BYTES", "shape": [len(found)], "data": found}]})

    def _answer(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


if __name__ == "__main__":
    ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()  # noqa: S104 - in a container that publishes nothing
