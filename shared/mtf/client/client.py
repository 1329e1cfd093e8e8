"""What a script, a notebook and the command ask of a gateway."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import httpx2

from mtf import spec as run_files
from mtf.client.events import follow
from mtf.client.files import local, uploaded, uploaded_source
from mtf.client.transport import Transport
from mtf.contracts.board import History, Leaderboard
from mtf.contracts.looks import Looks
from mtf.contracts.reevaluation import ReevaluationItem, ReevaluationView, RevisionView
from mtf.contracts.registry import (
    FINAL,
    ComparisonView,
    DatasetVersionView,
    ModelVersionView,
    Page,
    PluginView,
    RunEvent,
    RunView,
    Upload,
)
from mtf.errors import LimitError, ProblemError
from mtf.storage.store import BLOCK, hash_file

READING = 3600.0
"""Seconds that a gateway may take to read a source to its end."""
NOT_FOUND = 404


class Client:
    """A gateway by its address. Use it in a `with` block, or call `close`.

    Args:
        url: `http://127.0.0.1:8000`.
        token: An API token, where the gateway wants one.
        timeout: Seconds that an answer may take.
        patience: Seconds that the gateway may be away while a run is followed.
        transport: Replaces the network, for tests.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        timeout: float = 60.0,
        patience: float = 60.0,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        self._transport = Transport(url, token, timeout=timeout, transport=transport)
        self._patience = patience

    def __enter__(self) -> Self:
        """The client itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    # Runs

    def submit(
        self,
        spec: Mapping[str, Any] | str | Path,
        *,
        base: Path | None = None,
        on_progress: Callable[[int, int], None] | None = None,
        idempotency_key: str | None = None,
    ) -> RunView:
        """Start a run from a run file, by path or as a mapping. Local files that it names are uploaded first, unless the gateway knows them.

        `base` is the folder of relative paths: the run file's by default, else the current one. A request that is sent twice makes one run.
        Raises SpecError with every wrong field.
        """
        document = self._localised(spec, base, on_progress)
        headers = {"Idempotency-Key": idempotency_key or secrets.token_hex(16)}
        return RunView.model_validate(self._transport.json("POST", "/v1/runs", json=document, headers=headers))

    def validate(self, spec: Mapping[str, Any] | str | Path, *, base: Path | None = None) -> list[str]:
        """Check a run file without running it, and return its warnings. Raises SpecError with every wrong field."""
        document = self._localised(spec, base, None)
        answer = self._transport.json("POST", "/v1/validate", json=document)
        return [str(warning) for warning in answer.get("warnings", [])]

    def _localised(
        self, spec: Mapping[str, Any] | str | Path, base: Path | None, on_progress: Callable[[int, int], None] | None
    ) -> dict[str, Any]:
        if isinstance(spec, Mapping):
            document, folder = dict(spec), base or Path.cwd()
        else:
            path = Path(spec)
            document, folder = run_files.read(path), base or path.absolute().parent
        return uploaded(document, folder, lambda path: self.upload(path, on_progress=on_progress).digest)

    def get(self, run_id: str) -> RunView:
        """One run."""
        return RunView.model_validate(self._transport.json("GET", f"/v1/runs/{_part(run_id)}"))

    def list_runs(
        self,
        *,
        cursor: str | None = None,
        limit: int = 50,
        name: str | None = None,
        status: str | None = None,
        tags: list[str] | None = None,
    ) -> Page[RunView]:
        """Runs, newest first. Ask again with the page's `cursor` for the next one."""
        query = _query(cursor=cursor, limit=limit, name=name, status=status, tag=tags)
        return Page[RunView].model_validate(self._transport.json("GET", "/v1/runs", params=query))

    def events(self, run_id: str, *, after: int = 0) -> Iterator[RunEvent]:
        """What happened behind `after` and what happens, until the run is final. A line that breaks is taken up where it broke."""
        seen = after
        while True:
            for event in follow(self._transport, f"/v1/runs/{_part(run_id)}/events", seen, patience=self._patience):
                seen = event.seq
                yield event
            if self.get(run_id).status in FINAL:
                return
            time.sleep(0.5)  # the gateway ended the stream before the run did: it restarts

    def wait(self, run_id: str, on_event: Callable[[RunEvent], None] | None = None, *, timeout: float | None = None) -> RunView:
        """Follow a run to its end and return it. Raises LimitError when that takes more than `timeout` seconds; the run goes on."""
        limit = None if timeout is None else time.monotonic() + timeout
        if on_event is None and limit is not None:
            return self._poll(run_id, limit)
        for event in self.events(run_id):
            if on_event is not None:
                on_event(event)
            if limit is not None and time.monotonic() > limit:
                raise _too_long(run_id)
        return self.get(run_id)

    def _poll(self, run_id: str, limit: float) -> RunView:
        while True:
            view = self.get(run_id)
            if view.status in FINAL:
                return view
            if time.monotonic() > limit:
                raise _too_long(run_id)
            time.sleep(0.3)

    def cancel(self, run_id: str) -> RunView:
        """Ask a run to stop."""
        return RunView.model_validate(self._transport.json("POST", f"/v1/runs/{_part(run_id)}/cancel"))

    def resume(self, run_id: str) -> RunView:
        """Take up a run that was interrupted or failed."""
        return RunView.model_validate(self._transport.json("POST", f"/v1/runs/{_part(run_id)}/resume"))

    def rerun(self, run_id: str) -> RunView:
        """Start the same run file again, as a new run."""
        return RunView.model_validate(self._transport.json("POST", f"/v1/runs/{_part(run_id)}/rerun", again=False))

    def delete(self, run_id: str) -> None:
        """Forget a run that is over."""
        self._transport.request("DELETE", f"/v1/runs/{_part(run_id)}")

    def report(self, run_id: str, kind: str = "json", revision: int | None = None) -> bytes:
        """The report as `json`, `html`, `md`, `csv` or `junit`; the newest evaluation's, or the one with a number."""
        path = f"/v1/runs/{_part(run_id)}"
        if kind == "junit":
            return self._transport.request("GET", f"{path}/junit", params=_query(revision=revision)).content
        return self._transport.request("GET", f"{path}/report", params=_query(format=kind, revision=revision)).content

    def report_place(self, run_id: str, revision: int | None = None) -> str:
        """The address of the HTML report."""
        return f"{self._transport.url}/v1/runs/{_part(run_id)}/report?format=html" + ("" if revision is None else f"&revision={revision}")

    def logs(self, run_id: str) -> bytes:
        """What the stages of a run said, as text."""
        return self._transport.request("GET", f"/v1/runs/{_part(run_id)}/logs", headers={"Accept": "text/plain"}).content

    def artifacts(self, run_id: str) -> list[dict[str, Any]]:
        """Files of a run: name, size, sha256 and href."""
        return list(self._transport.json("GET", f"/v1/runs/{_part(run_id)}/artifacts")["items"])

    def download(self, run_id: str, name: str) -> bytes:
        """One file of a run; `predictions` is the scored rows as Parquet."""
        path = "predictions" if name == "predictions" else f"artifacts/{'/'.join(_part(part) for part in name.split('/'))}"
        return self._transport.request("GET", f"/v1/runs/{_part(run_id)}/{path}").content

    def compare(
        self, *run_ids: str, baseline: str | None = None, metrics: Sequence[str] | None = None, paired: bool = True
    ) -> ComparisonView:
        """Differences of every two runs on the same rows, or of each from the baseline: `compare(a, b)` is a minus b.

        `metrics` are those that decide; their p-values are corrected by Holm. `paired=False` compares runs that scored other rows.
        """
        given = {"baseline": baseline, "metrics": None if metrics is None else list(metrics)}
        document = {"runs": list(run_ids), "paired": paired} | {key: value for key, value in given.items() if value is not None}
        return ComparisonView.model_validate(self._transport.json("POST", "/v1/comparisons", json=document))

    # Over many runs

    def leaderboard(self, *, dataset: str, metric: str, limit: int = 50, rows_key: str | None = None) -> Leaderboard:
        """The models of a dataset on the same test rows, best first; models that cannot be told apart share a rank."""
        query = _query(dataset=dataset, metric=metric, limit=limit, rows_key=rows_key)
        return Leaderboard.model_validate(self._transport.json("GET", "/v1/leaderboard", params=query))

    def history(
        self,
        *,
        metric: str,
        model: str | None = None,
        dataset: str | None = None,
        name: str | None = None,
        limit: int = 20,
        cursor: str | None = None,
    ) -> History:
        """Runs in the order of time, each with its change from the one before."""
        query = _query(metric=metric, model=model, dataset=dataset, name=name, limit=limit, cursor=cursor)
        return History.model_validate(self._transport.json("GET", "/v1/history", params=query))

    def looks(self, dataset: str) -> list[Looks]:
        """How often each set of test rows of a dataset was looked at."""
        answer = self._transport.json("GET", "/v1/looks", params={"dataset": dataset})
        return [Looks.model_validate(item) for item in answer["items"]]

    def reevaluate(self, spec: Mapping[str, Any], *, idempotency_key: str | None = None) -> ReevaluationView:
        """Measure finished runs again: keys of `ReevaluationSpec`. A request that is sent twice begins once."""
        headers = {"Idempotency-Key": idempotency_key or secrets.token_hex(16)}
        return ReevaluationView.model_validate(self._transport.json("POST", "/v1/reevaluations", json=dict(spec), headers=headers))

    def reevaluation(self, key: str) -> ReevaluationView:
        """A re-evaluation, and how far it is."""
        return ReevaluationView.model_validate(self._transport.json("GET", f"/v1/reevaluations/{_part(key)}"))

    def list_reevaluations(self, *, cursor: str | None = None, limit: int = 50) -> Page[ReevaluationView]:
        """Re-evaluations, newest first."""
        answer = self._transport.json("GET", "/v1/reevaluations", params=_query(cursor=cursor, limit=limit))
        return Page[ReevaluationView].model_validate(answer)

    def reevaluation_runs(
        self, key: str, *, cursor: str | None = None, limit: int = 50, status: str | None = None
    ) -> Page[ReevaluationItem]:
        """The runs of a re-evaluation, each with what changed."""
        query = _query(cursor=cursor, limit=limit, status=status)
        return Page[ReevaluationItem].model_validate(self._transport.json("GET", f"/v1/reevaluations/{_part(key)}/runs", params=query))

    def cancel_reevaluation(self, key: str) -> ReevaluationView:
        """Stop a re-evaluation; runs that were measured stay measured."""
        return ReevaluationView.model_validate(self._transport.json("POST", f"/v1/reevaluations/{_part(key)}/cancel"))

    def resume_reevaluation(self, key: str) -> ReevaluationView:
        """Take up one that stopped, or the failed runs of one that ended."""
        return ReevaluationView.model_validate(self._transport.json("POST", f"/v1/reevaluations/{_part(key)}/resume"))

    def revisions(self, run_id: str, *, cursor: str | None = None, limit: int = 50) -> Page[RevisionView]:
        """Every evaluation of a run, newest first."""
        answer = self._transport.json("GET", f"/v1/runs/{_part(run_id)}/revisions", params=_query(cursor=cursor, limit=limit))
        return Page[RevisionView].model_validate(answer)

    # Registries

    def upload(self, path: Path, *, on_progress: Callable[[int, int], None] | None = None) -> Upload:
        """Send a file in a stream, unless the gateway holds it. `on_progress` is told bytes sent and bytes in all."""
        digest, size = hash_file(path)
        try:
            return Upload.model_validate(self._transport.json("GET", f"/v1/uploads/{digest}"))
        except ProblemError as error:
            if error.problem().status != NOT_FOUND:
                raise

        def chunks() -> Iterator[bytes]:
            sent = 0
            with path.open("rb") as file:
                while block := file.read(BLOCK):
                    yield block
                    sent += len(block)
                    if on_progress is not None:
                        on_progress(sent, size)

        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        # Not again: the stream was read to its end. The next submit finds out whether the file arrived.
        answer = self._transport.json(
            "PUT", f"/v1/uploads/{digest}", again=False, params={"name": path.name}, content=chunks(), headers=headers
        )
        return Upload.model_validate(answer)

    def list_datasets(self, *, cursor: str | None = None, limit: int = 50) -> Page[DatasetVersionView]:
        """The newest version of every dataset."""
        return Page[DatasetVersionView].model_validate(
            self._transport.json("GET", "/v1/datasets", params=_query(cursor=cursor, limit=limit))
        )

    def get_dataset(self, name: str, version: int | None = None) -> DatasetVersionView:
        """One version of a dataset, the newest by default."""
        path = f"/v1/datasets/{_part(name)}" + ("" if version is None else f"/versions/{version}")
        return DatasetVersionView.model_validate(self._transport.json("GET", path))

    def dataset_versions(self, name: str, *, cursor: str | None = None, limit: int = 50) -> Page[DatasetVersionView]:
        """Versions of a dataset, newest first."""
        answer = self._transport.json("GET", f"/v1/datasets/{_part(name)}/versions", params=_query(cursor=cursor, limit=limit))
        return Page[DatasetVersionView].model_validate(answer)

    def add_dataset(
        self, name: str, source: Mapping[str, Any], *, base: Path | None = None, roles: Mapping[str, Any] | None = None, **more: Any
    ) -> DatasetVersionView:
        """Make a dataset version; a local file is uploaded. `roles` are target, id, weight, group, time; `more` are types and expect."""
        sent = uploaded_source(dict(source), base or Path.cwd(), lambda path: self.upload(path).digest, "source")
        document = {"name": name, "source": sent, **(roles or {}), **more}
        answer = self._transport.json("POST", "/v1/datasets", json=document, timeout=READING)
        return DatasetVersionView.model_validate(answer)

    def delete_dataset(self, name: str, version: int) -> None:
        """Forget a version that no run uses."""
        self._transport.request("DELETE", f"/v1/datasets/{_part(name)}/versions/{version}")

    def list_models(self, *, cursor: str | None = None, limit: int = 50) -> Page[ModelVersionView]:
        """The newest version of every model."""
        return Page[ModelVersionView].model_validate(self._transport.json("GET", "/v1/models", params=_query(cursor=cursor, limit=limit)))

    def get_model(self, name: str, which: int | str | None = None) -> ModelVersionView:
        """One version of a model by number or alias, the newest by default."""
        tail = {int: f"/versions/{which}", str: f"/aliases/{_part(str(which))}"}.get(type(which), "")
        return ModelVersionView.model_validate(self._transport.json("GET", f"/v1/models/{_part(name)}{tail}"))

    def model_versions(self, name: str, *, cursor: str | None = None, limit: int = 50) -> Page[ModelVersionView]:
        """Versions of a model with their aliases, newest first."""
        answer = self._transport.json("GET", f"/v1/models/{_part(name)}/versions", params=_query(cursor=cursor, limit=limit))
        return Page[ModelVersionView].model_validate(answer)

    def add_model(self, name: str, source: Mapping[str, Any], *, base: Path | None = None, **settings: Any) -> ModelVersionView:
        """Register a model version: a local file, an upload or an endpoint. `settings` are labels, threshold and missing."""
        document: dict[str, Any] = {"name": name, **settings}
        rest = {key: value for key, value in source.items() if key not in {"type", "path", "digest", "name"}}
        if source.get("type") == "file":
            document |= {"upload": self.upload(local(base or Path.cwd(), str(source.get("path")), "source.path")).digest, **rest}
        elif source.get("type") == "upload":
            document |= {"upload": source.get("digest"), **rest}
        else:
            document["endpoint"] = rest
        return ModelVersionView.model_validate(self._transport.json("POST", "/v1/models", json=document))

    def set_alias(self, name: str, alias: str, version: int, *, expected: int | None = None) -> ModelVersionView:
        """Point an alias at a version; `expected` is the version it must point at now, 0 for none."""
        document = {"version": version} | ({} if expected is None else {"expected": expected})
        answer = self._transport.json("PUT", f"/v1/models/{_part(name)}/aliases/{_part(alias)}", json=document)
        return ModelVersionView.model_validate(answer)

    def delete_alias(self, name: str, alias: str) -> None:
        """Forget an alias."""
        self._transport.request("DELETE", f"/v1/models/{_part(name)}/aliases/{_part(alias)}")

    def plugins(self) -> list[PluginView]:
        """The plug-ins of every worker that answers."""
        return [PluginView.model_validate(item) for item in self._transport.json("GET", "/v1/plugins")["items"]]

    def ready(self) -> dict[str, str]:
        """`up` or `degraded` for each part of the stack. Raises ProblemError that names every part that is down."""
        return dict(self._transport.json("GET", "/readyz", again=False)["parts"])

    def run_schema(self) -> dict[str, Any]:
        """The JSON Schema of a run file, with the plug-ins that this gateway has."""
        return dict(self._transport.json("GET", "/v1/schema/run"))


def _part(text: str) -> str:
    """One segment of a path, whatever a caller wrote into it."""
    from urllib.parse import quote

    return quote(text, safe="")


def _query(**parameters: Any) -> dict[str, Any]:
    return {key: value for key, value in parameters.items() if value is not None}


def _too_long(run_id: str) -> LimitError:
    return LimitError(f"run {run_id} is not over yet", field="timeout", fix="it goes on; wait again")
