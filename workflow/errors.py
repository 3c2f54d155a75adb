"""The reasons why a move may not be made, each a sentence that a person can read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from workflow.words import _

NOT_AMONG = _("“{value}” is not among the choices: {choices}.")


class Refusal(Exception):
    """A move that was not made. `sentence` is an English msgid; `params` fill its `{placeholders}`."""

    code = "refused"
    sentence = _("This is not possible.")

    def __init__(self, sentence: str | None = None, **params: str) -> None:
        self.sentence = sentence or type(self).sentence
        self.params = params
        super().__init__(self.sentence.format(**params))


class WrongState(Refusal):
    """The state of the ticket does not allow the trigger; `possible` lists what it allows this asker."""

    code = "wrong_state"
    sentence = _("“{move}” is not possible while the ticket is “{in_state}”.")

    def __init__(
        self, *, trigger: str, state: str, possible: Sequence[str], sentence: str | None = None, **params: str
    ) -> None:
        self.trigger = trigger
        self.state = state
        self.possible = tuple(possible)
        super().__init__(sentence, **params)


class NotYours(Refusal):
    """The asker's role may not make this move in any state."""

    code = "not_yours"
    sentence = _("Your role does not allow “{move}”.")


class UnknownTrigger(Refusal):
    """No move of the process has this name."""

    code = "unknown_trigger"
    sentence = _("There is no move called “{trigger}”.")


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field: an English msgid and its parameters."""

    field: str
    sentence: str
    params: Mapping[str, str]


def no_choice(field: str, given: str | Iterable[str], choices: Iterable[str]) -> FieldError:
    """`given`, one or several, is not among the `choices`."""
    value = given if isinstance(given, str) else ", ".join(given)
    return FieldError(field, NOT_AMONG, {"value": value, "choices": ", ".join(choices)})


class WrongFields(Refusal):
    """Something given is missing, malformed or not among the choices: every wrong field at once."""

    code = "wrong_fields"
    sentence = _("Some fields need attention.")

    def __init__(self, errors: Sequence[FieldError]) -> None:
        self.errors = tuple(errors)
        super().__init__()


class Stale(Refusal):
    """The ticket changed since the asker looked at it."""

    code = "stale"
    sentence = _("The ticket changed meanwhile: {who} made “{move}” at {at}. Look again before you go on.")


class NotFound(Refusal):
    """There is no such thing, or not for this asker."""

    code = "not_found"
    sentence = _("There is nothing here by that name.")
