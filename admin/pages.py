"""Turns a template and a reader into a page."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from litestar import Response
from markupsafe import Markup, escape

from admin import marks
from admin.drawn_once import READING, Once, read_by_nobody
from admin.navigation import ROLE_NAMES, Place, places_for
from admin.static_files import static_url
from admin.time_bars import Tone
from service import notices, words
from service.paging import COUNTED
from service.words import DEFAULT_LANGUAGE, Language
from workflow.definition import STAFF, Role

DEFAULT_ZONE: Final = ZoneInfo("Europe/Moscow")
TEMPLATES: Final = Path(__file__).parent / "templates"
CSRF_FIELD: Final = "_csrf_token"  # the name that Litestar's middleware looks for


@dataclass(frozen=True, slots=True)
class Flash:
    """A sentence shown once after a redirect: what was done, or why not; `ticket` is the id of one it leads to."""

    text: str
    tone: Literal["done", "refused", "note"] = "done"
    ticket: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Who reads the page, in which language and zone, and at which moment."""

    at: datetime
    path: str
    language: Language = DEFAULT_LANGUAGE
    zone: ZoneInfo = DEFAULT_ZONE
    name: str = ""
    role: Role | None = None
    csrf_token: str = ""
    flashes: tuple[Flash, ...] = ()
    unread: int | None = None  # notices under the bell; None for whoever has no bell

    @property
    def signed_in(self) -> bool:
        return self.role is not None

    @property
    def searches(self) -> bool:
        return self.role in STAFF

    @property
    def sign_out_path(self) -> str:
        """Where the way out leads: the cabinet has a door of its own."""
        return "/cabinet/sign-out" if self.role is Role.CUSTOMER else "/sign-out"

    @property
    def places(self) -> tuple[Place, ...]:
        return places_for(self.role)

    @property
    def place(self) -> Place | None:
        """The link of the navigation that this page stands below."""
        return next((place for place in self.places if place.holds(self.path)), None)


def render(
    template: str,
    reading: Reading,
    /,
    *,
    status_code: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: object,
) -> Response[str]:
    """The page; pages of signed-in readers are kept by no cache."""
    kept = {"Cache-Control": "no-store"} if reading.signed_in else {}
    return Response(
        render_text(template, reading, **values),
        status_code=status_code,
        media_type="text/html",
        headers={**kept, **(headers or {})},
    )


def render_text(template: str | Template, reading: Reading, /, **values: object) -> str:
    """The markup alone, for fragments and tests."""
    token = READING.set(reading)
    try:
        return environment().get_template(template).render(reading=reading, **values)
    finally:
        READING.reset(token)


def drawn_for_nobody(template: str, language: Language, /, **values: object) -> Markup:
    """A part of a page that may be kept and shown to everybody: it knows of its reader only what `values` say."""
    with read_by_nobody(language) as nobody:
        return Markup(render_text(template, nobody, **values))  # noqa: S704  a template's own output


def security_headers() -> dict[str, str]:
    """What every page carries: no inline script or style, nothing from elsewhere, no frame around us."""
    return {
        "Content-Security-Policy": (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
            "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        ),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }


@cache
def environment() -> Environment:
    """The templates, compiled once and kept: a release does not change its templates while it runs."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
        extensions=[Once],
    )
    made.globals.update(
        t=_t,
        ngettext=_ngettext,
        when=_when,
        duration=_duration,
        working_duration=_working_duration,
        day=_day,
        whole=_whole,
        clock_time=_clock_time,
        number=_number,
        counted=_counted,
        percent=_percent,
        file_size=_file_size,
        role_name=_role_name,
        unread_count=unread_count,
        zone_name=_zone_name,
        csrf_input=_csrf_input,
        priority_badge=marks.priority_badge,
        state_badge=marks.state_badge,
        time_bar=_time_bar,
        url=url,
        static_url=static_url,
        reader=READING.get,
        languages=words.LANGUAGES,
    )
    return made


def url(path: str, /, **query: object) -> str:
    """`path` with its query; what is None or empty is left out, and a list repeats its name."""
    asked = {name: value for name, value in query.items() if value not in (None, "", [], ())}
    return f"{path}?{urlencode(asked, doseq=True)}" if asked else path


def _t(msgid: str, /, **params: object) -> str:
    text = words.translate(READING.get().language, msgid)
    if not params:
        return text
    if any(hasattr(value, "__html__") for value in params.values()):
        return Markup(text).format(**params)  # noqa: S704  (our own sentence; its values are escaped)
    return text.format(**params)


def _ngettext(singular: str, plural: str, n: int, /, **params: object) -> str:
    return words.ngettext(READING.get().language, singular, plural, n, **params)


def _when(moment: datetime) -> Markup:
    return when(READING.get(), moment)


def when(reading: Reading, moment: datetime) -> Markup:
    """The moment in the reader's words; the hover tells the instant and its zone, the script keeps the words fresh."""
    said = words.relative(reading.language, moment, at=reading.at, zone=reading.zone)
    return Markup(f"{_opened(moment, reading.language, reading.zone)}{escape(said)}</time>")  # noqa: S704


@lru_cache(maxsize=4096)
def _opened(moment: datetime, language: Language, zone: ZoneInfo) -> str:
    """The element, up to the words that change with the time that passes."""
    instant = moment.astimezone(UTC).isoformat(timespec="seconds")
    return f'<time datetime="{instant}" title="{escape(words.exact(language, moment, zone=zone))}" data-relative>'


def _whole(number: str) -> Markup:
    """The number of a ticket, which no line parts at its hyphen."""
    return Markup('<span class="whole">{}</span>').format(number)


def _duration(length: timedelta) -> str:
    return words.duration(READING.get().language, length)


def _working_duration(length: timedelta) -> str:
    return words.working_duration(READING.get().language, length)


def _day(when: date) -> str:
    return words.day(READING.get().language, when)


def _clock_time(moment: datetime) -> str:
    reading = READING.get()
    return words.clock_time(reading.language, moment, zone=reading.zone)


def _number(value: float) -> str:
    return words.number(READING.get().language, value)


def _counted(n: int, most: int = COUNTED) -> str:
    return words.counted(READING.get().language, n, most=most)


def _percent(share: float) -> str:
    return words.percent(READING.get().language, share)


def _file_size(size: int) -> str:
    return words.file_size(READING.get().language, size)


def unread_count(unread: int) -> str:
    """As the bell says it: no larger figure helps."""
    return _counted(unread, notices.COUNTED)


def _role_name(role: Role) -> str:
    return _t(ROLE_NAMES[role])


def _zone_name() -> str:
    reading = READING.get()
    return words.zone_name(reading.language, reading.zone)


def _time_bar(tone: Tone, share: float, said: str, exact: str = "") -> Markup:
    return marks.time_bar(READING.get().language, tone, share, said, exact)


def _csrf_input() -> Markup:
    return Markup(f'<input type="hidden" name="{CSRF_FIELD}" value="{escape(READING.get().csrf_token)}">')  # noqa: S704
