"""Whether this process lives, and whether it can work."""

from __future__ import annotations

import msgspec
from litestar import Response, get

from service.database import fetchval


class Health(msgspec.Struct, frozen=True):
    """How it is, in a word."""

    status: str


@get("/health/live", operation_id="live", summary="Does the process live", tags=["Health"])
async def live() -> Health:
    """200 as long as the process answers at all."""
    return Health("alive")


@get("/health/ready", operation_id="ready", summary="Can it work", tags=["Health"])
async def ready() -> Response[Health]:
    """200 when the database answers and a regulation is in force; 503 otherwise."""
    published = await fetchval("SELECT EXISTS (SELECT FROM regulation)")
    if not published:
        return Response(Health("no regulation has been published"), status_code=503, headers={"Retry-After": "5"})
    return Response(Health("ready"))
