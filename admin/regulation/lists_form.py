"""Lists and limits in a form: required fields, files, reasons, standard answers, reminders, brakes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from admin.regulation.fields import Errors, Fields, filled_rows
from service.regulation_text import FILE_TYPES
from service.regulation_words import unit_of
from workflow.regulation import (
    REQUEST_FIELDS,
    AttachmentPolicy,
    Brakes,
    CannedAnswer,
    Reason,
    Regulation,
    Reminders,
)
from workflow.words import _

MEGABYTE: Final = 2**20
LARGEST_FILE: Final = 200  # megabytes
TAKEN: Final = {"": _("not taken"), "allowed": _("taken"), "in_archives": _("taken inside archives only")}
ARCHIVES: Final = ("application/zip", "application/vnd.rar")
TYPES: Final = tuple(one for one in FILE_TYPES if one not in ARCHIVES)
BRAKES: Final[Mapping[str, str]] = {
    "per_sender_10_minutes": _("To one sender in 10 minutes"),
    "per_sender_day": _("To one sender in a day"),
    "same_subject_3_hours": _("With one subject in 3 hours"),
    "overall_10_minutes": _("To all in 10 minutes"),
}


def list_values(regulation: Regulation) -> dict[str, str]:
    """What stands in the fields of this document, with an empty row at the end of each list."""
    files = regulation.attachments
    values = {
        "title-ru": regulation.title.ru,
        "title-en": regulation.title.en,
        "largest": str(files.largest_bytes // MEGABYTE),
    }
    values |= {f"required-{name}": _tick(name in regulation.required_fields) for name in REQUEST_FIELDS}
    values |= {f"type-{type}": _place(type, files) for type in TYPES}
    values |= {f"archive-{type}": _tick(type in files.archives) for type in ARCHIVES}
    values |= {f"brake-{name}": str(getattr(regulation.brakes, name)) for name in BRAKES}
    loud = regulation.quiet_hours.except_priorities
    values |= {f"loud-{one.code}": _tick(one.code in loud) for one in regulation.priorities}
    return values | _reason_values(regulation) | _canned_values(regulation) | _reminder_values(regulation)


def _tick(on: bool) -> str:
    return "1" if on else ""


def _place(type: str, files: AttachmentPolicy) -> str:
    return "allowed" if type in files.allowed else "in_archives" if type in files.in_archives else ""


def _reason_values(regulation: Regulation) -> dict[str, str]:
    values: dict[str, str] = {}
    for row, reason in enumerate((*regulation.postponement_reasons, None)):
        code, ru, en = (reason.code, reason.name.ru, reason.name.en) if reason else ("", "", "")
        values |= {f"reason-{row}-code": code, f"reason-{row}-name-ru": ru, f"reason-{row}-name-en": en}
    return values


def _canned_values(regulation: Regulation) -> dict[str, str]:
    values: dict[str, str] = {}
    for row, one in enumerate((*regulation.canned_answers, None)):
        begin = f"canned-{row}"
        values |= {
            f"{begin}-code": one.code if one else "",
            f"{begin}-title-ru": one.title.ru if one else "", f"{begin}-title-en": one.title.en if one else "",
            f"{begin}-text-ru": one.text.ru if one else "", f"{begin}-text-en": one.text.en if one else "",
            f"{begin}-product": one.product if one else "",
        }  # fmt: skip
    return values


def _reminder_values(regulation: Regulation) -> dict[str, str]:
    values: dict[str, str] = {}
    for row, target in enumerate((*regulation.reminders.after, None)):
        amount, unit = unit_of(target) if target else ("", "working_days")
        values |= {f"reminder-{row}-amount": str(amount), f"reminder-{row}-unit": unit}
    return values


def lists_filled(regulation: Regulation, given: Mapping[str, str]) -> tuple[Regulation | None, Errors]:
    """The document as typed; a row whose code (or amount) is empty is no row."""
    fields = Fields(list_values(regulation) | dict(given), frozenset(given))
    loud = tuple(one.code for one in regulation.priorities if fields.tick(f"loud-{one.code}"))
    changed = msgspec.structs.replace(
        regulation,
        title=fields.text("title"),
        required_fields=tuple(name for name in REQUEST_FIELDS if fields.tick(f"required-{name}")),
        attachments=_attachments(fields, regulation.attachments),
        postponement_reasons=_reasons(fields),
        canned_answers=_canned(fields),
        reminders=_reminders(fields, regulation),
        brakes=Brakes(**{name: fields.whole(f"brake-{name}", least=0) for name in BRAKES}),
        quiet_hours=msgspec.structs.replace(regulation.quiet_hours, except_priorities=loud),
    )
    return (None if fields.errors else changed), fields.errors


def _attachments(fields: Fields, before: AttachmentPolicy) -> AttachmentPolicy:
    """Types that the form does not show stay as they are."""
    places = {type: fields.choice(f"type-{type}", TAKEN) for type in TYPES}

    def kept(place: str, old: tuple[str, ...]) -> tuple[str, ...]:
        now = [type for type in old if places.get(type, place) == place]
        return (*now, *(type for type, where in places.items() if where == place and type not in now))

    ticked = [type for type in ARCHIVES if fields.tick(f"archive-{type}")]
    kept_archives = [type for type in before.archives if type in ticked or type not in ARCHIVES]
    largest = fields.whole("largest", least=1, most=LARGEST_FILE)
    return AttachmentPolicy(
        allowed=kept("allowed", before.allowed),
        in_archives=kept("in_archives", before.in_archives),
        archives=(*kept_archives, *(type for type in ticked if type not in kept_archives)),
        largest_bytes=before.largest_bytes if largest == before.largest_bytes // MEGABYTE else largest * MEGABYTE,
    )


def _reasons(fields: Fields) -> tuple[Reason, ...]:
    codes: set[str] = set()
    return tuple(
        Reason(fields.code(f"reason-{row}-code", among=codes), fields.text(f"reason-{row}-name"))
        for row in filled_rows("reason", "code", fields.values)
    )


def _canned(fields: Fields) -> tuple[CannedAnswer, ...]:
    codes: set[str] = set()
    return tuple(
        CannedAnswer(
            code=fields.code(f"canned-{row}-code", among=codes),
            title=fields.text(f"canned-{row}-title"),
            text=fields.text(f"canned-{row}-text"),
            product=fields.values.get(f"canned-{row}-product", "").strip(),
        )
        for row in filled_rows("canned", "code", fields.values)
    )


def _reminders(fields: Fields, regulation: Regulation) -> Reminders:
    before = regulation.reminders.after
    targets = []
    for row in filled_rows("reminder", "amount", fields.values):
        mode = before[row].day_mode if row < len(before) else "same_time"
        targets.append(fields.target(f"reminder-{row}", day_mode=mode))
    return Reminders(tuple(targets))
