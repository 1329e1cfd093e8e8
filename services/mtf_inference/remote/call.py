"""One JSON request: bounded time, bounded size, more tries with backoff, and an error that says what to do."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import httpx2

from mtf.errors import EndpointError, LimitError, SpecError

if TYPE_CHECKING:
    from mtf_inference.loaders.endpoint import EndpointArgs

FIELD = "model.source.url"
RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
REFUSED = frozenset({401, 403, 407})
LONGEST_WAIT = 30.0
BACKOFF = 0.5


class _AgainError(Exception):
    """This try failed in a way that another one may not."""

    def __init__(self, error: EndpointError, wait: float = 0.0) -> None:
        super().__init__(error.message)
        self.error, self.wait = error, wait


class Caller:
    """Posts JSON and gets JSON. No message repeats the address's query, a header or the credential."""

    def __init__(
        self,
        args: EndpointArgs,
        transport: httpx2.BaseTransport,
        secret: str | None,
        deadline: float,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._args, self._deadline, self._sleep = args, deadline, sleep
        parts = urlsplit(args.url)
        self.shown = urlunsplit((parts.scheme, parts.netloc, parts.path, "", ""))
        headers = {"user-agent": "model-testing-framework", "accept": "application/json"}
        if secret is not None:
            headers["authorization"] = f"Bearer {secret}"
        timeout = httpx2.Timeout(args.timeout, connect=args.connect_timeout)
        # Redirects are refused: a POST that moves may lose its body, and the credential must not follow.
        self._client = httpx2.Client(transport=transport, timeout=timeout, headers=headers, follow_redirects=False, trust_env=False)

    def get(self, url: str) -> Any:
        """The JSON behind an address, None where the server knows no such route. Raises EndpointError."""
        return self._persistently("GET", url, None)

    def post(self, url: str, body: Any) -> Any:
        """The JSON that answers `body`. Raises EndpointError, SpecError or LimitError."""
        found = self._persistently("POST", url, json.dumps(body, allow_nan=False).encode())
        if found is None:
            raise EndpointError(f"{self.shown} answered 404", field=FIELD, fix="check the address and the model's name")
        return found

    def _persistently(self, method: str, url: str, body: bytes | None) -> Any:
        for number in range(self._args.retries + 1):
            try:
                return self._once(method, url, body)
            except _AgainError as again:
                wait = min(max(BACKOFF * 2**number * (0.5 + random.random()), again.wait), LONGEST_WAIT)  # noqa: S311 - jitter hides nothing
                if number == self._args.retries or time.monotonic() + wait > self._deadline:
                    raise EndpointError(
                        again.error.message + (f" ({number + 1} tries)" if number else ""),
                        field=FIELD,
                        found=again.error.found,
                        fix=again.error.fix,
                    ) from None
                self._sleep(wait)
        raise AssertionError("the last try returns or raises")

    def _once(self, method: str, url: str, body: bytes | None) -> Any:
        headers = {"content-type": "application/json"} if body is not None else None
        try:
            with self._client.stream(method, url, content=body, headers=headers) as response:
                if method == "GET" and response.status_code in {404, 405, 501}:
                    return None
                data = self._body(response)
                self._check(response, data)
        except httpx2.ConnectTimeout:
            raise _AgainError(self._failed(f"did not accept a connection within {self._args.connect_timeout:g} s")) from None
        except httpx2.TimeoutException:
            raise _AgainError(
                self._failed(f"did not answer within {self._args.timeout:g} s", "raise `timeout`, or lower `batch`")
            ) from None
        except (httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
            raise SpecError("the address is none", field=FIELD, found=str(error)[:100], fix="give an http(s) address") from None
        except httpx2.DecodingError:
            raise self._failed("sent a body that its content-encoding contradicts", "correct the server") from None
        except httpx2.TransportError as error:
            raise _AgainError(self._failed("cannot be reached", found=str(error)[:200] or type(error).__name__)) from None
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            raise self._failed("answered something that is no JSON", "check the address") from None

    def _body(self, response: httpx2.Response) -> bytes:
        data = bytearray()
        for chunk in response.iter_bytes(1 << 16):
            data += chunk
            if len(data) > self._args.max_bytes:
                raise LimitError(
                    f"{self.shown} answered more than {self._args.max_bytes:,} bytes", field="model.source.max_bytes", fix="lower `batch`"
                )
            if time.monotonic() > self._deadline:
                raise LimitError("the endpoint did not finish its answer in time", field="timeout", fix="raise `timeout`")
        return bytes(data)

    def _check(self, response: httpx2.Response, data: bytes) -> None:
        status = response.status_code
        if response.is_success:
            return
        said = " ".join(data[:300].decode(errors="replace").split())
        if status in RETRIED:
            after = response.headers.get("retry-after", "")
            raise _AgainError(self._failed(f"answered {status}", found=said), float(after) if after.isdecimal() else 0.0)
        if status in REFUSED:
            raise EndpointError(
                f"{self.shown} refused access with {status}", field="model.source.credential", fix="give `credential: NAME`"
            )
        if response.is_redirect:
            raise self._failed(f"redirects with {status}", "give the final address")
        raise self._failed(f"answered {status}", "check the address, and what the model expects", found=said)

    def _failed(
        self, what: str, fix: str = "check that the server runs and can be reached from this service", found: str | None = None
    ) -> EndpointError:
        return EndpointError(f"{self.shown} {what}", field=FIELD, found=found, fix=fix)
