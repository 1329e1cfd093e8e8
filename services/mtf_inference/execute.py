"""Stage 3 in the child: fork the model process first, then read rows, ask, check, write."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mtf import plugins
from mtf.contracts.stages import InferenceSpec
from mtf.errors import PlatformError, SpecError
from mtf.jobs.child import JobContext
from mtf.plugins import StageOutcome
from mtf_inference.host import Guest
from mtf_inference.policy import Policy, settled
from mtf_inference.rows import RowSet
from mtf_inference.scorer import Direct, Scorer
from mtf_inference.scoring import Scoring
from mtf_inference.sniff import HEAD, agree


def execute(job: JobContext) -> StageOutcome:
    """Score every row set with one load of the model. Inputs, outputs and facts: `InferenceSpec`.

    Raises SpecError for a wrong spec, DataError for rows that contradict it, ModelError for a model that fails or answers nonsense,
    EndpointError for one that cannot be reached, LimitError for time and memory, PlatformError for a sandbox that is too weak.
    """
    # The worker kills at its own deadline; this one comes a little earlier, so that a model that hangs is named as the reason.
    deadline = time.monotonic() + job.limits.timeout - min(2.0, 0.1 * job.limits.timeout)
    spec = InferenceSpec.model_validate(job.spec)
    with _scorer(job, spec, deadline) as scorer:
        job.progress(0, None, "rows", "opening the model")
        return Scoring(job, spec, scorer).run()


@contextmanager
def _scorer(job: JobContext, spec: InferenceSpec, deadline: float) -> Iterator[Scorer]:
    """Whoever answers: a process of its own for what can run code, this one for data files and endpoints."""
    loader = plugins.load("loader", spec.loader.name)
    args = loader.Args.model_validate(spec.loader.args)
    policy, regression = Policy.of(job.options), spec.task == "regression"
    policy.admit(loader)
    if loader.remote:
        yield Direct(loader.connect(args, job.source, deadline, regression=regression), regression=regression)
    elif getattr(loader, "aligned", False):
        path = given(job, "predictions", "model")
        yield Direct(loader.align(path, args, id_column=spec.id_column, rows=_total(job, spec)), regression=regression)
    else:
        path = given(job, "model")
        with path.open("rb") as file:
            agree(file.read(HEAD), loader, None)
        limits = job.limits
        with Guest(loader, path, args, regression=regression, memory=limits.memory, cpus=limits.cpus, deadline=deadline) as guest:
            settled(policy, loader, guest.level, guest.lacking)
            yield guest


def given(job: JobContext, *names: str) -> Path:
    """The first input of these names. Raises PlatformError when there is none."""
    for name in names:
        if name in job.inputs:
            return job.inputs[name]
    raise PlatformError(f"the job has no input `{names[0]}`")


def _total(job: JobContext, spec: InferenceSpec) -> int:
    """Rows of the only row set, for predictions that come in a file. Raises SpecError where several are asked for."""
    if len(spec.row_sets) != 1:
        raise SpecError("a predictions file covers one row set", field="model.source", found=", ".join(spec.row_sets))
    with RowSet(given(job, f"{spec.row_sets[0]}.features"), given(job, f"{spec.row_sets[0]}.context")) as rows:
        return rows.rows
