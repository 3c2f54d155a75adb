"""What may be done with a ticket now: the moves, what each must carry, and what may be chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from service.actors import Actor
from service.schemas import Choice, MoveField, PossibleMove, PossibleMoves
from service.ticket import Ticket
from service.words import Language, translate
from workflow.definition import Field, Kind, Move
from workflow.errors import FieldError, WrongFields
from workflow.machine import MACHINE, TicketFacts
from workflow.process import PROCESS, SOLVED
from workflow.regulation import Rulebook
from workflow.words import _

SOLVED_LABEL = _("Solved")


def facts(ticket: Ticket) -> TicketFacts:
    """What the machine asks of a ticket."""
    return TicketFacts(
        state=ticket.state,
        priority=ticket.priority,
        answer_unread=ticket.answer_unread,
        completion_bounced=ticket.completion_bounced,
    )


def possible_moves(
    ticket: Ticket, *, by: Actor, pinned: Rulebook, in_force: Rulebook, language: Language
) -> PossibleMoves:
    """The moves `by` may make now. Registering chooses from the rules in force, all else from the pinned ones."""
    moves = [move for move in MACHINE.moves(facts(ticket), by=by.role) if sendable(move.trigger)]
    return PossibleMoves(
        state=ticket.state,
        seq=ticket.seq,
        items=[_shown(move, in_force if ticket.number is None else pinned, language) for move in moves],
    )


def _shown(move: Move, rules: Rulebook, language: Language) -> PossibleMove:
    return PossibleMove(
        trigger=move.trigger,
        label=translate(language, move.label),
        to=move.to,
        dangerous=move.dangerous,
        fields=[_field(field, rules, language) for field in open_fields(move)],
    )


def sendable(trigger: str) -> bool:
    """Whether a request in JSON can carry the move: files come by an upload of their own."""
    move = PROCESS.by_trigger[trigger]
    return not any(field.required and _beyond_json(field) for field in move.fields)


def open_fields(move: Move) -> tuple[Field, ...]:
    """What an asker may give. Data are facts the system itself writes into the journal: nobody else may name them."""
    return tuple(field for field in move.fields if not _beyond_json(field))


def _beyond_json(field: Field) -> bool:
    """Files that are what a move is about are uploaded; elsewhere those already on the ticket are named."""
    return field.kind is Kind.DATA or (field.kind is Kind.FILES and field.required)


def refuse_data(trigger: str, given: Mapping[str, object]) -> None:
    """Raises WrongFields when an asker gives what only the system may."""
    move = PROCESS.by_trigger.get(trigger)
    takes = ", ".join(field.name for field in open_fields(move)) if move else ""
    closed = [field.name for field in move.fields if _beyond_json(field) and field.name in given] if move else []
    if closed:
        sentence = _("This move has no such field. It takes: {fields}.")
        raise WrongFields([FieldError(name, sentence, {"fields": takes or "–"}) for name in closed])


def _field(field: Field, rules: Rulebook, language: Language) -> MoveField:
    return MoveField(
        name=field.name,
        kind=field.kind.value,
        label=translate(language, field.label),
        required=field.required,
        choices=[Choice(code, label) for code, label in choices_of(field, rules, language)],
    )


def choices_of(field: Field, rules: Rulebook, language: Language) -> Sequence[tuple[str, str]]:
    """Codes and labels of what may be chosen; empty where anything of its kind goes."""
    if field.choices:
        return [(code, translate(language, label)) for code, label in field.choices]
    if field.kind is Kind.PRIORITY:
        return [(code, rules.priorities[code].name.to(language)) for code in rules.open_priorities]
    reasons = list(rules.reason_names(language).items())
    if field.kind is Kind.REASON:
        return reasons
    if field.kind is Kind.OUTCOME:
        return [(SOLVED, translate(language, SOLVED_LABEL)), *reasons]
    return ()
