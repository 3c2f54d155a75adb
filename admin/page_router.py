"""The router every group of pages stands on: strict headers, error pages of the house, no place in the API's schema."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litestar import Response, Router
from litestar.types import ControllerRouterHandler

from admin.errors import page_errors
from admin.pages import security_headers


def page_router(handlers: Sequence[ControllerRouterHandler], *, path: str = "/") -> Router:
    """Pages under `path`."""
    return Router(
        path=path,
        route_handlers=list(handlers),
        exception_handlers=page_errors(),
        after_request=_with_headers,
        include_in_schema=False,
    )


async def _with_headers(response: Response[Any]) -> Response[Any]:
    for name, value in security_headers().items():
        response.headers.setdefault(name, value)
    return response
