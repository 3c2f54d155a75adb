"""Clause 7 in a form: brakes, files, level by address, standard answers, reasons, start of the clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from admin.regulation.fields import Fields, Filled, changed, filled_rows, tick_value
from service.regulation_text import FILE_TYPES
from service.regulation_words import COUNTS_FROM
from workflow.regulation import AttachmentPolicy, Brakes, CannedAnswer, Problem, Reason, Regulation
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


def talk_values(regulation: Regulation) -> dict[str, str]:
    """What stands in the fields of this document, with an empty row at the end of each list."""
    files = regulation.attachments
    values = {"largest": str(files.largest_bytes // MEGABYTE), "counts_from": regulation.resolution.counts_from}
    values |= {f"brake-{name}": str(getattr(regulation.brakes, name)) for name in BRAKES}
    values |= {f"type-{type}": _place(type, files) for type in TYPES}
    values |= {f"archive-{type}": tick_value(type in files.archives) for type in ARCHIVES}
    values |= {"level_by_address": tick_value(regulation.level_by_address)}
    return values | _canned_values(regulation) | _reason_values(regulation)


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


def talk_filled(regulation: Regulation, given: Mapping[str, str]) -> Filled:
    """The document as typed; a row whose code is empty is no row."""
    fields = Fields(talk_values(regulation) | dict(given), frozenset(given))
    document = changed(
        regulation,
        brakes=Brakes(**{name: fields.whole(f"brake-{name}", least=0) for name in BRAKES}),
        attachments=_attachments(fields, regulation.attachments),
        level_by_address=fields.tick("level_by_address"),
        canned_answers=_canned(fields),
        postponement_reasons=_reasons(fields),
        resolution=changed(regulation.resolution, counts_from=fields.choice("counts_from", COUNTS_FROM)),
    )
    return Filled(None if fields.errors else document, fields.errors)


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


def talk_field_of(problem: Problem, _regulation: Regulation) -> str:
    """The field a problem of the document stands next to; '' for one that has none here."""
    return "reason-0-code" if problem.place == "postponement_reasons" else ""
