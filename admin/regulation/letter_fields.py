"""What each field of a letter means, for those who write letters."""

from typing import Final

from workflow.words import _

FIELD_WORDS: Final = {
    "ticket.number": _("registration number; empty before registration"),
    "ticket.subject": _("subject of the request"),
    "ticket.priority": _("name of the priority"),
    "ticket.received_at": _("when the request was received"),
    "ticket.registration_due_at": _("until when it is registered"),
    "ticket.due_at": _("until when it is solved"),
    "ticket.promised_at": _("the date promised when it takes longer"),
    "contact.full_name": _("who asked"),
    "contact.organisation": _("the organisation of who asked"),
    "centre": _("name of the support centre"),
    "operator": _("who writes: the colleague, or the centre"),
    "text": _("what the colleague typed: the answer, the question, the argument"),
    "act": _("what was done, by its name (notice to colleagues only)"),
    "question": _("the question that still waits for an answer (reminder)"),
    "reason": _("why it takes longer, or why the request is not taken"),
    "duplicate_of": _("number of the other ticket, for a duplicate"),
    "passport": _("how the deadline was counted, in one line"),
    "outside_hours": _("true when the request came outside working time"),
    "auto_close_at": _("when silence closes the ticket"),
    "status_url": _("link to the state of the ticket"),
    "confirm_url": _("link to confirm the solution (completion only)"),
    "dispute_url": _("link to disagree (completion only)"),
    "rate_url": _("link to say what you thought of it (closing only)"),
    "missing": _("list: the facts that are missing"),
    "refused_files": _("list: files not taken; each has “name” and “reason”"),
    "clock": _("which clock: registration or resolution (colleagues only)"),
    "due_at": _("the deadline of that clock (colleagues only)"),
    "step": _("which step of the regulation rang (colleagues only)"),
    "extended": _("true when the customer was told in time (colleagues only)"),
    "assignee": _("who is responsible (colleagues only)"),
    "desk_url": _("link to the ticket on the desk (colleagues only)"),
    "notices": _("list: what waited; each has “subject” and “text” (digest only)"),
}
