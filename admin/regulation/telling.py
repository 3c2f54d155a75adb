"""Tells the settings of one document to one reader: the small sentences that the effects are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from service.regulation_words import said_moment, said_target
from service.words import Language, translate
from workflow.calendar import CalendarError
from workflow.regulation import Rulebook
from workflow.working_calendar import Target

HOUR: Final = timedelta(hours=1)

Opened = Mapping[str, int]  # by priority, how many open tickets have it


class Telling:
    """One document, one language, one moment; `used` are the priorities in use, in the order of the queue."""

    def __init__(self, rules: Rulebook, language: Language, *, at: datetime, opened: Opened) -> None:
        self.rules, self.regulation, self.calendar = rules, rules.regulation, rules.calendar
        self.language, self.at, self.opened = language, at, opened
        self.used = [rules.priorities[code] for code in rules.open_priorities]

    def t(self, msgid: str, **params: object) -> str:
        return translate(self.language, msgid, **params)

    def said(self, target: Target) -> str:
        return said_target(target, self.language)

    def due(self, target: Target, *, start: datetime | None = None) -> str:
        """When something that begins at `start` (default: now) is due."""
        return self.moment(lambda: self.calendar.deadline(start or self.at, target))

    def moment(self, made: Callable[[], datetime]) -> str:
        """An instant in words; why there is none where the calendar does not reach."""
        try:
            return said_moment(made(), self.regulation, self.language)
        except CalendarError as wrong:
            return self.t(wrong.sentence, **wrong.params)
        except OverflowError as wrong:
            return str(wrong)

    def later(self) -> datetime:
        """An hour of work from now; now where the calendar does not reach."""
        try:
            return self.calendar.add(self.at, HOUR)
        except CalendarError:
            return self.at
