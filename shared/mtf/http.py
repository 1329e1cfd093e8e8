"""What every HTTP service has: request ids, one error shape, the token, and documentation without a network."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import SecretStr
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mtf.contracts.problem import FieldProblem, Problem
from mtf.errors import AuthError, BusyError, MtfError, PlatformError
from mtf.logging import CONTEXT, bound

PROBLEM_TYPE = "application/problem+json"
REQUEST_ID = "X-Request-Id"
QUIET_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by machines; logged at DEBUG."""
PROBLEMS: dict[int | str, dict[str, Any]] = {
    422: {"model": Problem, "description": "The request is not valid"},
    "default": {"model": Problem, "description": "Any other problem, in the one error shape"},
}
"""`responses=` of a route or router, so that OpenAPI tells the one error shape."""

_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_TITLES = {404: "There is no such thing", 405: "The method is not allowed", 413: "A limit was exceeded"}
_CODES = {404: "not-found", 405: "method-not-allowed", 413: "limit-exceeded"}
_UNREADABLE = "There was an error parsing the body"
"""What the framework says of bytes that are no text."""
_STATIC = Path(__file__).parent / "static" / "swagger"
_ASSETS = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css", "favicon.png": "image/png"}
_LOGGER = logging.getLogger("mtf.http")
_bearer = HTTPBearer(auto_error=False, description="The token that services show to each other.")


class RequestContext:
    """Gives each request an id (the caller's, where it is sane), logs one line about it, and turns what was not foreseen into a problem."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = given if _GIVEN_ID.fullmatch(given) else secrets.token_hex(8)
        status, began = 0, time.perf_counter()

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
            await send(message)

        with bound(request_id=request_id):
            try:
                await self._app(scope, receive, answer)
            except Exception:  # the outermost frame: what nobody foresaw is logged here and told in the one error shape
                _LOGGER.exception("unforeseen error", extra={"method": scope["method"], "path": scope["path"]})
                if status:  # the answer has begun: breaking it off is all that is left
                    raise
                error = PlatformError("something went wrong on our side", fix="see the service's log under this request id")
                await problem_response(error)(scope, receive, answer)
            finally:
                level = logging.DEBUG if scope["path"] in QUIET_PATHS else logging.INFO
                seconds = round(time.perf_counter() - began, 4)
                fields = {"method": scope["method"], "path": scope["path"][:200], "status": status, "seconds": seconds}
                _LOGGER.log(level, "request", extra=fields)


def problem_response(error: MtfError | Problem, headers: Mapping[str, str] | None = None) -> Response:
    """An error as `application/problem+json`; `instance` is the request's id."""
    problem = error if isinstance(error, Problem) else error.problem()
    request_id = CONTEXT.get().get("request_id")
    if problem.instance is None and request_id is not None:
        problem = problem.model_copy(update={"instance": f"urn:mtf:request:{request_id}"})
    extra = dict(headers or {})
    if isinstance(error, BusyError):
        extra["Retry-After"] = f"{max(1, round(error.retry_after))}"
    if problem.code == AuthError.code:
        extra["WWW-Authenticate"] = "Bearer"
    return Response(problem.model_dump_json(), status_code=problem.status, media_type=PROBLEM_TYPE, headers=extra)


def install(app: FastAPI) -> None:
    """Request ids, the one error shape and the documentation. Call it last, so that its middleware is the outermost."""
    app.add_exception_handler(MtfError, _known)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_middleware(RequestContext)
    _describe_problems(app)
    mount_docs(app)


async def _known(request: Request, error: Exception) -> Response:  # noqa: ARG001 - the framework's signature
    assert isinstance(error, MtfError)  # noqa: S101 - registered for this class
    return problem_response(error)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    status = error.status_code
    detail = str(error.detail)
    if detail == _UNREADABLE:
        return problem_response(_invalid_fields([FieldProblem(field="body", message="the body is not JSON in UTF-8")]))
    if status in {404, 405} and detail in {"Not Found", "Method Not Allowed"}:
        detail = f"{request.method} {request.url.path[:200]} is not something this service answers"
    problem = Problem(
        title=_TITLES.get(status, detail),
        status=status,
        detail=detail,
        code=_CODES.get(status, f"http-{status}"),
        cause="usage" if status < 500 else "platform",  # noqa: PLR2004 - the HTTP boundary
        fix="see /docs for what there is" if status in {404, 405} else None,
    )
    return problem_response(problem, error.headers)


async def _invalid(request: Request, error: Exception) -> Response:  # noqa: ARG001 - the framework's signature
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
    return problem_response(_invalid_fields([_field(one) for one in error.errors()]))


def _invalid_fields(fields: list[FieldProblem]) -> Problem:
    """The problem of a request whose fields are wrong."""
    first = fields[0]
    return Problem(
        title="The request is not valid",
        status=422,
        detail=first.message if len(fields) == 1 else f"{first.message}; {len(fields) - 1} more in `errors`",
        code="request-invalid",
        cause="usage",
        field=first.field,
        found=first.found,
        fix=first.fix,
        errors=fields,
    )


def _field(error: Mapping[str, Any]) -> FieldProblem:
    """One wrong field, without the place of the value (`body`) where the path says enough."""
    place = [str(part) for part in error["loc"]]
    if error["type"] == "json_invalid":
        return FieldProblem(field="body", message=f"the body is not JSON: {error.get('ctx', {}).get('error', error['msg'])}")
    name = ".".join(place[1:] if place[0] in {"body", "query", "path", "header"} and len(place) > 1 else place)
    if isinstance(error.get("input"), bytes):
        return FieldProblem(field="body", message="the body was not sent as JSON", fix="send `Content-Type: application/json`")
    found = None if error["type"] == "missing" else " ".join(repr(error.get("input")).split())[:200]
    return FieldProblem(field=name, found=found, message=f"{name}: {error['msg'][:1].lower()}{error['msg'][1:]}")


def require_token(token: SecretStr | None, *, insecure: bool) -> Callable[..., Awaitable[None]]:
    """A dependency that lets through whoever shows the token. Compared in constant time.

    Without a token set, everything is refused unless `insecure`.
    """
    expected = token.get_secret_value().encode() if token is not None else None

    async def check(request: Request) -> None:
        if insecure and expected is None:
            return
        given: HTTPAuthorizationCredentials | None = await _bearer(request)
        if expected is None:
            raise AuthError(
                "this service has no token, so that it refuses every call", fix="set MTF_TOKEN_FILE, or MTF_INSECURE=true for tests"
            )
        if given is None:
            raise AuthError("the token is missing", field="Authorization", fix="send `Authorization: Bearer TOKEN`")
        if not secrets.compare_digest(given.credentials.encode(), expected):
            raise AuthError("the token is wrong", field="Authorization", fix="send the token that the services share")

    return check


def mount_docs(app: FastAPI) -> None:
    """Swagger UI at `/docs` from files of this package: it works in a network without a way out."""
    base = "/docs/static"

    async def page(request: Request) -> HTMLResponse:
        root = request.scope.get("root_path", "").rstrip("/")
        return get_swagger_ui_html(
            openapi_url=f"{root}{app.openapi_url}",
            title=app.title,
            swagger_js_url=f"{root}{base}/swagger-ui-bundle.js",
            swagger_css_url=f"{root}{base}/swagger-ui.css",
            swagger_favicon_url=f"{root}{base}/favicon.png",
            swagger_ui_parameters={"displayRequestDuration": True, "tryItOutEnabled": True, "defaultModelsExpandDepth": 0},
        )

    async def asset(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _ASSETS:
            raise HTTPException(404)
        return FileResponse(_STATIC / name, media_type=_ASSETS[name], headers={"Cache-Control": "public, max-age=86400"})

    app.add_route("/docs", page, include_in_schema=False)
    app.add_route(f"{base}/{{name}}", asset, include_in_schema=False)


def _describe_problems(app: FastAPI) -> None:
    """Have OpenAPI say `application/problem+json` where a response is a problem."""
    make = app.openapi

    def openapi() -> dict[str, Any]:
        schema = make()
        for path in schema.get("paths", {}).values():
            for operation in path.values():
                for response in operation.get("responses", {}).values():
                    _rename(response.get("content", {}))
        return schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI documents this as the way to extend the schema


def _rename(content: dict[str, Any]) -> None:
    body = content.get("application/json")
    if body is not None and body.get("schema", {}).get("$ref", "").endswith("/Problem"):
        content[PROBLEM_TYPE] = content.pop("application/json")
