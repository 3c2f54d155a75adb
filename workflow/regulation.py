"""The regulation document: everything that has a number, a name, a text or a calendar, as data that can be checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal

import msgspec

from workflow.calendar import Calendar, load_default_calendar
from workflow.process import PROCESS, SOLVED
from workflow.words import _
from workflow.working_calendar import Target, WorkingCalendar

HOME = Path(__file__).parent / "default_regulation"
LANGUAGES = ("ru", "en")
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
    before it) says when. `notify` holds `assignee`, `supervisors` or addresses.
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
    """One letter in one language: Jinja templates over the fields of `workflow.letters`."""

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
        return self.regulation.number_format.format(n=n, year=year)


def load(data: bytes | str) -> Regulation:
    """The document from JSON. Raises msgspec.ValidationError naming the place of what does not fit."""
    return msgspec.json.decode(data, type=Regulation)


class NotADocument(ValueError):
    """What was given is no regulation document; the message names the place."""


def read(data: bytes | str) -> Regulation:
    """A document somebody else wrote. Raises NotADocument with a sentence."""
    try:
        return load(data)
    except msgspec.DecodeError as wrong:
        raise NotADocument(f"This is not a regulation document: {wrong}") from wrong


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


# Letters that no move of the process names: the first answer to a mail, and what the clock tells the staff.
LETTERS = frozenset({"accepted", "breach", "warning", *PROCESS.letters()})


class Problem(msgspec.Struct, frozen=True):
    """What keeps a document from being published: the place, and an English msgid with its parameters."""

    place: str
    sentence: str
    params: dict[str, str] = {}


def problems(regulation: Regulation) -> tuple[Problem, ...]:
    """Everything a process owner has to mend before publishing, in the order of the document."""
    return tuple(_problems(regulation))


def _problems(regulation: Regulation) -> Iterator[Problem]:
    yield from _number_problems(regulation)
    yield from (Problem("calendar", sentence, params) for sentence, params in regulation.calendar.problems())
    yield from _priority_problems(regulation)
    yield from _level_problems(regulation)
    yield from _target_problem("registration.target", regulation.registration.target)
    yield from _target_problem("auto_close", regulation.auto_close)
    for index, step in enumerate(regulation.registration.steps):
        yield from _step_problems(f"registration.steps.{index}", step, regulation)
    if not 0 <= regulation.minimum_minutes <= 24 * 60:
        yield Problem("minimum_minutes", _("The minimum booked time must lie between 0 and 1440 minutes."))
    yield from _code_problems("postponement_reasons", [reason.code for reason in regulation.postponement_reasons])
    yield from _letter_problems(regulation)


def _number_problems(regulation: Regulation) -> Iterator[Problem]:
    try:
        first = regulation.number_format.format(n=1, year=2026)
        second = regulation.number_format.format(n=2, year=2026)
    except (KeyError, IndexError, ValueError):
        yield Problem("number_format", _("The number format may use only {{n}} and {{year}}."))
        return
    if first == second:
        yield Problem("number_format", _("The number format must contain {{n}}, or numbers would repeat."))
    if not first or not all(sign.isascii() and (sign.isupper() or sign.isdigit() or sign == "-") for sign in first):
        yield Problem("number_format", _("Numbers may hold only A–Z, 0–9 and the hyphen."))


def _priority_problems(regulation: Regulation) -> Iterator[Problem]:
    if not any(not priority.retired for priority in regulation.priorities):
        yield Problem("priorities", _("At least one priority must be in use."))
    yield from _code_problems("priorities", [priority.code for priority in regulation.priorities])
    ranks = [priority.rank for priority in regulation.priorities if not priority.retired]
    if len(set(ranks)) != len(ranks):
        yield Problem("priorities", _("Two priorities share one rank: the queue would not know which comes first."))
    for index, priority in enumerate(regulation.priorities):
        place = f"priorities.{index}"
        yield from _target_problem(f"{place}.target", priority.target)
        for at, step in enumerate(priority.steps):
            yield from _step_problems(f"{place}.steps.{at}", step, regulation)
            if (
                step.minutes is not None
                and priority.target.kind != "working_days"
                and -step.minutes >= priority.target.amount
            ):
                yield Problem(
                    f"{place}.steps.{at}",
                    _("{priority}: {minutes} minutes before the deadline lies before the start of {amount} minutes."),
                    {"priority": priority.code, "minutes": str(-step.minutes), "amount": str(priority.target.amount)},
                )


def _level_problems(regulation: Regulation) -> Iterator[Problem]:
    codes = {priority.code for priority in regulation.priorities}
    yield from _code_problems("service_levels", [level.code for level in regulation.service_levels])
    for index, level in enumerate(regulation.service_levels):
        for code, target in level.targets.items():
            place = f"service_levels.{index}.targets.{code}"
            if code not in codes:
                yield Problem(
                    place, _("The service level names a priority that does not exist: {code}."), {"code": code}
                )
            yield from _target_problem(place, target)


def _step_problems(place: str, step: Step, regulation: Regulation) -> Iterator[Problem]:
    if (step.percent is None) == (step.minutes is None):
        yield Problem(place, _("A step needs either a percentage or minutes, and not both."))
    if step.percent is not None and not 1 <= step.percent <= 1000:
        yield Problem(place, _("A percentage lies between 1 and 1000."))
    if step.raise_to is not None and step.raise_to not in {
        one.code for one in regulation.priorities if not one.retired
    }:
        yield Problem(place, _("The step raises to a priority that is not in use: {code}."), {"code": step.raise_to})
    if not (step.notify or step.raise_to or step.reassign_to):
        yield Problem(place, _("The step does nothing: name someone to notify, a priority or an assignee."))


def _target_problem(place: str, target: Target) -> Iterator[Problem]:
    if target.amount <= 0:
        yield Problem(place, _("A target must be longer than nothing."))


def _code_problems(place: str, codes: list[str]) -> Iterator[Problem]:
    if repeated := {code for code in codes if codes.count(code) > 1}:
        yield Problem(place, _("The same code stands twice: {codes}."), {"codes": ", ".join(sorted(repeated))})
    if any(not code.strip() for code in codes):
        yield Problem(place, _("A code is empty."))


def _letter_problems(regulation: Regulation) -> Iterator[Problem]:
    for name in sorted(LETTERS):
        for language in LANGUAGES:
            letter = regulation.letters.get(name, {}).get(language)
            if letter is None or not letter.subject.strip() or not letter.body.strip():
                yield Problem(
                    f"letters.{name}.{language}", _("The letter “{name}” is missing in one language."), {"name": name}
                )
