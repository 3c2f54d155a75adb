"""A refusal in one line, for a flash or a report."""

from service.problems import told
from service.words import Language
from workflow.errors import Refusal, WrongFields


def said(refusal: Refusal, language: Language) -> str:
    """Every wrong field where fields are wrong, else the sentence of the refusal."""
    parts = refusal.errors if isinstance(refusal, WrongFields) else ()
    return " ".join(told(one, language) for one in parts) or told(refusal, language)
