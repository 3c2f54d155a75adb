"""What a search is given: the same words for what is kept and for what is sought, and the number of a ticket."""

import re

# PostgreSQL takes every sign beyond ASCII for a letter where the database has the locale C: «Ладога» would be another
# word than Ладога, and a dash between two words would make one of them.
_SIGNS = re.compile(r"[^\w\s\x01-\x7f]|\x00")
# People paste a number as it stands in the subject of a letter, often with all of it: «Re: Заявка#2026-00031 Принтер».
_NUMBER = re.compile(r"[#№]\s*([A-Za-z0-9-]+)")


def searchable(text: str) -> str:
    """`text` without the signs that are no letters; the ASCII ones stay, PostgreSQL knows them."""
    return _SIGNS.sub(" ", text)


def number_in(text: str) -> str:
    """The number that may be meant: what follows # or № as in our letters (clause 7.4), otherwise all of `text`."""
    found = _NUMBER.search(text)
    return (found[1] if found else text).strip().upper()
