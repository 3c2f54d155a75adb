"""`reglament deadline`: when a promise is due, and the passport that says why."""

import re
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from service.deadline_batch import Batch, iso_utc, varied
from workflow.calendar import Calendar, CalendarError, Shortened, Variant, load_default_calendar, parse_instant
from workflow.working_calendar import Counted, DayMode, Skipped, Target, TargetKind, WorkingCalendar

if TYPE_CHECKING:
    from workflow.regulation import Regulation

MEASURE = re.compile(r"(?P<amount>[0-9]{1,9})(?P<unit>wm|wh|wd|m|h|d)")
UNITS: dict[str, tuple[TargetKind, int]] = {
    "wm": ("working_minutes", 1),
    "wh": ("working_minutes", 60),
    "wd": ("working_days", 1),
    "m": ("calendar_minutes", 1),
    "h": ("calendar_minutes", 60),
    "d": ("calendar_minutes", 24 * 60),
}


@click.command("deadline")
@click.argument("start", required=False)
@click.argument("target", required=False)
@click.option("--rule", help="A label for the passport; without TARGET, the code whose target counts.")
@click.option("--day-mode", type=click.Choice(get_args(DayMode)), help="How working days are counted.")
@click.option("--variant", type=click.Choice(get_args(Variant)), help="Whether special non-working days are off.")
@click.option("--shortened", type=click.Choice(get_args(Shortened)), help="How long shortened days are.")
@click.option("--hours", help="Opening hours of Monday to Friday: 09:00-13:00,14:00-18:00.")
@click.option("--override", multiple=True, metavar="DATE=HOURS", help="Hours of one date, or DATE=off. May repeat.")
@click.option(
    "--regulation",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An exported regulation to take the calendar and the codes from, instead of the default one.",
)
@click.option("--batch", is_flag=True, help="Read cases as JSON lines on stdin; print one JSON answer a line.")
def deadline(
    start: str | None,
    target: str | None,
    rule: str | None,
    day_mode: DayMode | None,
    variant: str | None,
    shortened: str | None,
    hours: str | None,
    override: tuple[str, ...],
    regulation: Path | None,
    batch: bool,
) -> None:
    """Print when TARGET is due for what began at START, and why.

    START is ISO 8601 with an offset: 2026-04-30T16:30+03:00.

    \b
    TARGET is a number with its unit, or a code of the regulation:
      240wm   working minutes        90m   minutes by the clock
      4wh     working hours          24h   hours by the clock
      5wd     working days            2d   times 24 hours by the clock
      P1 P2 P3 P4                    the resolution target of a priority
      REGISTRATION  AUTOCLOSE        the registration and auto-close targets

    With --batch each line on stdin holds id, start, kind, amount and perhaps day_mode, variant, shortened, hours,
    overrides; each line on stdout holds id and deadline, or id and error.
    """
    try:
        document = _regulation(regulation) if regulation else None
        calendar = varied(
            document.calendar if document else load_default_calendar(),
            variant=variant,
            shortened=shortened,
            hours=_hours(hours) if hours else None,
            overrides=dict(map(_override, override)) if override else None,
        )
        if batch:
            _refuse_arguments(start, target)
            _answer_stdin(calendar)
            return
        if start is None or (wanted := target or rule) is None:
            raise click.UsageError("START and TARGET are needed, or --batch.")
        promise = _target(wanted, day_mode, document)
        click.echo("\n".join(passport(WorkingCalendar(calendar), start, promise, rule=rule or target or "")))
    except CalendarError as wrong:
        raise click.ClickException(f"{wrong} ({wrong.code})") from wrong


def passport(calendar: WorkingCalendar, start: str, target: Target, *, rule: str) -> list[str]:
    """The deadline, the spans counted and the days skipped on the way to it, and the sum, a line each."""
    begun = parse_instant(start)
    due = calendar.deadline(begun, target)
    lines = [
        f"Deadline   {_wall(calendar, due)}  =  {iso_utc(due)}",
        f"Received   {_wall(calendar, begun)}  =  {iso_utc(begun)}",
        f"Rule       {rule}: {_promise(target)}",
    ]
    if target.kind == "calendar_minutes":
        return [*lines, f"Sum        {_length(due - begun)} by the clock, whatever the calendar"]
    lines.append(f"Calendar   {calendar.calendar.version}, {calendar.calendar.zone}")
    lines.extend(_explained(calendar, part) for part in calendar.explain(begun, due))
    return [*lines, f"Sum        {_length(calendar.between(begun, due))} of working time"]


def _explained(calendar: WorkingCalendar, part: Counted | Skipped) -> str:
    why = part.why.replace("_", " ")
    if isinstance(part, Skipped):
        dates = f"{part.first:%a %Y-%m-%d}" + (f" – {part.last:%a %Y-%m-%d}" if part.last > part.first else "")
        return f"Skipped    {dates}: {why}"
    start, end = (moment.astimezone(calendar.zone) for moment in (part.start, part.end))
    until = "24:00" if end.date() > start.date() else _clock(end)
    return f"Counted    {start:%a %Y-%m-%d} {_clock(start)}–{until}: {_length(part.amount)}, {why}"


def _wall(calendar: WorkingCalendar, moment: datetime) -> str:
    local = moment.astimezone(calendar.zone)
    return f"{local:%a} {local.isoformat(sep=' ')} {calendar.calendar.zone}"


def _clock(moment: datetime) -> str:
    """Hours and minutes, and what lies below them only where there is some."""
    return moment.strftime("%H:%M") if not (moment.second or moment.microsecond) else moment.time().isoformat()


def _length(length: timedelta) -> str:
    minutes, rest = divmod(length, timedelta(minutes=1))
    below = f":{rest.seconds:02}" + (f".{rest.microseconds:06}" if rest.microseconds else "") if rest else ""
    return f"{minutes // 60}:{minutes % 60:02}{below}"


def _promise(target: Target) -> str:
    if target.kind == "working_days":
        return f"{target.amount} working days, {target.day_mode}"
    measured = "by the clock" if target.kind == "calendar_minutes" else "of working time"
    return f"{_length(timedelta(minutes=target.amount))} {measured}"


def _target(text: str, day_mode: DayMode | None, document: "Regulation | None") -> Target:
    measure = MEASURE.fullmatch(text)
    if measure:
        kind, minutes = UNITS[measure["unit"]]
        found = Target(kind, int(measure["amount"]) * minutes)
    else:
        found = _code_target(text, document)
    return Target(found.kind, found.amount, day_mode or found.day_mode)


def _code_target(code: str, document: "Regulation | None") -> Target:
    from workflow.regulation import default_regulation  # only here: the other ways need nothing of it

    document = document or default_regulation()
    targets = {priority.code: priority.target for priority in document.priorities}
    targets |= {"REGISTRATION": document.registration.target, "AUTOCLOSE": document.auto_close}
    if code.upper() not in targets:
        raise click.UsageError(
            f"TARGET {code!r} is neither an amount like 4wh, 5wd, 24h nor one of {', '.join(targets)}."
        )
    return targets[code.upper()]


def _regulation(path: Path) -> "Regulation":
    from msgspec import DecodeError

    from workflow.regulation import load

    try:
        return load(path.read_bytes())
    except (DecodeError, UnicodeDecodeError) as wrong:
        raise click.ClickException(f"{path} is not a regulation: {wrong}") from wrong


def _hours(text: str) -> list[list[str]]:
    return [] if text == "off" else [span.split("-") for span in text.split(",")]


def _override(text: str) -> tuple[str, list[list[str]]]:
    on, _, hours = text.partition("=")
    return on, _hours(hours)


def _refuse_arguments(*given: str | None) -> None:
    if any(given):
        raise click.UsageError("--batch reads its cases from stdin and takes no arguments.")


def _answer_stdin(calendar: Calendar) -> None:
    for answer in Batch(calendar).answers(sys.stdin.buffer):
        sys.stdout.buffer.write(answer + b"\n")
    sys.stdout.buffer.flush()
