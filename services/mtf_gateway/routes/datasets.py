"""`/v1/datasets`: named series of immutable versions."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Response
from pydantic import Field

from mtf.contracts.base import Name
from mtf.contracts.registry import DatasetVersionView, Page
from mtf.contracts.run import ExpectSpec, SourceSpec
from mtf.contracts.stages import Roles
from mtf_gateway.routes.body import Document
from mtf_gateway.routes.examples import DATASETS
from mtf_gateway.routes.parts import Caller, Cursor, Limit, NamePath, PartsDep, Version, caller
from mtf_gateway.routes.problems import problems

router = APIRouter(prefix="/v1/datasets", tags=["datasets"], dependencies=[Depends(caller)])


class NewDataset(Document):
    """A version to be made: where it comes from, and what its columns mean to every run that names it."""

    name: Name
    source: SourceSpec
    target: str | None = Field(default=None, min_length=1, description="The column that holds the truth.")
    id: str | None = Field(default=None, description="The column that names a row.")
    weight: str | None = None
    group: str | None = None
    time: str | None = None
    features: list[str] | None = None
    drop: list[str] = Field(default_factory=list)
    types: dict[str, str] = Field(default_factory=dict, description="Declared column types.")
    expect: ExpectSpec | None = None

    @property
    def section(self) -> dict[str, Any]:
        """What the acquisition worker validates."""
        expect = None if self.expect is None else self.expect.model_dump(exclude_none=True)
        return {"source": self.source.model_dump(), "types": self.types, "expect": expect}

    @property
    def roles(self) -> Roles:
        """What the columns mean."""
        return Roles.model_validate(self.model_dump(include=set(Roles.model_fields)))


@router.post(
    "",
    status_code=201,
    response_model=DatasetVersionView,
    summary="Make a dataset version",
    responses={
        200: {"model": DatasetVersionView, "description": "The newest version has this very content"},
        **problems(401, 413, 422, 429, 502, 503),
    },
)
async def create(
    parts: PartsDep, who: Caller, new: Annotated[NewDataset, Body(openapi_examples=DATASETS)], response: Response
) -> DatasetVersionView:
    """Read a source to its end, store it as Parquet with schema and profile, and register it by the digest of its content.

    The answer comes when the source has been read. A request that was cut off may be sent again: what was read is not read twice.
    """
    view, created = await parts.datasets.create(new.name, new.section, new.roles, created_by=who)
    response.status_code = 201 if created else 200
    response.headers["Location"] = f"/v1/datasets/{view.name}/versions/{view.version}"
    return view


@router.get("", summary="List datasets", responses=problems(401, 422, 429, 503))
async def list_newest(parts: PartsDep, cursor: Cursor = None, limit: Limit = 50) -> Page[DatasetVersionView]:
    """The newest version of every dataset, by name."""
    return await parts.datasets.list_newest(cursor=cursor, limit=limit)


@router.get("/{name}", summary="Look at a dataset", responses=problems(401, 404, 422, 429, 503))
async def get(parts: PartsDep, name: NamePath) -> DatasetVersionView:
    """The newest version of one dataset."""
    return await parts.datasets.find(name)


@router.get("/{name}/versions", summary="List the versions of a dataset", responses=problems(401, 404, 422, 429, 503))
async def list_versions(
    parts: PartsDep,
    name: NamePath,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[DatasetVersionView]:
    """Versions, newest first."""
    return await parts.datasets.list_versions(name, cursor=cursor, limit=limit)


@router.get("/{name}/versions/{version}", summary="Look at a dataset version", responses=problems(401, 404, 422, 429, 503))
async def version_of(parts: PartsDep, name: NamePath, version: Version) -> DatasetVersionView:
    """One version with its columns, their profile and where they came from."""
    return await parts.datasets.find(name, version)


@router.delete(
    "/{name}/versions/{version}", status_code=204, summary="Delete a dataset version", responses=problems(401, 404, 409, 422, 429, 503)
)
async def delete(parts: PartsDep, name: NamePath, version: Version) -> Response:
    """Forget a version that no run uses. Its number is never given again."""
    await parts.datasets.delete(name, version)
    return Response(status_code=204)
