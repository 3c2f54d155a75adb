"""Files that travel with letters: named in the row of the outbox, read from the shelf when the letter leaves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from service.files import open_file
from service.house import HOUSE
from service.mime import attachment_size, with_attachments
from workflow.errors import FieldError, WrongFields
from workflow.words import _

FIELD = "attachments"
MEGABYTE = 1_000_000  # bytes, as mail servers state their limits


class Enclosure(msgspec.Struct, frozen=True):
    """A file of a letter. The shelf keeps its content once, however many letters carry it."""

    filename: str
    content_type: str
    size: int
    sha256: str


def refuse_too_heavy(letter: bytes, enclosures: Sequence[Enclosure]) -> None:
    """Raises WrongFields when the letter, with its files as they go over the wire, is more than goes out."""
    weight = len(letter) + sum(attachment_size(one.size) for one in enclosures)
    if enclosures and weight > HOUSE.letter_bytes:
        sentence = _(
            "With these files the letter would have {weight} MB, and no more than {most} MB go out. Leave some of them "
            "for another letter."
        )
        told = {"weight": str(-(-weight // MEGABYTE)), "most": str(HOUSE.letter_bytes // MEGABYTE)}
        raise WrongFields([FieldError(FIELD, sentence, told)])


def enclosed(letter: bytes, enclosures: Sequence[Enclosure], *, boundary: str) -> bytes:
    """The letter with its files: the same bytes each time it is asked for.

    It blocks for the disk: call it from a thread. Raises NotFound when the shelf does not hold a file.
    """
    return with_attachments(letter, _read(enclosures), boundary=boundary)


def _read(enclosures: Sequence[Enclosure]) -> Iterator[tuple[str, str, bytes]]:
    for one in enclosures:
        with open_file(one.sha256) as opened:
            yield one.filename, one.content_type, opened.read()
