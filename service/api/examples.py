"""Examples for the API's description: the same ticket all the way through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec


class Examples(msgspec.Struct, frozen=True):
    """Named request bodies by operation; answers by the name of their schema. A page is made of what it holds."""

    requests: Mapping[str, Mapping[str, Any]]
    answers: Mapping[str, Any]


ID = "019df2c1-5a00-7c4e-9a51-3f2b8c7d6e5f"
TICKET: dict[str, Any] = {
    "id": ID, "number": "2026-00042", "state": "registered", "priority": "P2", "subject": "The reader beeps",
    "text": "Since this morning the card reader at the gate beeps and does not open.", "channel": "portal",
    "product": "Gate reader", "organisation": "Romashka LLC",
    "contact": {"full_name": "Anna Kim", "position": "engineer", "phone": "+7 900 000-00-00",
                "email": "anna@romashka.example.org"},
    "contract": "C-17", "service_level": "standard", "assignee": None, "received_at": "2026-05-04T07:00:00Z",
    "registered_at": "2026-05-04T07:20:00Z", "accepted_at": "2026-05-04T07:20:02Z",
    "registration_due_at": "2026-05-04T10:00:00Z", "due_at": "2026-05-05T07:20:00Z", "promised_at": None,
    "completed_at": None, "closed_at": None, "outcome": None, "seq": 2,
    "clock": {"state": "running", "remaining_seconds": 28800}, "regulation_version": 1, "minutes_total": 0,
    "missing_fields": [], "unidentified": False, "answer_unread": False, "registration_result": "met",
    "resolution_result": None, "contract_expired": False,
}  # fmt: skip
WEBHOOK: dict[str, Any] = {
    "id": ID, "url": "https://crm.example.org/hooks/reglament", "event_types": ["*"],
    "filters": {"priority": ["P1", "P2"]}, "status": "enabled", "disabled_reason": "", "failing_since": None,
    "hold_until": None, "old_secret_until": None, "created_by": "token:3", "created_at": "2026-05-04T07:00:00Z",
}  # fmt: skip
EVENT: dict[str, Any] = {
    "id": "evt_019df2c15a007c4e9a513f2b8c7d6e5f_2_0", "type": "ticket.state.changed",
    "timestamp": "2026-05-04T07:20:00Z",
    "data": {"ticket_id": ID, "number": "2026-00042", "seq": 2, "trigger": "register", "from": "new",
             "to": "registered", "actor": "staff", "priority": "P2"},
}  # fmt: skip
HELD_MAIL: dict[str, Any] = {
    "id": ID, "status": "held", "kind": "stranger", "why": "It names a ticket its sender has nothing to do with",
    "reason": "", "sender": "anna@gmail.example.org", "subject": "Re: Request#2026-00042",
    "received_at": "2026-05-04T08:00:00Z", "source": "smtp", "ticket": ID, "number": "2026-00042",
    "due_at": "2026-05-04T11:00:00Z", "overdue": False,
}  # fmt: skip
DOCUMENT: dict[str, Any] = {"priorities": ["…"], "calendar": {"years": ["…"]}, "letters": {"…": "…"}}
RESULTS = {"met": 57, "extended": 2, "breached": 4, "running": 9}
TALLY = RESULTS | {"unknown": 0}
TEAM: dict[str, Any] = {
    "id": "1", "code": "second-line", "name": "Second line", "ended": False,
    "members": [{"id": "3", "email": "olga@desk.example.org", "name": "Olga Orlova"}],
}  # fmt: skip
PROBLEM: dict[str, Any] = {
    "type": "urn:reglament:problem:…", "title": "…", "status": 400,
    "detail": "A sentence that says what is wrong and what to do.", "instance": "/api/v1/tickets",
    "request_id": "0b9f6c1e7f4d4a6f8f7d2f3f5a1c9e77", "code": "…",
}  # fmt: skip
ACCOUNT: dict[str, Any] = {
    "contact": "3", "sees": "own", "active": True, "created_at": "2026-05-04T07:00:00Z", "signed_in_at": None,
}  # fmt: skip

EXAMPLES = Examples(
    requests={
        "createTicket": {
            "portal": {
                "channel": "portal", "organisation": "Romashka LLC", "full_name": "Anna Kim", "position": "engineer",
                "phone": "+7 900 000-00-00", "email": "anna@romashka.example.org", "subject": "The reader beeps",
                "text": "Since this morning the card reader at the gate beeps and does not open.",
            },
        },
        "makeMove": {
            "register": {"trigger": "register", "priority": "P2"},
            "request_info": {"trigger": "request_info", "text": "Which gate is it?", "minutes": 5},
            "complete": {
                "trigger": "complete", "text": "The reader was replaced.", "delivery_method": "email", "minutes": 40,
                "outcome": "solved",
            },
        },
        "createWebhook": {
            "urgent": {
                "url": "https://crm.example.org/hooks/reglament", "event_types": ["*"], "filters": {"priority": "P1"},
            },
        },
        "replayWebhook": {
            "one": {"deliveries": ["1207"]},
            "ticket": {"ticket": "2026-00042"},
            "range": {"since": "2026-05-04T00:00:00Z", "until": "2026-05-05T00:00:00Z"},
            "failed": {"failed": True},
        },
        "changeWebhook": {"types": {"event_types": ["ticket.registered", "ticket.closed"]}},
        "replaceWebhook": {"anew": {"url": "https://crm.example.org/hooks/new", "event_types": ["*"], "filters": {}}},
        "createOrganisation": {"romashka": {"name": "Romashka LLC", "domains": ["romashka.example.org"]}},
        "createContact": {
            "anna": {
                "full_name": "Anna Kim", "addresses": ["anna@romashka.example.org"], "organisation": "Romashka LLC",
            },
        },
        "createContract": {
            "standard": {
                "organisation": "Romashka LLC", "number": "C-17", "starts_on": "2026-01-01", "ends_on": "2026-12-31",
                "service_level": "standard",
            },
        },
        "inviteContact": {"chief": {"sees": "organisation"}, "colleague": {}},
        "changeContactAccount": {"block": {"active": False}, "all tickets": {"sees": "organisation"}},
        "mergeContacts": {"second record": {"other": "17"}},
        "mergeOrganisations": {"second record": {"other": "5"}},
        "importCustomers": {
            "difference": {
                "table": "organisation;contract;starts_on;service_level;full_name;email\n"
                "Romashka LLC;C-17;2026-01-01;standard;Anna Kim;anna@romashka.example.org\n",
            },
        },
        "createUser": {"operator": {"email": "olga@desk.example.org", "name": "Olga Orlova", "role": "operator"}},
        "createToken": {"crm": {"name": "CRM", "role": "operator", "scopes": ["tickets:read", "tickets:write"]}},
        "changeOrganisation": {"domains": {"domains": ["romashka.example.org", "romashka.example.com"]}},
        "changeContact": {"moved": {"position": "chief engineer", "phone": "+7 900 000-00-01"}},
        "changeContract": {"open_ended": {"ends_on": None}},
        "changeUser": {"promoted": {"role": "supervisor"}, "left": {"active": False}},
        "changeMe": {"english": {"language": "en"}},
        "setMyAbsence": {
            "holidays": {"first": "2026-07-01T00:00:00+03:00", "until": "2026-07-15T00:00:00+03:00", "deputy": "4"},
            "back": {},
        },
        "readMyNotices": {"seen": {"until": "1207"}},
        "changeMyNotice": {"read": {"read": True}},
        "setMyNoticeWays": {"quiet": {"ways": {"deadline": ["mail", "bell"], "watched": []}}},
        "createTeam": {"second_line": {"code": "second-line", "name": "Second line", "members": ["3", "4"]}},
        "changeTeam": {"people": {"members": ["3"]}, "over": {"ended": True}},
        "setAbsence": {
            "holidays": {"first": "2026-07-01T06:00:00Z", "until": "2026-07-15T06:00:00Z", "deputy": "4"},
            "back": {},
        },
        "importTickets": {
            "closed": {
                "tickets": [
                    {
                        "external_id": "OLD-1", "received_at": "2025-04-07T07:00:00Z",
                        "request": {"channel": "phone", "text": "It beeps.", "email": "anna@romashka.example.org"},
                        "history": [
                            {"at": "2025-04-07T07:10:00Z", "trigger": "register", "name": "Olga",
                             "fields": {"priority": "P2"}},
                            {"at": "2025-04-07T07:15:00Z", "trigger": "start", "name": "Olga"},
                            {"at": "2025-04-07T09:00:00Z", "trigger": "complete", "name": "Olga",
                             "fields": {"text": "Replaced.", "delivery_method": "email", "minutes": 60,
                                        "outcome": "solved"}},
                            {"at": "2025-04-07T09:30:00Z", "trigger": "confirm", "kind": "customer", "name": "Anna"},
                        ],
                    }
                ]
            },
        },
        "decideHeldMail": {
            "ticket": {"way": "ticket"},
            "join": {"way": "join", "ticket": "2026-00042"},
            "learn": {"way": "learn", "organisation": "Romashka LLC", "full_name": "Anna Kim"},
        },
        "checkRegulation": {"document": {"document": DOCUMENT}},
        "publishRegulation": {
            "monday": {
                "document": DOCUMENT, "note": "P2 in one day", "effective_at": "2026-06-01T06:00:00Z",
                "open_tickets": "keep",
            },
        },
        "simulateRegulation": {"half_a_year": {"document": DOCUMENT, "months": 6}, "as_it_is": {"months": 3}},
        "beginDraft": {"newest": {}, "older": {"copy_of": 1}},
        "saveDraft": {"whole": {"revision": 1, "document": DOCUMENT}},
        "rebaseDraft": {"seen": {"revision": 2}},
        "publishDraft": {"at_once": {"revision": 2, "note": "P2 in one day", "open_tickets": "from_now"}},
        "createView": {"urgent": {"name": "Urgent", "query": "priority=P1&state=registered", "shared": True}},
    },
    answers={
        "TicketView": TICKET,
        "PossibleMoves": {
            "state": "new", "seq": 1,
            "items": [
                {
                    "trigger": "register", "label": "Register", "to": "registered", "dangerous": False,
                    "fields": [
                        {"name": "priority", "kind": "priority", "label": "Priority", "required": True,
                         "choices": [{"code": "P2", "label": "P2 · High"}]},
                        {"name": "assignee", "kind": "user", "label": "Assignee", "required": False, "choices": []},
                    ],
                },
            ],
        },
        "JournalEntryView": {
            "seq": 2, "at": "2026-05-04T07:20:00Z", "kind": "move", "trigger": "register", "from_state": "new",
            "to_state": "registered", "actor": {"kind": "staff", "name": "Olga Orlova"}, "cause": "request:staff:3:a1",
            "data": {"priority": "P2", "number": "2026-00042"}, "hash": "9f" * 32,
        },
        "MessageView": {
            "id": ID, "seq": 1, "direction": "in", "author": "Anna Kim", "text": TICKET["text"],
            "reply": TICKET["text"], "method": "portal", "minutes": 0, "at": "2026-05-04T07:00:00Z",
        },
        "AttachmentView": {
            "id": ID, "message": None, "filename": "reader.png", "content_type": "image/png", "size": 48213,
            "sha256": "3b" * 32, "refused": "", "at": "2026-05-04T07:30:00Z",
        },
        "DeadlineView": {
            "registration_due_at": TICKET["registration_due_at"], "due_at": TICKET["due_at"], "promised_at": None,
            "clock": TICKET["clock"], "registration": None,
            "resolution": {
                "clock": "resolution", "priority": "P2", "target": {"amount": 28800, "kind": "working_time"},
                "regulation_version": 1, "calendar": "RU-2026", "origin": "2026-05-04T07:20:00Z",
                "due": TICKET["due_at"],
                "counted": [
                    {"start": "2026-05-04T07:20:00Z", "end": "2026-05-04T15:00:00Z", "seconds": 27600, "why": "work"},
                    {"start": "2026-05-05T06:00:00Z", "end": "2026-05-05T06:20:00Z", "seconds": 1200, "why": "work"},
                ],
                "skipped": [], "paused": [], "total_seconds": 28800,
                "text": {"ru": "Срок: 8 часов рабочего времени…", "en": "Due in 8 hours of working time…"},
            },
        },
        "EventView": EVENT,
        "EventTypeView": {
            "type": EVENT["type"], "description": "The ticket is in another state.",
            "schema": {"type": "object"}, "example": {name: EVENT[name] for name in ("type", "timestamp", "data")},
        },
        "WebhookView": WEBHOOK,
        "WebhookWithSecret": WEBHOOK | {"secret": "whsec_…"},
        "WebhookSecret": {"secret": "whsec_…", "old_secret_until": "2026-05-05T07:00:00Z"},
        "Ping": {"event_id": "evt_ping_0b9f6c1e7f4d4a6f8f7d2f3f5a1c9e77"},
        "Replayed": {"deliveries": 12, "next_since": None},
        "DeliveryView": {
            "id": "1207", "event_id": EVENT["id"], "type": EVENT["type"], "ticket": ID, "seq": 2,
            "status": "delivered", "attempt": 1, "next_at": "2026-05-04T07:20:00Z", "last_error": "",
            "created_at": "2026-05-04T07:20:00Z", "delivered_at": "2026-05-04T07:20:01Z", "body": '{"type":"…"}',
            "attempts": [
                {
                    "n": 1, "started_at": "2026-05-04T07:20:00Z", "ms": 84, "http_status": 204, "error": "",
                    "request_headers": {"webhook-id": EVENT["id"]}, "response_head": "",
                },
            ],
        },
        "LetterView": {
            "id": ID, "ticket": ID, "number": "2026-00042", "kind": "registered",
            "recipient": "anna@romashka.example.org", "subject": "Request#2026-00042 is registered",
            "message_id": "<2026-00042.1@desk.example.org>", "status": "bounced", "why": "550 no such mailbox",
            "attempt": 1, "next_at": None, "at": "2026-05-04T07:20:00Z", "delivered_at": "2026-05-04T07:20:02Z",
        },
        "RegulationVersion": {
            "version": 1, "effective_at": "2026-01-01T00:00:00Z", "published_at": "2025-12-20T09:00:00Z",
            "author": "Pavel Ivanov", "note": "The first one", "open_tickets": "keep", "passed_over": False,
        },
        "RegulationDocument": {"version": 1, "document": DOCUMENT},
        "RegulationDiff": {
            "version": 2, "base": 1,
            "changes": [{"place": "priorities.P2", "sentence": "P2: 8 hours become one working day."}],
        },
        "CheckResult": {
            "publishable": False,
            "problems": [{"place": "calendar", "message": "The year 2027 is missing."}],
        },
        "Published": {"version": 2},
        "CannedAnswerView": {
            "code": "restart", "title": {"ru": "Перезапуск", "en": "Restart"},
            "text": {"ru": "Перезапустите считыватель.", "en": "Restart the reader."}, "product": "Gate reader",
        },
        "Simulation": {
            "at": "2026-05-04T07:20:00Z", "since": "2026-03-01T00:00:00Z", "open_tickets": 41, "past_tickets": 320,
            "choices": [
                {
                    "choice": "from_now", "moved": 12, "earlier": 2, "later": 10, "filled": 0, "kept": 0,
                    "late_before": 3, "late_after": 1, "newly_late": 0, "no_longer_late": 2, "tickets": [],
                },
            ],
            "months": [
                {
                    "month": "2026-04", "priority": "P2", "clock": "resolution",
                    "then": TALLY, "draft": TALLY | {"met": 60, "breached": 1}, "worse": 0, "better": 3,
                },
            ],
        },
        "RepublicationProgress": {
            "version": 2, "open_tickets": "from_now", "starts_at": "2026-06-01T06:00:00Z", "started_at": None,
            "finished_at": None, "total": 41, "done": 0, "skipped": 0, "kept": [],
        },
        "DraftView": {
            "revision": 1, "based_on": 1, "newest": 1, "author": "Pavel Ivanov",
            "changed_at": "2026-05-04T07:00:00Z", "problems": [], "document": DOCUMENT,
        },
        "ProcessView": {
            "initial": "new",
            "states": [
                {"name": "new", "label": "New", "customer_label": "Received", "runs": "registration", "pauses": None,
                 "final": False},
            ],
            "moves": [
                {"trigger": "register", "label": "Register", "sources": ["new"], "to": "registered",
                 "who": ["administrator", "operator"], "fields": ["priority", "assignee"], "required": ["priority"],
                 "letters": ["registered"]},
            ],
        },
        "Coverage": {
            "version": 1,
            "items": [
                {"clause": "4.1", "text": ["Requests come by portal, mail and phone."],
                 "figures": [{"name": "4.1", "words": "received", "count": 128}]},
            ],
        },
        "CoveredTickets": {
            "words": "solved late",
            "items": [{name: TICKET[name] for name in ("id", "number", "subject", "priority", "received_at")}],
        },
        "ProposedYear": {"year": {"year": 2026, "holidays": ["2026-01-01"], "working_weekends": []}},
        "SlaReport": {"items": [RESULTS | {"month": "2026-05", "priority": "P2", "clock": "resolution"}]},
        "SlaTickets": {
            "items": [
                {name: TICKET[name] for name in ("id", "number", "subject", "priority", "received_at", "due_at")}
                | {"ended_at": None},
            ],
            "next_cursor": None,
        },
        "EffortReport": {
            "items": [
                {"month": "2026-05", "organisation": "Romashka LLC", "contract": "C-17", "operator": "Olga Orlova",
                 "operator_id": "staff:4", "operator_email": "olga@desk.example.org",
                 "answers": 14, "minutes": 480},
            ],
            "minutes_total": 480,
        },
        "LevelReport": {"items": [RESULTS | {"level": "standard", "priority": "P2"}]},
        "StateReport": {
            "items": [{"state": "registered", "stays": 96, "mean_seconds": 9120.5, "median_seconds": 5400.0}],
        },
        "PauseReport": {
            "items": [{"reason": "waiting for the customer", "pauses": 58, "tickets": 41, "mean_seconds": 61200.0,
                       "median_seconds": 12600.0}],
        },
        "MoveReport": {"items": [{"month": "2026-05", "code": "vendor", "n": 4, "tickets": 3}]},
        "SatisfactionReport": {"items": [{"first": "2026-05-01", "good": 41, "fair": 6, "bad": 2}]},
        "OrganisationView": {
            "id": "3", "name": "Romashka LLC", "domains": ["romashka.example.org"],
            "created_at": "2026-01-12T08:00:00Z",
        },
        "ContactRecord": {
            "id": "12", "organisation": "Romashka LLC", "full_name": "Anna Kim", "position": "engineer",
            "phone": "+7 900 000-00-00", "language": "ru", "addresses": ["anna@romashka.example.org"],
        },
        "ContractView": {
            "id": "5", "organisation": "Romashka LLC", "number": "C-17", "products": ["Gate reader"],
            "service_level": "standard", "starts_on": "2026-01-01", "ends_on": "2026-12-31",
        },
        "NoticeView": {
            "id": "1207", "kind": "watched", "at": "2026-05-04T07:40:00Z", "read_at": None, "ticket": ID,
            "number": "2026-00042", "subject": TICKET["subject"], "seq": 3, "trigger": "register",
            "to_state": "registered", "actor": {"kind": "staff", "name": "Olga Orlova"}, "mail": None,
        },
        "NoticesRead": {"read": 4},
        "NoticeWaysList": {
            "items": [
                {"kind": "deadline", "ways": ["mail", "bell"], "needed": True},
                {"kind": "watched", "ways": ["bell"], "needed": False},
            ],
        },
        "SessionList": {
            "items": [
                {"id": "4d" * 32, "browser": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", "place": "192.0.2.7",
                 "created_at": "2026-05-04T06:00:00Z", "expires_at": "2026-05-04T18:00:00Z", "here": False},
            ],
        },
        "SessionsEnded": {"ended": 2},
        "TeamView": TEAM,
        "TeamList": {"items": [TEAM]},
        "WatcherList": {
            "items": [
                {"id": "5", "email": "gleb@desk.example.org", "name": "Gleb Tarasov", "since": "2026-05-04T07:30:00Z"},
            ],
        },
        "UserView": {
            "id": "4", "email": "olga@desk.example.org", "name": "Olga Orlova", "role": "operator", "language": "ru",
            "active": True, "created_at": "2026-01-12T08:00:00Z", "signed_in_at": "2026-05-04T06:00:00Z",
        },
        "UserWithPassword": {"id": "4", "email": "olga@desk.example.org", "password": "…"},
        "TokenView": {
            "id": "7", "name": "CRM", "role": "operator", "scopes": ["tickets:read", "tickets:write"], "user": None,
            "created_at": "2026-01-12T08:00:00Z", "expires_at": None, "used_at": "2026-05-04T07:00:00Z",
            "revoked_at": None,
        },
        "TokenShown": {"id": "7", "name": "CRM", "token": "rgl_…"},
        "Me": {"kind": "token", "name": "CRM", "role": "operator", "user": None, "scopes": ["tickets:read"]},
        "Absence": {
            "first": "2026-07-01T06:00:00Z", "until": "2026-07-15T06:00:00Z", "deputy": "4", "away": False,
        },
        "AccountView": ACCOUNT,
        "InvitationView": {
            "contact": "3", "address": "anna@romashka.example.org", "sees": "own", "sent_at": "2026-05-04T07:00:00Z",
            "expires_at": "2026-05-11T07:00:00Z",
        },
        "Invited": {"contact": "3", "address": "anna@romashka.example.org", "sees": "organisation"},
        "ErasedView": {"tickets": 4, "messages": 19},
        "ImportResults": {
            "items": [
                {"external_id": "OLD-1", "status": "imported", "id": ID, "number": "2026-00042", "errors": []},
                {"external_id": "OLD-2", "status": "refused", "id": None, "number": None,
                 "errors": [{"field": "history.0.trigger", "message": "“Confirm” is not possible while …"}]},
            ],
        },
        "CustomerDifference": {
            "changes": ["New organisation: Romashka LLC", "Romashka LLC: new contract C-17"], "notes": [],
            "digest": "6f0c…", "done": False,
        },
        "HeldMailView": HELD_MAIL,
        "HeldMailRecord": HELD_MAIL
        | {"recipients": ["support@desk.example.org"], "text": "It beeps.", "reply": "It beeps.", "files": []},
        "Health": {"status": "ready"},
        "AlarmView": {
            "id": "9", "kind": "calendar_year", "key": "2027", "message": "The calendar lacks the year 2027.",
            "at": "2026-11-01T06:00:00Z", "cleared_at": None,
        },
        "StandingView": {
            "letters": 2, "events": 0, "stuck_letters": 0, "dead_events": 0, "unread_mail": 0,
            "oldest_delivery": "2026-05-04T07:20:00Z", "next_timer": "2026-05-04T10:00:00Z",
            "audited_at": "2026-05-04T07:19:40Z",
            "checks": [
                {"name": "chain", "promise": "The chain of hashes is whole", "found": 0, "detail": "",
                 "at": "2026-05-04T07:19:40Z"},
            ],
        },
        "ViewView": {
            "id": "2", "name": "Urgent", "query": "priority=P1&state=registered", "shared": True, "own": True,
            "owner": "Olga Orlova",
        },
        "SealKey": {"algorithm": "Ed25519", "key": "3q2+7wAB…"},
        "SealedDossier": {
            "seal": {"algorithm": "Ed25519", "key": "3q2+7wAB…", "signature": "mZfC0A…"},
            "dossier": {
                "format": "reglament-dossier/1", "edition": "whole", "made_at": "2026-05-06T07:00:00Z",
                "made_by": "Olga Orlova",
                "centre": {"address": "https://desk.example.org", "mail": "support@desk.example.org"},
                "ticket": TICKET,
                "journal": [{"seq": 1, "name": "Anna Kim", "body": "{…}", "hash": "9f" * 32}], "head": "9f" * 32,
                "people": {}, "messages": [], "files": [], "letters": [], "links": [], "deadlines": [],
                "regulations": [], "replay": [],
            },
        },
        "ConfigEntryView": {
            "id": "311", "at": "2026-05-04T06:00:00Z", "actor": {"kind": "staff", "name": "Olga Orlova"},
            "act": "session.open", "subject": "olga@desk.example.org", "data": {"from": "203.0.113.7"},
        },
    },
)  # fmt: skip
