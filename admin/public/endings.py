"""How a completion or a ticket ended, said to its customer: by whose answer, and when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Final

from service.signed_links import Answer
from service.words import Language, relative, translate
from workflow.words import _

BY_SOMEBODY: Final[Mapping[str, str]] = {
    "confirm": _("Confirmed by {who}, {moment}."),
    "dispute": _("Disputed by {who}, {moment}."),
    "withdraw": _("Withdrawn by {who}, {moment}."),
    "expire": _("Closed by itself, {moment}: nobody answered in the time for it."),
    "reject": _("Not taken into work, {moment}: our letter says why."),
}


def ending_said(answer: Answer | None, language: Language, *, at: datetime, zone: tzinfo, named: bool = True) -> str:
    """One sentence; '' where there is nothing to say. Without `named` it tells no names, only whose side it was."""
    sentence = BY_SOMEBODY.get(answer.trigger) if answer else None
    if answer is None or sentence is None:
        return ""
    who = translate(language, _("the customer"))
    if answer.centre:
        who = translate(language, _("Technical support"))
    elif named and answer.who:
        who = answer.who
    return translate(language, sentence, who=who, moment=relative(language, answer.at, at=at, zone=zone))
