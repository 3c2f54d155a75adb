"""What people read, in their language: sentences, plural forms, moments, durations, numbers."""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache, lru_cache
from pathlib import Path
from typing import Final, Literal, get_args

from babel import Locale
from babel.dates import format_date, get_timezone_location
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from babel.units import format_unit

Language = Literal["ru", "en"]

LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
DEFAULT_LANGUAGE: Final[Language] = "ru"
LANGUAGE_COOKIE: Final = "language"
CATALOGUE: Final = Path(__file__).parent / "locale" / "ru.po"

# The order of the forms in ru.po, by the names that CLDR gives them.
_RUSSIAN_FORMS: Final = {"one": 0, "few": 1, "many": 2}
_LOCALES: Final = {"ru": Locale("ru"), "en": Locale("en", "GB")}  # the clock of 24 hours in both

_MINUTE: Final = timedelta(minutes=1)
_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_COUNTED_BEFORE: Final = timedelta(hours=6)  # «через 2 ч 10 мин» says more than an hour of the clock
_COUNTED_AFTER: Final = timedelta(hours=1)


def translate(language: Language, msgid: str, /, **params: object) -> str:
    """The sentence in `language`, its `{names}` filled; an unknown sentence stays as it was written."""
    text = msgid if language == "en" else _russian().get(msgid, (msgid,))[0]
    return text.format(**params) if params or "{{" in text else text


def ngettext(language: Language, singular: str, plural: str, n: int, /, **params: object) -> str:
    """The form that goes with `n`; the sentence may use `{n}`."""
    return _form(language, singular, plural, n).format(n=number(language, n), **params)


def negotiate(*, cookie: str | None, accept_language: str | None) -> Language:
    """The reader's own choice, else the best of what the browser asks for (RFC 9110, 12.5.4), else Russian."""
    for wanted in (cookie or "", *_by_preference(accept_language or "")):
        for language in LANGUAGES:
            if wanted.split("-")[0] == language:
                return language
    return DEFAULT_LANGUAGE


def duration(language: Language, length: timedelta) -> str:
    """Time by the wall clock in its two largest units: «3 дн. 4 ч», «2 ч 10 мин»; the sign is dropped."""
    length = abs(length)
    if length < 2 * _DAY:
        return working_duration(language, length)
    days, rest = divmod(length, _DAY)
    return _units(language, ("day", days), ("hour", rest // _HOUR))


def working_duration(language: Language, length: timedelta) -> str:
    """Time on a clock of the regulation, in hours and minutes: days would not say how long a day is."""
    length = abs(length)
    if length < _MINUTE:
        return translate(language, "less than a minute")
    hours, rest = divmod(length, _HOUR)
    return _units(language, ("hour", hours), ("minute", rest // _MINUTE))


def relative(language: Language, moment: datetime, *, at: datetime, zone: tzinfo) -> str:
    """`moment` as one says it at `at` in `zone`: «через 2 ч 10 мин», «вчера в 14:05», «3 мая 2025 в 09:00»."""
    ahead = moment - at
    if -_MINUTE < ahead <= timedelta():
        return translate(language, "just now")
    if timedelta() < ahead < _MINUTE:
        return translate(language, "in less than a minute")
    if timedelta() < ahead < _COUNTED_BEFORE:
        return translate(language, "in {duration}", duration=duration(language, ahead))
    if -_COUNTED_AFTER < ahead < timedelta():
        return translate(language, "{duration} ago", duration=duration(language, ahead))
    return _by_the_clock(language, moment.astimezone(zone), today=at.astimezone(zone).date())


@lru_cache(maxsize=8192)  # the moments of a queue and of a talk are read by many, many times
def exact(language: Language, moment: datetime, *, zone: tzinfo) -> str:
    """The instant in full, with the name and the offset of its zone: for the hover and for print."""
    local = moment.astimezone(zone)
    date_in_full = _date(language, local.date(), "EEEE, d MMMM y")
    return f"{date_in_full}, {local:%H:%M:%S} ({zone_name(language, zone)}, {_offset(local)})"


def clock_time(language: Language, moment: datetime, *, zone: tzinfo) -> str:
    """Hours and minutes of `moment` in `zone`."""
    return f"{moment.astimezone(zone):%H:%M}"


def day(language: Language, when: date) -> str:
    """A date as it stands in a sentence: «3 мая 2025»."""
    return _date(language, when, "d MMMM y")


@cache
def zone_name(language: Language, zone: tzinfo) -> str:
    """The city of the zone, in the reader's language."""
    if zone is UTC or str(zone) == "UTC":
        return "UTC"
    return get_timezone_location(zone, locale=_LOCALES[language], return_city=True)


@lru_cache(maxsize=4096)
def number(language: Language, value: float) -> str:
    """A number with the language's own separators."""
    return format_decimal(value, locale=_LOCALES[language])


def counted(language: Language, n: int, *, most: int) -> str:
    """A number that was counted no further than `most + 1`: «999+»."""
    return f"{number(language, min(n, most))}{'+' * (n > most)}"


def percent(language: Language, share: float) -> str:
    """A share of one as per cent, to one decimal."""
    return format_percent(
        share, "#,##0.#\N{NO-BREAK SPACE}%" if language == "ru" else "#,##0.#%", locale=_LOCALES[language]
    )


def file_size(language: Language, size: int) -> str:
    """Bytes in the unit a person would choose (thousands, as mail programs count)."""
    for limit, unit in ((1_000, "byte"), (1_000_000, "kilobyte"), (1_000_000_000, "megabyte")):
        if size < limit:
            return _unit(language, f"digital-{unit}", round(size / limit * 1_000, 1 if size > 1_000_000 else 0))
    return _unit(language, "digital-gigabyte", round(size / 1_000_000_000, 1))


def _by_the_clock(language: Language, local: datetime, *, today: date) -> str:
    time = f"{local:%H:%M}"
    match (local.date() - today).days:
        case 0:
            return translate(language, "today at {time}", time=time)
        case -1:
            return translate(language, "yesterday at {time}", time=time)
        case 1:
            return translate(language, "tomorrow at {time}", time=time)
    pattern = "d MMM" if local.year == today.year else "d MMM y"
    return translate(language, "{day} at {time}", day=_date(language, local.date(), pattern), time=time)


@lru_cache(maxsize=4096)  # a page names the same few days again and again
def _date(language: Language, when: date, pattern: str) -> str:
    return format_date(when, pattern, locale=_LOCALES[language])


def _offset(local: datetime) -> str:
    """How far the zone is from UTC then: «+03:00»."""
    named = f"{local:%z}"
    return f"{named[:3]}:{named[3:5]}"


def _units(language: Language, *amounts: tuple[str, int]) -> str:
    return " ".join(_unit(language, f"duration-{unit}", amount) for unit, amount in amounts if amount)


@lru_cache(maxsize=4096)
def _unit(language: Language, unit: str, amount: float) -> str:
    # A number must not part from its unit at the end of a line.
    return format_unit(amount, unit, "short", locale=_LOCALES[language]).replace(" ", "\N{NO-BREAK SPACE}")


def _by_preference(accept_language: str) -> list[str]:
    """The tags of the header, the most wanted first; what is not a tag is left out, and so is a weight of nought."""
    weighted = re.findall(
        r"([a-z]+(?:-[a-z0-9]+)*)\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*(?:,|$)", accept_language.lower()
    )
    wanted = [(float(weight or 1), tag) for tag, weight in weighted if float(weight or 1) > 0]
    return [tag for _, tag in sorted(wanted, key=lambda pair: -pair[0])]


def _form(language: Language, singular: str, plural: str, n: int) -> str:
    forms = _russian().get(singular)
    if language == "en" or forms is None or len(forms) < len(_RUSSIAN_FORMS):
        return singular if n == 1 else plural
    return forms[_RUSSIAN_FORMS[_LOCALES["ru"].plural_form(n)]]


@cache
def _russian() -> dict[str, tuple[str, ...]]:
    """The catalogue, read once: what has no translation yet is left out, so that English shows and not a void."""
    return {
        _first(message.id): forms for message in read_catalogue() if (forms := _forms(message.string)) and message.id
    }


def read_catalogue() -> Catalog:
    """The Russian catalogue as it stands in the file."""
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale="ru")


def _first(msgid: str | tuple[str, ...] | list[str]) -> str:
    return msgid if isinstance(msgid, str) else msgid[0]


def _forms(string: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    forms = (string,) if isinstance(string, str) else tuple(string or ())
    return forms if all(forms) else ()
