"""The switch between the two languages: a form on every page, a cookie for a year."""

from typing import Final, TypedDict

from litestar import post
from litestar.datastructures import Cookie
from litestar.params import URLEncodedBody
from litestar.response import Redirect

from admin.reading import AnyRequest
from service.auth import doors
from service.words import DEFAULT_LANGUAGE, LANGUAGE_COOKIE, LANGUAGES

_YEAR: Final = 365 * 24 * 3600  # seconds


class Choice(TypedDict, total=False):
    """What the form sends; hidden in it, the page to come back to."""

    language: str
    back: str


@post("/language", include_in_schema=False)
async def choose_language(request: AnyRequest, data: URLEncodedBody[Choice]) -> Redirect:
    """Remember the language and go back to the page; an unknown language is the default one."""
    chosen = data.get("language", "")
    cookie = language_cookie(request, chosen if chosen in LANGUAGES else DEFAULT_LANGUAGE)
    return Redirect(own_page(data.get("back", "")), status_code=303, cookies=[cookie])


def language_cookie(request: AnyRequest, language: str) -> Cookie:
    """What remembers the choice in this browser for a year."""
    return Cookie(
        key=LANGUAGE_COOKIE, value=language, max_age=_YEAR, httponly=True, samesite="lax", secure=doors(request).secure
    )


def own_page(path: str) -> str:
    """`path` when it is a page of this site, else the first page: nobody is led elsewhere by our redirects."""
    local = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if local else "/"
