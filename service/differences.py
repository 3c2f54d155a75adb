"""The changes between two regulations as a person reads them: «P2: срок решения 8 → 6 рабочих часов»."""

from __future__ import annotations

from datetime import date

import msgspec

from service.words import Language, day, ngettext, translate
from workflow.diff import Difference, Param, Words, differences, unit_of
from workflow.regulation import Regulation, Text
from workflow.words import _
from workflow.working_calendar import Target

DAY_MODES = {
    "same_time": "",
    "end_of_day": _("to the end of the day"),
    "end_of_day_effective": _("to the end of the day, from the opening"),
    "hours9": _("as full days of working hours"),
}


class Told(msgspec.Struct, frozen=True):
    """One change as it is journaled: the place in the document, and its sentence in both languages."""

    place: str
    ru: str
    en: str

    def to(self, language: Language) -> str:
        return self.en if language == "en" else self.ru


def told(old: Regulation, new: Regulation) -> list[Told]:
    """Every change from `old` to `new`, as it is journaled."""
    return [Told(one.place, tell("ru", one), tell("en", one)) for one in differences(old, new)]


def tell(language: Language, difference: Difference) -> str:
    """The sentence of one change."""
    params = {name: _said(language, value) for name, value in difference.params.items()}
    return translate(language, difference.sentence, **params)


def tell_target(language: Language, target: Target) -> str:
    """«6 рабочих часов», «5 рабочих дней, до конца дня», «24 часа»."""
    unit, n = unit_of(target)
    match unit:
        case "working_hours":
            return ngettext(language, "{n} working hour", "{n} working hours", n)
        case "working_minutes":
            return ngettext(language, "{n} working minute", "{n} working minutes", n)
        case "hours":
            return ngettext(language, "{n} hour", "{n} hours", n)
        case "minutes":
            return ngettext(language, "{n} minute", "{n} minutes", n)
    days = ngettext(language, "{n} working day", "{n} working days", n)
    mode = DAY_MODES[target.day_mode]
    return f"{days}, {translate(language, mode)}" if mode else days


def _said(language: Language, value: Param) -> str:
    match value:
        case str():
            return value
        case Text():
            return f"“{value.to(language)}”" if language == "en" else f"«{value.to(language)}»"
        case Words():
            return translate(language, value.msgid)
        case Target():
            return tell_target(language, value)
        case date():
            return day(language, value)
