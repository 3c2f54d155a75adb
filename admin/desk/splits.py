"""Splitting a message off (clause 4.3): a small form at each message of the customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from admin.desk import reads
from service.problems import told
from service.words import Language
from workflow.definition import Kind, Move
from workflow.errors import FieldError

LONGEST_SUBJECT: Final = 120  # characters of the first line that are offered as the subject


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitForm:
    """The form at one message: its subject as offered or as typed, and what is wrong with it."""

    trigger: str
    label: str
    subject: str
    key: str
    opened: bool = False
    error: str = ""


def splits(move: Move) -> bool:
    """Whether the move takes a message out of the talk."""
    return any(field.kind is Kind.MESSAGE for field in move.fields)


def split_forms(
    move: Move,
    messages: Sequence[reads.Message],
    *,
    language: Language,
    label: str,
    typed: Mapping[str, str],
    errors: Sequence[FieldError] = (),
    refusal: str = "",
) -> dict[str, SplitForm]:
    """A form for each message of the customer by the message's id; the one that was tried stands open."""
    said = " ".join(filter(None, [refusal, *(told(error, language) for error in errors)]))
    forms = {}
    for message in messages:
        if message.direction != "in":
            continue
        id = str(message.id)
        tried = typed.get("message") == id
        forms[id] = SplitForm(
            trigger=move.trigger, label=label, key=uuid4().hex, opened=tried, error=said if tried else "",
            subject=typed.get("subject", "") if tried else _first_line(message),
        )  # fmt: skip
    return forms


def _first_line(message: reads.Message) -> str:
    lines = (message.reply or message.text).strip().splitlines()
    return lines[0].strip()[:LONGEST_SUBJECT] if lines else ""
