"""What the full-text search is given: the same words for what is kept and for what is sought."""

import re

# PostgreSQL takes every sign beyond ASCII for a letter where the database has the locale C: «Ладога» would be another
# word than Ладога, and a dash between two words would make one of them.
_SIGNS = re.compile(r"[^\w\s\x01-\x7f]|\x00")


def searchable(text: str) -> str:
    """`text` without the signs that are no letters; the ASCII ones stay, PostgreSQL knows them."""
    return _SIGNS.sub(" ", text)
