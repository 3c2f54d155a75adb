"""The regulation document: everything that has a number, a name, a text or a calendar, as data that can be checked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Literal

import msgspec

from workflow.calendar import Calendar, load_default_calendar
from workflow.process import PROCESS, SOLVED
from workflow.words import _
from workflow.working_calendar import Target, WorkingCalendar

HOME = Path(__file__).parent / "default_regulation"
LANGUAGES = ("ru", "en")
# What a request may be asked for (clause 4.2).
REQUEST_FIELDS = ("organisation", "full_name", "position", "phone", "email", "text")
# The signs of a registration number (it stands in mail subjects), how long it may be, and the fields of its format. A
# field padded to millions of places would fill the memory of whoever only looks at it.
NUMBER = re.compile(r"[A-Z0-9][A-Z0-9-]*")
LONGEST_NUMBER = 40
NUMBER_FIELD = re.compile(r"\{(?:n|year)(?::[^\d{}]{0,2}0?\d{0,2}[a-zA-Z]?)?\}")
# What the machine can count and the database can keep; files and programs give what no form would take.
LONGEST_TARGET = 10_000_000  # minutes or days
LAST_RANK = 10_000
LONGEST_CODE = 60  # characters
# Whom a step may notify besides addresses, and what stands before the code of a team.
NOTIFIED = ("assignee", "supervisors")
TEAM = "team:"
TEAM_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
Language = Literal["ru", "en"]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=False):
    """A piece of the document. Unknown keys are refused, so that a typing error is never a silent default."""


class Text(_Part, frozen=True):
    """The same words in both languages."""

    ru: str
    en: str

    def to(self, language: str) -> str:
        return self.en if language == "en" else self.ru


class Step(_Part, frozen=True):
    """A warning or an escalation: when on the clock, and what then (clause 6.3).

    Exactly one of `percent` (of the target's working time) and `minutes` (working minutes after the deadline, negative
    before it) says when. `notify` holds `assignee`, `supervisors`, `team:` and the code of a team,
    or addresses.
    """

    notify: tuple[str, ...]
    percent: int | None = None
    minutes: int | None = None
    raise_to: str | None = None
    reassign_to: str | None = None

    @property
    def id(self) -> str:
        return f"{self.percent}%" if self.percent is not None else f"{self.minutes:+d}m"

    @property
    def warns_only(self) -> bool:
        """Before the deadline and nothing but telling: a warning. Everything else is an escalation."""
        before = (self.percent is not None and self.percent < 100) or (self.minutes is not None and self.minutes < 0)
        return before and not (self.raise_to or self.reassign_to)


class Priority(_Part, frozen=True):
    """One priority rule (clause 6.2). Rank 1 comes first in the queue. A retired one is kept for old tickets only."""

    code: str
    rank: int
    name: Text
    definition: Text
    colour: str
    target: Target
    steps: tuple[Step, ...] = ()
    retired: bool = False


class ServiceLevel(_Part, frozen=True):
    """A level of a contract (clause 7.7): targets of its own where `targets` names a priority, else the priority's."""

    code: str
    name: Text
    targets: dict[str, Target] = {}


class Registration(_Part, frozen=True):
    """Within which time a received request is registered, and who is told when it is late (clause 6.3)."""

    target: Target
    steps: tuple[Step, ...] = ()


class Resolution(_Part, frozen=True):
    """How the resolution clock behaves (clauses 6.1, 6.3, 7.10, 4.8)."""

    counts_from: Literal["registered", "received"] = "registered"
    on_priority_change: Literal["from_start", "from_now"] = "from_start"
    on_dispute: Literal["resumes", "restarts"] = "resumes"


class Reason(_Part, frozen=True):
    """Why a solution may be postponed or impossible (clause 7.9)."""

    code: str
    name: Text


class AttachmentPolicy(_Part, frozen=True):
    """Which files are taken, by content (clause 7.6). `in_archives` names what may come inside ZIP or RAR only."""

    allowed: tuple[str, ...]
    in_archives: tuple[str, ...]
    archives: tuple[str, ...]
    largest_bytes: int


class CannedAnswer(_Part, frozen=True):
    """A standard answer with links (clause 7.8), for one product or for all."""

    code: str
    title: Text
    text: Text
    product: str = ""


class QuietHours(_Part, frozen=True):
    """Notices to staff outside working time wait for the next opening, except for these priorities."""

    enabled: bool = True
    except_priorities: tuple[str, ...] = ()


class Reminders(_Part, frozen=True):
    """Letters to a customer who owes an answer: each after so much working time of silence."""

    after: tuple[Target, ...] = ()


class Brakes(_Part, frozen=True):
    """How many acceptance letters go out by themselves; beyond that tickets are still made, letters wait."""

    per_sender_10_minutes: int = 5
    per_sender_day: int = 20
    same_subject_3_hours: int = 2
    overall_10_minutes: int = 60


class Letter(_Part, frozen=True):
    """One letter in one language: Jinja templates over the fields that `service/letters.py` lists."""

    subject: str
    body: str


class Example(_Part, frozen=True):
    """A worked case of the owner; publishing is blocked while the rules give another deadline."""

    title: str
    priority: str
    start: str
    due: str
    service_level: str = "standard"


class Regulation(_Part, frozen=True):
    """The whole document. Defaults come from `default_regulation/`; every part names the clause it carries."""

    title: Text
    number_format: str
    required_fields: tuple[str, ...]
    calendar: Calendar
    registration: Registration
    priorities: tuple[Priority, ...]
    service_levels: tuple[ServiceLevel, ...]
    resolution: Resolution
    auto_close: Target
    minimum_minutes: int
    postponement_reasons: tuple[Reason, ...]
    attachments: AttachmentPolicy
    canned_answers: tuple[CannedAnswer, ...]
    quiet_hours: QuietHours
    reminders: Reminders
    brakes: Brakes
    level_by_address: bool
    letters: dict[str, dict[str, Letter]]
    examples: tuple[Example, ...] = ()


class Rulebook:
    """One version of the regulation, ready for use: look-ups made once, the working calendar built once."""

    def __init__(self, version: int, regulation: Regulation) -> None:
        self.version = version
        self.regulation = regulation
        self.priorities: Mapping[str, Priority] = {one.code: one for one in regulation.priorities}
        self.levels: Mapping[str, ServiceLevel] = {one.code: one for one in regulation.service_levels}

    @cached_property
    def calendar(self) -> WorkingCalendar:
        return WorkingCalendar(self.regulation.calendar)

    @cached_property
    def open_priorities(self) -> tuple[str, ...]:
        """Codes that may be given now, the most urgent first."""
        return tuple(
            one.code for one in sorted(self.regulation.priorities, key=lambda one: one.rank) if not one.retired
        )

    @cached_property
    def reasons(self) -> tuple[str, ...]:
        return tuple(reason.code for reason in self.regulation.postponement_reasons)

    def reason_names(self, language: str) -> dict[str, str]:
        """What each reason for a later date is called (clause 7.9), by its code."""
        return {reason.code: reason.name.to(language) for reason in self.regulation.postponement_reasons}

    @cached_property
    def outcomes(self) -> tuple[str, ...]:
        return (SOLVED, *self.reasons)

    def target(self, priority: str, service_level: str) -> Target:
        """The resolution target of clause 6.3 for this priority at this level of service (7.7)."""
        level = self.levels.get(service_level)
        own = level.targets.get(priority) if level else None
        return own or self.priorities[priority].target

    def number(self, n: int, *, year: int) -> str:
        """The registration number of clause 4.4."""
        return numbered(self.regulation.number_format, n=n, year=year)


def numbered(number_format: str, *, n: int, year: int) -> str:
    """The number that a format gives. Raises ValueError for a format that asks for more than `{n}` and `{year}`."""
    if "{" in (rest := NUMBER_FIELD.sub("", number_format)) or "}" in rest:
        raise ValueError(number_format)
    return number_format.format(n=n, year=year)


def load(data: bytes | str) -> Regulation:
    """The document from JSON. Raises msgspec.ValidationError naming the place of what does not fit.

    A document older than a kind of letter lacks it; the letter that ships with the product stands in.
    """
    document = msgspec.json.decode(data, type=Regulation)
    absent = [(name, language) for name in LETTERS for language in LANGUAGES if not _has(document, name, language)]
    if not absent:
        return document
    letters = {name: dict(languages) for name, languages in document.letters.items()}
    for name, language in absent:
        letters.setdefault(name, {})[language] = _shipped_letters()[name][language]
    return msgspec.structs.replace(document, letters=letters)


def _has(document: Regulation, name: str, language: str) -> bool:
    return language in document.letters.get(name, {})


@cache
def _shipped_letters() -> dict[str, dict[str, Letter]]:
    return default_regulation().letters


class NotADocument(ValueError):
    """What was given is no regulation document; `place` says where and why, in the decoder's words."""

    def __init__(self, place: str) -> None:
        super().__init__(f"This is not a regulation document: {place}")


def read(data: bytes | str) -> Regulation:
    """A document somebody else wrote. Raises NotADocument with a sentence."""
    try:
        return load(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise NotADocument(str(wrong)) from wrong


def dump(regulation: Regulation) -> bytes:
    """The document as JSON, fields in their order, fit for export and for storing."""
    return msgspec.json.format(msgspec.json.encode(regulation), indent=1)


def default_regulation() -> Regulation:
    """The regulation that ships with the product: the document, the calendar, and each letter from its own folder."""
    document = msgspec.json.decode((HOME / "regulation.json").read_bytes())
    document["calendar"] = msgspec.to_builtins(load_default_calendar())
    document["letters"] = {name: _letter_files(name) for name in sorted(LETTERS)}
    return msgspec.convert(document, Regulation)


def _letter_files(name: str) -> dict[str, dict[str, str]]:
    folder = HOME / "letters" / name
    return {
        language: {
            "subject": (folder / f"subject.{language}.txt").read_text("utf-8").strip(),
            "body": (folder / f"body.{language}.txt").read_text("utf-8"),
        }
        for language in LANGUAGES
    }


# Letters that no move of the process names: what colleagues are told, one by one or gathered over a night, and the
# first answer to a mail.
TO_COLLEAGUES = frozenset({"breach", "digest", "notice", "warning"})
LETTERS = frozenset({"accepted", *TO_COLLEAGUES, *PROCESS.letters()})


class Problem(msgspec.Struct, frozen=True):
    """What keeps a document from being published: the place, and an English msgid with its parameters."""

    place: str
    sentence: str
    params: dict[str, str] = {}


def problems(regulation: Regulation) -> tuple[Problem, ...]:
    """Everything a process owner has to mend before publishing, in the order of the document."""
    return tuple(_problems(regulation))


def _problems(regulation: Regulation) -> Iterator[Problem]:
    for place in _zero_bytes(msgspec.to_builtins(regulation), ""):
        yield Problem(place, _("A value holds a zero byte."))
    yield from _number_problems(regulation)
    for name in sorted(set(regulation.required_fields) - set(REQUEST_FIELDS)):
        yield Problem("required_fields", _("A request has no field called {name}."), {"name": name})
    yield from (Problem("calendar", sentence, params) for sentence, params in regulation.calendar.problems())
    yield from _priority_problems(regulation)
    yield from _level_problems(regulation)
    yield from _target_problem("registration.target", regulation.registration.target)
    yield from _target_problem("auto_close", regulation.auto_close)
    yield from _steps_problems("registration", _("Registration"), regulation.registration, regulation)
    for index, target in enumerate(regulation.reminders.after):
        yield from _target_problem(f"reminders.after.{index}", target)
    if not 0 <= regulation.minimum_minutes <= 24 * 60:
        yield Problem("minimum_minutes", _("The minimum booked time must lie between 0 and 1440 minutes."))
    reasons = [reason.code for reason in regulation.postponement_reasons]
    yield from _code_problems("postponement_reasons", reasons)
    if SOLVED in reasons:
        yield Problem("postponement_reasons", _("The code {code} stands for success already."), {"code": SOLVED})
    for code in sorted(set(regulation.quiet_hours.except_priorities) - _codes_in_use(regulation)):
        place = "quiet_hours.except_priorities"
        yield Problem(place, _("Quiet hours name a priority that is not in use: {code}."), {"code": code})
    yield from _letter_problems(regulation)


def _zero_bytes(value: object, place: str) -> Iterator[str]:
    """Where a text holds the one sign that no database keeps."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, (list, tuple)) else ()
    for name, one in inner:
        below = f"{place}.{name}".replace("\x00", "").lstrip(".")
        if isinstance(name, str) and "\x00" in name:
            yield below
        yield from _zero_bytes(one, below)
    if isinstance(value, str) and "\x00" in value:
        yield place


def _number_problems(regulation: Regulation) -> Iterator[Problem]:
    try:
        numbers = [numbered(regulation.number_format, n=n, year=2026) for n in (1, 2, 10, 250, 1_000_000)]
    except ValueError:
        yield Problem("number_format", _("The number format may use only {{n}} and {{year}}."))
        return
    if len(set(numbers)) < len(numbers):
        yield Problem("number_format", _("The number format must contain {{n}}, or numbers would repeat."))
    if not all(NUMBER.fullmatch(number) for number in numbers):
        yield Problem("number_format", _("Numbers may hold only A–Z, 0–9 and the hyphen, and begin with no hyphen."))
    if any(len(number) > LONGEST_NUMBER for number in numbers):
        most = {"most": str(LONGEST_NUMBER)}
        yield Problem("number_format", _("A number may be no longer than {most} characters."), most)


def _priority_problems(regulation: Regulation) -> Iterator[Problem]:
    if not any(not priority.retired for priority in regulation.priorities):
        yield Problem("priorities", _("At least one priority must be in use."))
    yield from _code_problems("priorities", [priority.code for priority in regulation.priorities])
    if not all(0 <= priority.rank <= LAST_RANK for priority in regulation.priorities):
        yield Problem("priorities", _("A rank lies between 0 and {most}."), {"most": str(LAST_RANK)})
    ranks = [priority.rank for priority in regulation.priorities if not priority.retired]
    if len(set(ranks)) != len(ranks):
        yield Problem("priorities", _("Two priorities share one rank: the queue would not know which comes first."))
    for index, priority in enumerate(regulation.priorities):
        place = f"priorities.{index}"
        yield from _target_problem(f"{place}.target", priority.target)
        yield from _steps_problems(place, priority.code, priority, regulation)


def _level_problems(regulation: Regulation) -> Iterator[Problem]:
    steps = {priority.code: priority.steps for priority in regulation.priorities}
    if not regulation.service_levels:
        yield Problem("service_levels", _("At least one service level is needed."))
    yield from _code_problems("service_levels", [level.code for level in regulation.service_levels])
    for index, level in enumerate(regulation.service_levels):
        for code, target in level.targets.items():
            place = f"service_levels.{index}.targets.{code}"
            if code not in steps:
                yield Problem(
                    place, _("The service level names a priority that does not exist: {code}."), {"code": code}
                )
            yield from _target_problem(place, target)
            for step in steps.get(code, ()):
                yield from _too_early(place, code, step, target)


def _steps_problems(
    place: str, whose: str, clock: Priority | Registration, regulation: Regulation
) -> Iterator[Problem]:
    """`whose` names the clock to the owner: a priority's code, or a word."""
    for at, step in enumerate(clock.steps):
        yield from _step_problems(f"{place}.steps.{at}", step, regulation)
        yield from _too_early(f"{place}.steps.{at}", whose, step, clock.target)
    ids = [step.id for step in clock.steps if (step.percent is None) != (step.minutes is None)]
    for id in sorted({id for id in ids if ids.count(id) > 1}):
        named = {"priority": whose, "step": id}
        yield Problem(f"{place}.steps", _("{priority}: two steps stand at {step}; make them one."), named)


def _too_early(place: str, whose: str, step: Step, target: Target) -> Iterator[Problem]:
    """A warning that would come before its clock began. Day targets are longer than any sensible warning."""
    if step.minutes is not None and target.kind != "working_days" and -step.minutes >= target.amount:
        yield Problem(
            place,
            _("{priority}: {minutes} minutes before the deadline lies before the start of {amount} minutes."),
            {"priority": whose, "minutes": str(-step.minutes), "amount": str(target.amount)},
        )


def _step_problems(place: str, step: Step, regulation: Regulation) -> Iterator[Problem]:
    if (step.percent is None) == (step.minutes is None):
        yield Problem(place, _("A step needs either a percentage or minutes, and not both."))
    if step.percent is not None and not 1 <= step.percent <= 1000:
        yield Problem(place, _("A percentage lies between 1 and 1000."))
    if step.minutes is not None and abs(step.minutes) > LONGEST_TARGET:
        most = {"most": str(LONGEST_TARGET)}
        yield Problem(place, _("A step stands no further than {most} minutes from the deadline."), most)
    if step.raise_to is not None and step.raise_to not in _codes_in_use(regulation):
        yield Problem(place, _("The step raises to a priority that is not in use: {code}."), {"code": step.raise_to})
    if not (step.notify or step.raise_to or step.reassign_to):
        yield Problem(place, _("The step does nothing: name someone to notify, a priority or an assignee."))
    for name in step.notify:
        if name not in NOTIFIED and "@" not in name and team_in(name) is None:
            sentence = _("“{name}” is neither the assignee, the supervisors, a team nor an address.")
            yield Problem(place, sentence, {"name": name})


def team_in(word: str) -> str | None:
    """The code of the team that a word of `notify` names; None for any other word."""
    code = word.removeprefix(TEAM)
    return code if code != word and TEAM_CODE.fullmatch(code) else None


def teams_of(regulation: Regulation) -> Iterator[tuple[str, str]]:
    """The teams that the steps name, each with its place."""
    clocks = [("registration", regulation.registration.steps)]
    clocks += [(f"priorities.{index}", one.steps) for index, one in enumerate(regulation.priorities)]
    for place, steps in clocks:
        for at, step in enumerate(steps):
            yield from ((f"{place}.steps.{at}", code) for word in step.notify if (code := team_in(word)))


def _codes_in_use(regulation: Regulation) -> set[str]:
    return {one.code for one in regulation.priorities if not one.retired}


def _target_problem(place: str, target: Target) -> Iterator[Problem]:
    if target.amount <= 0:
        yield Problem(place, _("A target must be longer than nothing."))
    if target.amount > LONGEST_TARGET:
        most = {"most": str(LONGEST_TARGET)}
        yield Problem(place, _("A time may be no longer than {most} minutes or days."), most)


def _code_problems(place: str, codes: list[str]) -> Iterator[Problem]:
    if repeated := {code for code in codes if codes.count(code) > 1}:
        yield Problem(place, _("The same code stands twice: {codes}."), {"codes": ", ".join(sorted(repeated))})
    if any(not code.strip() for code in codes):
        yield Problem(place, _("A code is empty."))
    if any(len(code) > LONGEST_CODE for code in codes):
        yield Problem(place, _("A code may be no longer than {most} characters."), {"most": str(LONGEST_CODE)})


def _letter_problems(regulation: Regulation) -> Iterator[Problem]:
    for name in sorted(LETTERS):
        for language in LANGUAGES:
            letter = regulation.letters.get(name, {}).get(language)
            if letter is None or not letter.subject.strip() or not letter.body.strip():
                yield Problem(
                    f"letters.{name}.{language}", _("The letter “{name}” is missing in one language."), {"name": name}
                )
