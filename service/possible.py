"""What may be done with a ticket now: the moves, what each must carry, and what may be chosen."""

from __future__ import annotations

from collections.abc import Sequence

from service.actors import Actor
from service.schemas import Choice, MoveField, PossibleMove, PossibleMoves
from service.ticket import Ticket
from service.words import Language, translate
from workflow.definition import Field, Kind, Move
from workflow.machine import MACHINE, TicketFacts
from workflow.process import SOLVED
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
    moves = MACHINE.moves(facts(ticket), by=by.role)
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
        fields=[_field(field, rules, language) for field in move.fields],
    )


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
    reasons = [(reason.code, reason.name.to(language)) for reason in rules.regulation.postponement_reasons]
    if field.kind is Kind.REASON:
        return reasons
    if field.kind is Kind.OUTCOME:
        return [(SOLVED, translate(language, SOLVED_LABEL)), *reasons]
    return ()
