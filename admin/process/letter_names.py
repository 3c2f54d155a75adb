"""What the letters are called, and the clause that each of them carries."""

from typing import Final

from workflow.words import _

LETTER_NAMES: Final = {
    "accepted": _("We have your request"),
    "registered": _("Number, priority and deadline"),
    "refused": _("Why the request is not taken"),
    "started": _("The work has begun"),
    "question": _("A question to the customer"),
    "answer": _("An answer"),
    "completed": _("Please confirm the solution"),
    "closed": _("The ticket is closed"),
    "dispute": _("The work goes on after a dispute"),
    "extension": _("Why it takes longer, and until when"),
    "reminder": _("We still wait for an answer"),
    "warning": _("To colleagues: a deadline comes near"),
    "breach": _("To colleagues: a deadline has passed"),
    "notice": _("To colleagues: what others did on a ticket of theirs"),
    "digest": _("To colleagues: what waited while the centre was closed"),
}

LETTER_CLAUSES: Final = {
    "accepted": "7.3", "registered": "6.3", "refused": "7.10", "started": "4.5", "question": "4.6", "answer": "4.7",
    "completed": "4.8", "closed": "4.9", "dispute": "4.8", "extension": "6.3", "reminder": "4.6", "warning": "6.3",
    "breach": "6.3", "notice": "4.5", "digest": "6.3",
}  # fmt: skip
