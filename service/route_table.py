"""Every route with who may call it, as Markdown: `python -m service.route_table > docs/routes.md`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from service.settings import Settings
from workflow.definition import Role

ROLES = (Role.OPERATOR, Role.SUPERVISOR, Role.PROCESS_OWNER, Role.ADMINISTRATOR, Role.CUSTOMER)
TITLE = """# Who may call what

Made from the guards of the routes by `python -m service.route_table > docs/routes.md`; a test compares it. A token
needs the role and the scope, a signed-in person the role alone. *everybody* marks the public routes; what signed links
show and do asks for the secret in them; a form for everybody must have been shown by us.

| route | operator | supervisor | process owner | administrator | customer | scope |
|---|---|---|---|---|---|---|
"""


def markdown(app: Litestar) -> str:
    """The whole page."""
    return TITLE + "".join(f"{line}\n" for line in sorted(_lines(app)))


def _lines(app: Litestar) -> Iterator[str]:
    for name, handler in handlers(app):
        rights = rights_of(handler)
        if rights is None:
            cells = ["everybody" if not handler.resolve_guards() else "everybody, by our form", *[""] * len(ROLES)]
        else:
            allowed, scope = rights
            cells = ["✓" if role in allowed else "–" for role in ROLES] + [f"`{scope}`" if scope else "any"]
        yield f"| `{name}` | " + " | ".join(cells) + " |"


def handlers(app: Litestar) -> Iterator[tuple[str, HTTPRouteHandler]]:
    """Every method of every route."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            for method in sorted(handler.http_methods - {"OPTIONS", "HEAD"}):
                yield f"{method} {route.path_format}", handler


def rights_of(handler: HTTPRouteHandler) -> tuple[frozenset[Role], str] | None:
    """The roles and the scope its guard asks for; None when it asks for neither."""
    found = [
        guard.__dict__["rights"] for guard in handler.resolve_guards() if "rights" in getattr(guard, "__dict__", {})
    ]
    if not found:
        return None
    allowed = frozenset.intersection(*(roles for roles, _scope in found))
    return allowed, str(found[-1][1])


if __name__ == "__main__":
    from service.app import create_app

    print(markdown(create_app(Settings(home=Path(mkdtemp()), env="test"))), end="")
