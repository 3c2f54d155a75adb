"""The support process: one table, read by the machine, the API, the docs, the picture and the pages."""

from __future__ import annotations

from workflow.definition import (
    CLOCK_ONLY,
    CUSTOMER_ONLY,
    CUSTOMER_OR_OPERATOR,
    OPERATORS,
    STAFF,
    STAFF_OR_CLOCK,
    Field,
    Kind,
    Move,
    Process,
    Role,
    State,
)
from workflow.words import _

DELIVERY_METHODS = (
    ("email", _("E-mail")),
    ("phone", _("Phone")),
    ("remote_access", _("Remote access")),
    ("onsite", _("On site")),
    ("other", _("Other")),
)
CHANNELS = (("portal", _("Portal")), ("email", _("E-mail")), ("phone", _("Phone")))
REJECT_REASONS = (
    ("spam", _("Spam: no letter is sent")),
    ("not_official_channel", _("Not an official channel (7.5)")),
    ("out_of_scope", _("Outside technical support")),
    ("duplicate", _("Duplicate of another ticket")),
)
RELATIONS = (
    ("related", _("Related")),
    ("duplicate", _("Duplicate of")),
    ("follow_up", _("Follow-up of")),
    ("split", _("Split from")),
)
# The same, said on the page of the ticket that is pointed at.
RELATIONS_BACK = (
    ("related", _("Related")),
    ("duplicate", _("Duplicate of this one")),
    ("follow_up", _("Follow-up of this one")),
    ("split", _("Split from this one")),
)
SOLVED = "solved"
SCORES = (("good", _("Good")), ("fair", _("So-so")), ("bad", _("Bad")))

PRIORITY = Field("priority", Kind.PRIORITY, _("Priority"))
ASSIGNEE = Field("assignee", Kind.USER, _("Assignee"), required=False)
TEXT = Field("text", Kind.TEXT, _("Text"))
QUESTION = Field("text", Kind.TEXT, _("Question"))
ANSWER = Field("text", Kind.TEXT, _("Answer"))
ARGUMENT = Field("text", Kind.TEXT, _("Argument"))
OPTIONAL_TEXT = Field("text", Kind.TEXT, _("Text"), required=False)
WHY = Field("text", Kind.TEXT, _("Reason"))
MINUTES = Field("minutes", Kind.MINUTES, _("Minutes spent"))
DELIVERY = Field("delivery_method", Kind.DELIVERY, _("Delivery method"), choices=DELIVERY_METHODS)
OUTCOME = Field("outcome", Kind.OUTCOME, _("Outcome"))
POSTPONEMENT = Field("reason", Kind.REASON, _("Reason (7.9)"))
PROMISED = Field("promised_at", Kind.INSTANT, _("Promised by"))
REJECTION = Field("reason", Kind.WORD, _("Reason"), choices=REJECT_REASONS)
DUPLICATE_OF = Field("duplicate_of", Kind.TICKET, _("Duplicate of"), required=False)
OTHER_TICKET = Field("ticket", Kind.TICKET, _("Ticket"))
RELATION = Field("relation", Kind.RELATION, _("Relation"), choices=RELATIONS)
SCORE = Field("score", Kind.WORD, _("How was it?"), choices=SCORES)
FILES = Field("attachments", Kind.FILES, _("Files"), required=False)
DETAILS = Field("details", Kind.DATA, _("Details"), required=False)

OPEN = ("new", "registered", "in_progress", "awaiting_customer", "completed")
CLOCKED = ("new", "registered", "in_progress")
ENDED = ("closed",)
TALKING = ("new", "registered", "in_progress", "completed")

# fmt: off
PROCESS = Process(
    initial="new",
    states=(
        #     name                 staff                            customer                                         clocks
        State("new",               _("New"),                        _("Received"),                                   runs="registration"),
        State("registered",        _("Registered"),                 _("Registered"),                                 runs="resolution"),
        State("in_progress",       _("In progress"),                _("In progress"),                                runs="resolution"),
        State("awaiting_customer", _("Awaiting the customer"),      _("Waiting for you"),                            pauses="resolution", pause_reason=_("waiting for the customer")),
        State("completed",         _("Completed"),                  _("Completed, awaiting confirmation"),           runs="auto_close", pauses="resolution", pause_reason=_("completed, waiting for confirmation")),
        State("closed",            _("Closed"),                     _("Closed"),                                     final=True),
    ),
    moves=(
        # Moves that change the state
        #    trigger            from                                   to                   who may                label                            what it must carry                        whom it tells
        Move("register",        ("new",),                              "registered",        OPERATORS,             _("Register"),                   (PRIORITY, ASSIGNEE),                     ("registered",),       ("ticket.registered",), done=_("Registered")),
        Move("reject",          ("new",),                              "closed",            OPERATORS,             _("Reject"),                     (REJECTION, OPTIONAL_TEXT, DUPLICATE_OF), ("refused",),          ("ticket.closed",), dangerous=True, done=_("Rejected")),
        Move("start",           ("registered",),                       "in_progress",       OPERATORS,             _("Take into work"),             (ASSIGNEE,),                              ("started",),          assigns=True, done=_("Taken into work")),
        Move("request_info",    ("registered", "in_progress"),         "awaiting_customer", OPERATORS,             _("Ask the customer"),           (QUESTION, MINUTES, FILES),               ("question",),         ("ticket.answered",), assigns=True, done=_("Customer asked")),
        Move("resume",          ("awaiting_customer",),                "in_progress",       CUSTOMER_OR_OPERATOR,  _("Resume with the answer"),     (ANSWER, FILES),                          (), done=_("Answer of the customer")),
        Move("complete",        ("in_progress", "awaiting_customer"),  "completed",         OPERATORS,             _("Complete"),                   (ANSWER, DELIVERY, MINUTES, OUTCOME, FILES), ("completed",),        ("ticket.answered",), done=_("Completed")),
        Move("confirm",         ("completed",),                        "closed",            CUSTOMER_OR_OPERATOR,  _("Confirm the solution"),       (),                                       ("closed",),           ("ticket.closed",), done=_("Solution confirmed")),
        Move("dispute",         ("completed",),                        "in_progress",       CUSTOMER_OR_OPERATOR,  _("Dispute"),                    (ARGUMENT, FILES),                        ("dispute",), done=_("Disputed")),
        Move("expire",          ("completed",),                        "closed",            CLOCK_ONLY,            _("Close after silence"),        (),                                       ("closed",),           ("ticket.closed",), conditions=("customer_is_silent", "completion_arrived"), done=_("Closed after silence")),
        Move("withdraw",        OPEN,                                  "closed",            CUSTOMER_OR_OPERATOR,  _("Withdraw"),                   (WHY,),                                   ("closed",),           ("ticket.closed",), dangerous=True, done=_("Withdrawn")),
        # Moves that keep the state
        Move("assign",          OPEN,                                  None,                STAFF,                 _("Assign"),                     (Field("assignee", Kind.USER, _("Assignee")),), done=_("Assigned")),
        Move("change_priority", OPEN,                                  None,                STAFF_OR_CLOCK,        _("Change the priority"),        (PRIORITY, Field("reason", Kind.TEXT, _("Reason"))), (),         ("ticket.priority.changed",), conditions=("has_a_priority",), done=_("Priority changed")),
        Move("extend",          OPEN,                                  None,                STAFF,                 _("Extend the deadline"),        (POSTPONEMENT, TEXT, PROMISED, FILES),    ("extension",),        (), conditions=("has_a_priority",), done=_("Deadline extended")),
        Move("comment",         OPEN,                                  None,                STAFF,                 _("Comment for colleagues"),     (TEXT, FILES), done=_("Note for colleagues")),
        Move("answer",          OPEN,                                  None,                STAFF,                 _("Answer the customer"),        (ANSWER, DELIVERY, MINUTES, FILES),       ("answer",),           ("ticket.answered",), done=_("Answered")),
        Move("reply",           TALKING,                               None,                CUSTOMER_OR_OPERATOR,  _("Message from the customer"),  (TEXT, FILES)),
        Move("dismiss_reply",   ("completed",),                        None,                STAFF,                 _("Not a dispute"),              (),                                       (),                    (), conditions=("a_reply_waits",)),
        Move("remind",          OPEN,                                  None,                STAFF_OR_CLOCK,        _("Remind the customer"),        (OPTIONAL_TEXT,),                         ("reminder",), done=_("Customer reminded")),
        Move("snooze",          OPEN,                                  None,                STAFF,                 _("Remind me on a date"),        (Field("until", Kind.INSTANT, _("Until")), OPTIONAL_TEXT), done=_("Reminder set"), quiet=True),
        Move("wake",            OPEN,                                  None,                CLOCK_ONLY,            _("Reminder came due"),          (DETAILS,), quiet=True),
        Move("escalate",        OPEN,                                  None,                STAFF_OR_CLOCK,        _("Escalate"),                   (OPTIONAL_TEXT, DETAILS),                 (),                    ("ticket.escalated",), done=_("Escalated"), tells=("supervisors",)),
        Move("warn",            CLOCKED,                               None,                CLOCK_ONLY,            _("Deadline warning"),           (DETAILS,),                               (),                    ("ticket.deadline.warning",)),
        Move("breach",          OPEN,                                  None,                CLOCK_ONLY,            _("Deadline breached"),          (DETAILS,),                               (),                    ("ticket.deadline.breached",)),
        Move("attach",          OPEN,                                  None,                STAFF | {Role.CUSTOMER}, _("Attach files"),             (Field("attachments", Kind.FILES, _("Files")),), done=_("Files attached")),
        Move("link",            OPEN,                                  None,                STAFF,                 _("Link to a ticket"),           (OTHER_TICKET, RELATION), done=_("Linked")),
        Move("split",           OPEN,                                  None,                STAFF,                 _("Split into a new ticket"),    (Field("message", Kind.MESSAGE, _("Message")), Field("subject", Kind.WORD, _("Subject"))), done=_("Message split off")),
        Move("identify",        OPEN,                                  None,                STAFF,                 _("Identify the customer"),      (Field("organisation", Kind.ORGANISATION, _("Organisation")), Field("contact", Kind.CONTACT, _("Contact"), required=False)), done=_("Customer identified")),
        # The one word after the end: it opens nothing again
        Move("rate",            ENDED,                                 None,                CUSTOMER_ONLY,         _("Say how it was"),             (SCORE,), done=_("Customer said how it was")),
        # What the system itself notes on a ticket
        Move("accept",          OPEN,                                  None,                CLOCK_ONLY,            _("Registration letter taken by the mail server"), (DETAILS,), quiet=True),
        Move("bounce",          OPEN,                                  None,                CLOCK_ONLY,            _("Letter came back"),           (DETAILS,)),
        Move("repin",           OPEN,                                  None,                CLOCK_ONLY,            _("Moved to another version of the regulation"), (DETAILS,), quiet=True),
    ),
)
# fmt: on
