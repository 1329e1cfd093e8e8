"""`/v1/models`: named series of immutable versions, and the aliases that move between them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Header, Response
from pydantic import Field, model_validator

from mtf.contracts.base import Name, Sha256
from mtf.contracts.registry import ModelVersionView, Page
from mtf.errors import UsageError
from mtf_gateway.routes.body import Document
from mtf_gateway.routes.examples import ALIASES, MODELS
from mtf_gateway.routes.parts import Caller, Cursor, Limit, NamePath, PartsDep, Version, caller
from mtf_gateway.routes.problems import problems

router = APIRouter(prefix="/v1/models", tags=["models"], dependencies=[Depends(caller)])


class NewModelVersion(Document):
    """A version to be registered: an uploaded file, or an endpoint."""

    name: Name
    upload: Sha256 | None = Field(default=None, description="Digest of an uploaded model file.")
    format: str | None = Field(default=None, max_length=100, description="The loader, where the file's header does not tell.")
    endpoint: dict[str, Any] | None = Field(
        default=None, description="Arguments of the `endpoint` loader: `url` and the like. Secrets by `credential: NAME`."
    )
    labels: list[Any] | None = Field(default=None, description="Labels in the order of the scores, for a format that carries none.")
    threshold: float | None = Field(default=None, ge=0, le=1)
    missing: str | None = Field(default=None, pattern="^(error|exclude)$")

    @model_validator(mode="after")
    def _one_origin(self) -> NewModelVersion:
        if (self.upload is None) == (self.endpoint is None):
            raise ValueError("give exactly one of `upload` and `endpoint`")
        return self

    @property
    def settings(self) -> dict[str, Any]:
        """What a run's model section may say besides the source."""
        return self.model_dump(include={"labels", "threshold", "missing"}, exclude_none=True)


class AliasMove(Document):
    """Where an alias shall point."""

    version: int = Field(ge=1, le=2**31 - 1)
    expected: int | None = Field(
        default=None, ge=0, le=2**31 - 1, description="The version it points at now, 0 for none; else 409. Absent: anywhere."
    )


@router.post(
    "",
    status_code=201,
    response_model=ModelVersionView,
    summary="Register a model version",
    responses={
        200: {"model": ModelVersionView, "description": "The newest version is this very model"},
        **problems(401, 404, 422, 429, 503),
    },
)
async def create(
    parts: PartsDep, who: Caller, new: Annotated[NewModelVersion, Body(openapi_examples=MODELS)], response: Response
) -> ModelVersionView:
    """Register an uploaded file or an endpoint. The inference worker says which loader opens it, from its first bytes; nothing is loaded."""
    if new.upload is not None:
        made = await parts.model_files.from_upload(new.upload, declared=new.format, settings=new.settings)
    else:
        made = await parts.model_files.from_endpoint(new.endpoint or {}, settings=new.settings)
    view, created = await parts.models.create(new.name, made, created_by=who)
    response.status_code = 201 if created else 200
    response.headers["Location"] = f"/v1/models/{view.name}/versions/{view.version}"
    return view


@router.get("", summary="List models", responses=problems(401, 422, 429, 503))
async def list_newest(parts: PartsDep, cursor: Cursor = None, limit: Limit = 50) -> Page[ModelVersionView]:
    """The newest version of every model, by name."""
    return await parts.models.list_newest(cursor=cursor, limit=limit)


@router.get("/{name}", summary="Look at a model", responses=problems(401, 404, 422, 429, 503))
async def get(parts: PartsDep, name: NamePath) -> ModelVersionView:
    """The newest version of one model."""
    return await parts.models.find(name)


@router.get("/{name}/versions", summary="List the versions of a model", responses=problems(401, 404, 422, 429, 503))
async def list_versions(
    parts: PartsDep,
    name: NamePath,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[ModelVersionView]:
    """Versions with their aliases, newest first."""
    return await parts.models.list_versions(name, cursor=cursor, limit=limit)


@router.get("/{name}/versions/{version}", summary="Look at a model version", responses=problems(401, 404, 422, 429, 503))
async def version_of(parts: PartsDep, name: NamePath, version: Version) -> ModelVersionView:
    """One version."""
    return await parts.models.find(name, version)


@router.delete(
    "/{name}/versions/{version}", status_code=204, summary="Delete a model version", responses=problems(401, 404, 409, 422, 429, 503)
)
async def delete(parts: PartsDep, name: NamePath, version: Version) -> Response:
    """Forget a version that no run uses and no alias names. Its number is never given again."""
    await parts.models.delete(name, version)
    return Response(status_code=204)


@router.get("/{name}/aliases/{alias}", summary="Look at an alias", responses=problems(401, 404, 422, 429, 503))
async def alias_of(parts: PartsDep, name: NamePath, alias: NamePath, response: Response) -> ModelVersionView:
    """The version that an alias points at. The `ETag` is what `If-Match` of the next move wants."""
    view = await parts.models.find(name, alias)
    response.headers["ETag"] = f'"{view.version}"'
    return view


@router.put("/{name}/aliases/{alias}", summary="Point an alias at a version", responses=problems(401, 404, 409, 422, 429, 503))
async def point(
    *,
    parts: PartsDep,
    who: Caller,
    name: NamePath,
    alias: NamePath,
    move: Annotated[AliasMove, Body(openapi_examples=ALIASES)],
    response: Response,
    if_match: Annotated[str | None, Header(description='The ETag of the alias as you saw it, `"3"`; 409 when it has moved since.')] = None,
) -> ModelVersionView:
    """Move an alias, or make it, by compare-and-swap: of two who move it from the same version, one gets 409."""
    expected = move.expected if if_match is None else _version_in(if_match)
    anywhere = expected is None
    view = await parts.models.point(name, alias, move.version, expected=expected or None, anywhere=anywhere, by=who)
    response.headers["ETag"] = f'"{view.version}"'
    return view


@router.delete("/{name}/aliases/{alias}", status_code=204, summary="Delete an alias", responses=problems(401, 404, 422, 429, 503))
async def drop_alias(parts: PartsDep, name: NamePath, alias: NamePath) -> Response:
    """Forget an alias; the version it named stays."""
    await parts.models.drop_alias(name, alias)
    return Response(status_code=204)


def _version_in(etag: str) -> int:
    text = etag.strip().removeprefix("W/").strip('"')
    if not text.isdigit() or len(text) > len(str(2**31)):
        raise UsageError("that is no ETag of an alias", field="If-Match", found=etag, fix='send the version in quotes, `"3"`')
    return int(text)
