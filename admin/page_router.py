"""The router a group of pages stands on: pages have no place in the API's schema."""

from __future__ import annotations

from collections.abc import Sequence

from litestar import Router
from litestar.types import ControllerRouterHandler

from service.auth import FOR_PEOPLE


def page_router(handlers: Sequence[ControllerRouterHandler], *, path: str = "/") -> Router:
    """Pages under `path`. Headers and errors are the application's: see `service.envelope` and `service.problems`."""
    return Router(path=path, route_handlers=list(handlers), include_in_schema=False, opt={FOR_PEOPLE: True})
