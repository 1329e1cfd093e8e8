"""The transport between containers: HTTP, with NDJSON events that stream."""

from __future__ import annotations

import asyncio
import contextlib
import math
import random
import time
from collections.abc import AsyncGenerator, Callable
from typing import Any, NoReturn

import httpx2
from pydantic import BaseModel, ValidationError

from mtf.contracts.job import EVENT, AnyEvent, Failed, FingerprintReply, FingerprintRequest, JobRequest, Result, Validated, ValidateRequest
from mtf.contracts.problem import Problem
from mtf.contracts.registry import PluginView
from mtf.errors import AuthError, BusyError, FencedError, MtfError, PlatformError, ProblemError, UnavailableError

CONNECT, QUICK, CALL, SILENCE = 3.0, 10.0, 30.0, 20.0
"""Seconds: to connect, for a call that somebody waits for and that reads no data, for any other plain call, and without any event on a stream."""
TRIES, BACKOFF = 3, 0.25
"""Calls that change nothing are tried so often, with pauses that double and jitter."""
OUTCOMES = ("ok", "client_error", "server_error", "timeout", "connect_error")
"""How a call can go."""


class RemoteWorker:
    """A `mtf.jobs.worker.Worker` behind HTTP.

    Args:
        base_url: Address of the worker, or of whatever spreads calls over its replicas.
        token: What services show to each other; None where the worker accepts calls without.
        name: How messages call this worker.
        client: A client to use instead of an own one, which the caller closes.
        silence: Seconds without any event after which a stream counts as broken.
        connect: Seconds to wait for a connection.
        observe: Told the worker's name and how each call went, one of `OUTCOMES`; a stream that breaks later is told of once more.
    """

    def __init__(
        self,
        base_url: str,
        token: str | None = None,
        *,
        name: str = "worker",
        client: httpx2.AsyncClient | None = None,
        silence: float = SILENCE,
        connect: float = CONNECT,
        observe: Callable[[str, str], None] | None = None,
    ) -> None:
        self.base_url, self.name = base_url.rstrip("/"), name
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._call_timeout = httpx2.Timeout(CALL, connect=connect)
        self._stream_timeout = httpx2.Timeout(silence, connect=connect)
        self._client, self._own = client, client is None
        self._observe = observe or _unobserved

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None and self._own:
            await self._client.aclose()
            self._client = None

    async def validate(self, section: dict[str, Any]) -> Validated:
        """Check a section of a run file. Raises SpecError's problem, or UnavailableError that names the worker."""
        return Validated.model_validate(await self._ask("POST", "/v1/validate", ValidateRequest(section=section), within=QUICK))

    async def fingerprint(self, request: FingerprintRequest) -> FingerprintReply:
        """Key a job."""
        return FingerprintReply.model_validate(await self._ask("POST", "/v1/fingerprint", request))

    async def plugins(self) -> list[PluginView]:
        """The plug-ins that the worker found."""
        return [PluginView.model_validate(one) for one in await self._ask("GET", "/v1/plugins", within=QUICK)]

    async def ready(self) -> None:
        """Return when the worker can take work. Raises UnavailableError."""
        try:
            await self._ask("GET", "/readyz", within=QUICK)
        except ProblemError as error:
            raise UnavailableError(f"{self.name} is not ready: {error.message}", fix=error.fix) from None

    async def run(self, request: JobRequest, *, instance: str | None = None) -> AsyncGenerator[AnyEvent]:
        """Start or attach, then yield events until `result` or `problem`. Closing the iterator only detaches."""
        url = f"{(instance or self.base_url).rstrip('/')}/v1/jobs"
        headers = {**self._traced(request), "Content-Type": "application/json", "Accept": "application/x-ndjson"}
        body = request.model_dump_json(exclude_unset=True)
        with self._translated():
            async with self._http().stream("POST", url, content=body, headers=headers, timeout=self._stream_timeout) as response:
                self._observe(self.name, _outcome(response.status_code))
                if response.status_code != httpx2.codes.OK:
                    await response.aread()
                    _refuse(response, self.name)
                async for line in response.aiter_lines():
                    event = EVENT.validate_json(line)
                    if isinstance(event, Failed) and event.problem.code == FencedError.code:
                        raise FencedError(event.problem.detail, found=event.problem.found)
                    yield event
                    if isinstance(event, Result | Failed):
                        return
        raise UnavailableError(f"{self.name} closed the event stream before the job ended", fix="attach again")

    async def cancel(self, job_id: str, epoch: int, *, instance: str | None = None) -> None:
        """Stop a job within 2 s. Tried again when the worker does not answer: cancelling twice is cancelling once."""
        await self._ask("DELETE", f"/v1/jobs/{job_id}", params={"epoch": epoch}, base=instance)

    async def _ask(
        self,
        method: str,
        path: str,
        body: BaseModel | None = None,
        *,
        params: dict[str, Any] | None = None,
        base: str | None = None,
        within: float | None = None,
    ) -> Any:
        """One call that changes nothing when it is repeated. Raises what the worker reported; none is begun after `within` seconds."""
        give_up = time.monotonic() + (within or math.inf)
        timeout = self._call_timeout if within is None else httpx2.Timeout(within, connect=self._call_timeout.connect)
        url = f"{(base or self.base_url).rstrip('/')}{path}"
        content = None if body is None else body.model_dump_json()
        headers = {**self._headers, "Content-Type": "application/json"}
        for attempt in range(TRIES):
            try:
                with self._translated():
                    response = await self._http().request(method, url, content=content, params=params, headers=headers, timeout=timeout)
                    self._observe(self.name, _outcome(response.status_code))
                    if response.is_error:
                        _refuse(response, self.name)
                    return response.json() if response.content else None
            except UnavailableError:
                if attempt == TRIES - 1 or time.monotonic() > give_up:
                    raise
                await asyncio.sleep(BACKOFF * 2**attempt * random.uniform(0.5, 1.5))  # noqa: S311 - jitter keeps no secret
        raise UnavailableError(f"{self.name} does not answer")

    def _http(self) -> httpx2.AsyncClient:
        """The client, made on first use inside the loop that uses it. Proxies of the environment are not for internal calls."""
        if self._client is None:
            self._client = httpx2.AsyncClient(trust_env=False, limits=httpx2.Limits(max_connections=100, max_keepalive_connections=20))
        return self._client

    def _traced(self, request: JobRequest) -> dict[str, str]:
        return {**self._headers, **({"X-Request-Id": request.request_id} if request.request_id else {})}

    @contextlib.contextmanager
    def _translated(self) -> Any:
        """Transport errors as ours, with the worker's name."""
        try:
            yield
        except httpx2.ConnectError as error:
            self._observe(self.name, "connect_error")
            raise UnavailableError(
                f"{self.name} cannot be reached", found=_reason(error), fix="see whether it runs, and its address"
            ) from None
        except httpx2.TimeoutException as error:
            self._observe(self.name, "timeout")
            raise UnavailableError(f"{self.name} does not answer in time", found=_reason(error)) from None
        except httpx2.TransportError as error:
            self._observe(self.name, "connect_error")
            raise UnavailableError(f"the connection to {self.name} broke", found=_reason(error)) from None
        except ValidationError as error:
            raise PlatformError(f"{self.name} answered something that is no event", found=_reason(error)) from None
        except ValueError as error:
            raise PlatformError(f"{self.name} answered something that is not JSON", found=_reason(error)) from None


def _outcome(status: int) -> str:
    return "ok" if status < httpx2.codes.BAD_REQUEST else "client_error" if status < httpx2.codes.INTERNAL_SERVER_ERROR else "server_error"


def _unobserved(name: str, outcome: str) -> None:
    """Nobody counts."""


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".split("\n")[0][:200]


def _refuse(response: httpx2.Response, name: str) -> NoReturn:
    """Raise what an answer other than 2xx means."""
    try:
        problem = Problem.model_validate_json(response.content)
    except ValidationError:
        raise UnavailableError(f"{name} answered with status {response.status_code} and no problem document") from None
    raise _error(problem, response)


def _error(problem: Problem, response: httpx2.Response) -> MtfError:
    if problem.code == BusyError.code:
        return BusyError(problem.detail, retry_after=_retry_after(response))
    if problem.code == FencedError.code:
        return FencedError(problem.detail, found=problem.found)
    if problem.code == UnavailableError.code:
        return UnavailableError(problem.detail, field=problem.field, found=problem.found, fix=problem.fix, stage=problem.stage)
    if problem.code == AuthError.code:
        return PlatformError(f"the worker refused our token: {problem.detail}", fix="give every service the same MTF_TOKEN")
    return ProblemError(problem)


def _retry_after(response: httpx2.Response) -> float:
    try:
        return max(0.0, float(response.headers.get("Retry-After", "1")))
    except ValueError:
        return 1.0
