"""The regulation as a readable text, clause by clause, made from the document: what is published is what is obeyed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from service.correspondence import REQUIRED_FIELDS
from service.letters import SUBJECT_TOKEN
from service.regulation_words import (
    COUNTS_FROM,
    ON_DISPUTE,
    ON_PRIORITY_CHANGE,
    said_number,
    said_size,
    said_step,
    said_target,
    said_week,
    years,
)
from service.words import Language, ngettext, translate, zone_name
from workflow.calendar import zone_named
from workflow.process import CHANNELS, DELIVERY_METHODS
from workflow.regulation import AttachmentPolicy, Priority, Regulation
from workflow.words import _

CHAPTERS: Final[Mapping[str, str]] = {
    "1": _("Terms and working time"),
    "2": _("Who is served"),
    "3": _("What is served"),
    "4": _("The way of a request"),
    "5": _("Hours of work"),
    "6": _("Priorities and deadlines"),
    "7": _("Talking to each other"),
}
YEAR_OF_EXAMPLE: Final = 2026

FILE_TYPES: Final[Mapping[str, str]] = {
    "image/jpeg": "JPG", "image/gif": "GIF", "image/png": "PNG", "image/bmp": "BMP", "image/webp": "WebP",
    "image/tiff": "TIFF", "image/heic": "HEIC", "application/pdf": "PDF",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "DOCX",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "XLSX",
    "application/zip": "ZIP", "application/vnd.rar": "RAR",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under their heads; everything is text."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause: its number, its sentences, and what is listed or tabled under them."""

    number: str
    sentences: tuple[str, ...]
    items: tuple[str, ...] = ()
    table: Table | None = None

    def lines(self) -> tuple[str, ...]:
        """All that the clause says, line by line: what a difference compares."""
        rows = self.table.rows if self.table else ()
        return (*self.sentences, *self.items, *(" · ".join(cell for cell in row if cell) for row in rows))


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter with its clauses."""

    number: str
    title: str
    clauses: tuple[Clause, ...]


def chapters(regulation: Regulation, language: Language) -> tuple[Chapter, ...]:
    """The whole text, in the order of the clauses."""
    clauses = tuple(_clauses(regulation, language))
    return tuple(
        Chapter(number, translate(language, title), tuple(c for c in clauses if c.number.split(".")[0] == number))
        for number, title in CHAPTERS.items()
    )


def _clauses(regulation: Regulation, language: Language) -> Iterator[Clause]:
    yield from _terms(regulation, language)
    yield from _requests(regulation, language)
    yield from _hours(regulation, language)
    yield from _deadlines(regulation, language)
    yield from _talk(regulation, language)


def _terms(regulation: Regulation, language: Language) -> Iterator[Clause]:
    def t(msgid: str, **params: object) -> str:
        return translate(language, msgid, **params)

    calendar = regulation.calendar
    yield Clause(
        "1",
        (
            t("Public holidays and transferred days follow the calendar “{calendar}”.", calendar=calendar.version),
            t("Its days are known for {years}.", years=years(regulation)),
            t("Every working hour and working day below is counted on this calendar."),
            t("Support works by this week ({zone}):", zone=zone_name(language, zone_named(calendar.zone))),
        ),
        items=tuple(said_week(calendar.week, language)),
    )
    yield Clause(
        "2",
        (
            t("Technical support is given under a contract: it names the products, the level of service and the term."),
            t("Every version of this regulation is published on this page together with the date it takes effect."),
        ),
    )
    yield Clause("3.1", (t("Nobody who asks is left without an answer, whoever they are."),))
    yield Clause(
        "3.2",
        (t("A request of an unknown customer or under an expired contract is taken as well, and marked for a check."),),
    )


def _requests(regulation: Regulation, language: Language) -> Iterator[Clause]:
    def t(msgid: str, **params: object) -> str:
        return translate(language, msgid, **params)

    yield Clause(
        "4.1", (t("Requests are taken through these channels:"),), tuple(t(label) for _code, label in CHANNELS)
    )
    asked = t("A request tells us the following. If something is missing, it is taken all the same and we ask for it:")
    yield Clause(
        "4.2",
        (asked if regulation.required_fields else t("A request tells us what happened; nothing else is required."),),
        tuple(t(REQUIRED_FIELDS.get(name, name)) for name in regulation.required_fields),
    )
    yield Clause("4.3", (t("One request is about one problem. A new question gets a request of its own."),))
    yield Clause(
        "4.4",
        (
            t(
                "Each registered request gets a number that is never given again, such as {example}.",
                example=said_number(regulation, year=YEAR_OF_EXAMPLE),
            ),
            t("From then on the number stands in the subject of every letter: {token}…", token=SUBJECT_TOKEN),
        ),
    )
    yield Clause(
        "4.5",
        (
            t("Requests are worked on by priority, and within one priority by deadline."),
            t("Each act is recorded: who, when, what, and the time it took."),
        ),
    )
    kept = t("Questions to the customer, advice and answers are kept with the request.")
    reminders = ", ".join(said_target(target, language) for target in regulation.reminders.after)
    reminded = t("While a question is unanswered, we remind of it after: {targets}.", targets=reminders)
    yield Clause("4.6", (kept, reminded) if reminders else (kept,))
    yield Clause(
        "4.7",
        (t("The answer goes the way that helps best, and the way is recorded:"),),
        tuple(t(label) for _code, label in DELIVERY_METHODS),
    )
    yield Clause(
        "4.8",
        (
            t("After a full answer the request counts as completed, and the customer is asked to confirm."),
            t("Whoever disagrees says why, and the work goes on."),
            t(ON_DISPUTE[regulation.resolution.on_dispute]),
        ),
    )
    yield Clause(
        "4.9",
        (
            t("Confirmation closes the request."),
            t(
                "Without an answer it closes by itself after {target}.",
                target=said_target(regulation.auto_close, language),
            ),
            t("An answer of the customer that nobody has read yet holds this off."),
        ),
    )


def _hours(regulation: Regulation, language: Language) -> Iterator[Clause]:
    def t(msgid: str, **params: object) -> str:
        return translate(language, msgid, **params)

    yield Clause(
        "5.1",
        (
            t("Deadlines count working time only, unless a clause says otherwise."),
            t("While we wait for the customer the clock rests."),
        ),
    )
    minimum = ngettext(language, "{n} minute", "{n} minutes", regulation.minimum_minutes)
    yield Clause("5.2", (t("The least time booked for an answer is {minutes}.", minutes=minimum),))


def _deadlines(regulation: Regulation, language: Language) -> Iterator[Clause]:
    def t(msgid: str, **params: object) -> str:
        return translate(language, msgid, **params)

    used = sorted((one for one in regulation.priorities if not one.retired), key=lambda one: one.rank)
    yield Clause(
        "6.1",
        (
            t("The support centre gives the priority when it registers the request, and may change it later."),
            t(ON_PRIORITY_CHANGE[regulation.resolution.on_priority_change]),
        ),
    )
    yield Clause(
        "6.2",
        (t("These are the priorities:"),),
        table=Table(
            (t("Code"), t("Priority"), t("When it is given")),
            tuple((one.code, one.name.to(language), one.definition.to(language)) for one in used),
        ),
    )
    levels = tuple(level.name.to(language) for level in regulation.service_levels)
    yield Clause(
        "6.3",
        (
            t(
                "A request is registered within {target}; the customer is told its number, priority and deadline.",
                target=said_target(regulation.registration.target, language),
            ),
            t(COUNTS_FROM[regulation.resolution.counts_from]),
            t("The table shows the time to solve, for each level of service."),
            t("If it cannot be kept, the customer is told why and by which date the solution is expected."),
        ),
        items=tuple(_steps(used, regulation, language)),
        table=Table((t("Priority"), *levels), tuple(_target_row(one, regulation, language) for one in used)),
    )


def _target_row(priority: Priority, regulation: Regulation, language: Language) -> tuple[str, ...]:
    targets = (level.targets.get(priority.code, priority.target) for level in regulation.service_levels)
    return (priority.code, *(said_target(target, language) for target in targets))


def _steps(used: list[Priority], regulation: Regulation, language: Language) -> Iterator[str]:
    for step in regulation.registration.steps:
        yield f"{translate(language, _('Registration'))}: {said_step(step, regulation, language)}"
    for priority in used:
        for step in priority.steps:
            yield f"{priority.code}: {said_step(step, regulation, language)}"


def _talk(regulation: Regulation, language: Language) -> Iterator[Clause]:
    def t(msgid: str, **params: object) -> str:
        return translate(language, msgid, **params)

    files = regulation.attachments
    yield Clause("7.1", (t("By phone, the support centre helps to word the request."),))
    yield Clause("7.2", (t("Questions are put so that they can be answered; we ask back where they are not clear."),))
    yield Clause("7.3", (t("Each request by e-mail is acknowledged by a letter at once."),))
    yield Clause("7.4", (t("Whoever keeps the number in the subject reaches the same request again."),))
    yield Clause("7.5", (t("What is written in messengers, forums and social networks is not registered."),))
    yield Clause("7.6", tuple(_files(files, language)))
    by_address = _("The sender's address tells the customer and the level of service of the contract.")
    by_cabinet = _("The level of the contract holds for requests from the customer's cabinet only.")
    yield Clause("7.7", (t(by_address if regulation.level_by_address else by_cabinet),))
    yield Clause(
        "7.8",
        (t("A standard answer may be a link to the documentation."),),
        tuple(answer.title.to(language) for answer in regulation.canned_answers),
    )
    reasons = tuple(reason.name.to(language) for reason in regulation.postponement_reasons)
    some = t("A solution may be put off, or turn out impossible, for these reasons only:")
    yield Clause("7.9", (some if reasons else t("A solution is put off for no reason."),), reasons)
    yield Clause(
        "7.10",
        (
            t("A request counts as accepted once the letter with its number has arrived."),
            t("Mail that looks machine-made or unwanted is set apart, seen by a person and never deleted unseen."),
        ),
    )


def _files(files: AttachmentPolicy, language: Language) -> Iterator[str]:
    """What may be attached; what the policy does not take at all is not spoken of."""
    if files.allowed:
        yield translate(language, _("Files may be attached as {types}."), types=_types(files.allowed))
    else:
        yield translate(language, _("No file is taken as it is."))
    if files.in_archives and files.archives:
        yield translate(
            language, _("{types} only inside {archives}."),
            types=_types(files.in_archives), archives=_types(files.archives),
        )  # fmt: skip
    yield translate(
        language,
        _("A file is at most {size}. What is not taken is named to the sender; the request itself is never lost."),
        size=said_size(files.largest_bytes, language),
    )


def _types(types: tuple[str, ...]) -> str:
    return ", ".join(FILE_TYPES.get(one, one) for one in types)


# --- what differs between two texts -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """A clause, or the title, that says something else: the lines that went and the lines that came."""

    clause: str
    before: tuple[str, ...]
    after: tuple[str, ...]


def changes(old: Regulation, new: Regulation, language: Language) -> tuple[Change, ...]:
    """What a reader of the text finds changed: its title, then clause by clause."""
    was, becomes = old.title.to(language), new.title.to(language)
    title = (Change(translate(language, _("Title of the regulation")), (was,), (becomes,)),) if was != becomes else ()
    lines = zip(_clauses(old, language), _clauses(new, language), strict=True)
    return title + tuple(
        Change(
            after.number,
            tuple(line for line in before.lines() if line not in after.lines()),
            tuple(line for line in after.lines() if line not in before.lines()),
        )
        for before, after in lines
        if before.lines() != after.lines()
    )
