"""`/v1/uploads`: files by the digest of their bytes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response

from mtf.contracts.registry import Upload
from mtf_gateway.routes.examples import UPLOAD_BODY
from mtf_gateway.routes.parts import Caller, PartsDep, caller
from mtf_gateway.routes.problems import problems

router = APIRouter(prefix="/v1/uploads", tags=["uploads"], dependencies=[Depends(caller)])

Digest = Annotated[str, Path(max_length=100, description="SHA-256 of the file in hexadecimal, as `sha256sum FILE` prints it.")]
FileName = Annotated[str | None, Query(max_length=1000, description="What the file is called; its ending helps to tell the format.")]
Size = Annotated[int | None, Header(alias="Content-Length", ge=0, include_in_schema=False)]
BODY: dict[str, Any] = {"requestBody": UPLOAD_BODY}


@router.post("", status_code=201, summary="Upload a file", responses=problems(401, 413, 422, 429, 503), openapi_extra=BODY)
async def create(
    *, request: Request, response: Response, parts: PartsDep, who: Caller, name: FileName = None, content_length: Size = None
) -> Upload:
    """Store the request's body, whatever it is, and answer with its digest. It streams: memory does not grow with the file.

    The file is looked at by its first bytes only; nothing is loaded. An upload that fails leaves nothing behind.
    """
    upload = await parts.uploads.receive(request.stream(), created_by=who, name=name, announced=content_length)
    return _stored(upload, response)


@router.put(
    "/{digest}", status_code=201, summary="Upload a file under its digest", responses=problems(401, 413, 422, 429, 503), openapi_extra=BODY
)
async def put(
    *,
    request: Request,
    response: Response,
    parts: PartsDep,
    who: Caller,
    digest: Digest,
    name: FileName = None,
    content_length: Size = None,
) -> Upload:
    """Store the request's body when it has this digest; 422 and nothing stored when it has another. Ask `HEAD` first: it may be known."""
    upload = await parts.uploads.receive(request.stream(), created_by=who, digest=digest, name=name, announced=content_length)
    return _stored(upload, response)


@router.head("/{digest}", status_code=204, summary="Ask whether a file is known", responses=problems(401, 404, 422, 429, 503))
async def head(parts: PartsDep, digest: Digest) -> Response:
    """204 when the gateway holds the file, 404 when it does not."""
    upload = await parts.uploads.find(digest)
    return Response(status_code=204, headers={"ETag": f'"{upload.digest}"'})


@router.get("/{digest}", summary="Look at an upload", responses=problems(401, 404, 422, 429, 503))
async def get(parts: PartsDep, digest: Digest) -> Upload:
    """Size, name and kind of an uploaded file."""
    return await parts.uploads.find(digest)


def _stored(upload: Upload, response: Response) -> Upload:
    response.headers["Location"] = f"/v1/uploads/{upload.digest}"
    return upload
