"""Priorities that come, go and change places in the queue."""

from __future__ import annotations

import re
from typing import Final

from admin.regulation.fields import Filled, changed
from service.regulation_words import target_in
from service.words import translate
from workflow.regulation import Priority, Regulation, Text
from workflow.words import _

CODE: Final = re.compile(r"[A-Z0-9]{1,10}")


def with_priority(regulation: Regulation, code: str) -> Filled:
    """The document with one priority more, the last in the queue; its name and definition wait to be written."""
    code = code.strip().upper()
    if not CODE.fullmatch(code):
        return Filled(None, {"code": (_("A code has 1 to 10 letters A–Z and digits."), {})})
    if any(one.code == code for one in regulation.priorities):
        return Filled(None, {"code": (_("There is a priority {code} already."), {"code": code})})
    last = max((one.rank for one in regulation.priorities), default=0)
    added = Priority(
        code=code,
        rank=last + 1,
        name=_in_both(_("Priority {code}"), code=code),
        definition=_in_both(_("When this priority is given.")),
        colour="grey",
        target=target_in(5, "working_days"),
    )
    return Filled(changed(regulation, priorities=(*regulation.priorities, added)), {})


def _in_both(msgid: str, **params: str) -> Text:
    return Text(ru=translate("ru", msgid, **params), en=translate("en", msgid, **params))


def without_priority(regulation: Regulation, code: str) -> Regulation:
    """The document without a priority that no version has published yet."""
    kept = tuple(one for one in regulation.priorities if one.code != code)
    document: Regulation = changed(regulation, priorities=kept)
    return document


def moved_priority(regulation: Regulation, code: str, *, up: bool) -> Regulation:
    """The document with a priority one place nearer to the head of the queue, or to its end.

    Two that share one rank are told apart by it, too.
    """
    order = sorted(regulation.priorities, key=lambda one: one.rank)
    codes = [one.code for one in order]
    if code not in codes:
        return regulation
    here = codes.index(code)
    there = here - 1 if up else here + 1
    if not 0 <= there < len(codes):
        return regulation
    codes[here], codes[there] = codes[there], codes[here]
    given = sorted({one.rank for one in order})
    ranks = dict(zip(codes, given if len(given) == len(codes) else range(1, len(codes) + 1), strict=True))
    ranked = tuple(changed(one, rank=ranks[one.code]) for one in regulation.priorities)
    document: Regulation = changed(regulation, priorities=ranked)
    return document
