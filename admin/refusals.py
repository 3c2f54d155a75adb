"""Refusals in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping

from service.words import Language, translate
from workflow.errors import Refusal

# Parameters that are themselves texts of the process table.
NAMED = frozenset({"move", "in_state"})


def say(sentence: str, params: Mapping[str, str], language: Language) -> str:
    """A sentence of a refusal with its parameters, all of it in `language`."""
    said = {name: translate(language, value) if name in NAMED else value for name, value in params.items()}
    return translate(language, sentence, **said)


def reason(refusal: Refusal, language: Language) -> str:
    """Why it may not be."""
    return say(refusal.sentence, refusal.params, language)
