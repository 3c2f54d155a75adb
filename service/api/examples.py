"""Examples for the API's description: the same ticket all the way through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec


class Examples(msgspec.Struct, frozen=True):
    """By operation: named request bodies, and one answer."""

    requests: Mapping[str, Mapping[str, Any]]
    responses: Mapping[str, Any]


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
    "resolution_result": None,
}  # fmt: skip
WEBHOOK: dict[str, Any] = {
    "id": ID, "url": "https://crm.example.org/hooks/reglament", "event_types": ["*"],
    "filters": {"priority": ["P1", "P2"]}, "status": "enabled", "disabled_reason": "", "failing_since": None,
    "hold_until": None, "old_secret_until": None, "created_by": "token:3", "created_at": "2026-05-04T07:00:00Z",
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
    },
    responses={
        "inviteContact": {"contact": "3", "address": "anna@romashka.example.org", "sees": "organisation"},
        "getContactAccount": ACCOUNT,
        "changeContactAccount": ACCOUNT | {"sees": "organisation"},
        "eraseContact": {"tickets": 4, "messages": 19},
        "importCustomers": {
            "changes": ["New organisation: Romashka LLC", "Romashka LLC: new contract C-17"], "notes": [],
            "digest": "6f0c…", "done": False,
        },
        "replayWebhook": {"deliveries": 12, "next_since": None},
        "createTicket": TICKET,
        "getTicket": TICKET,
        "makeMove": TICKET,
        "listTickets": {"items": [TICKET], "next_cursor": None},
        "getWebhook": WEBHOOK,
        "listWebhooks": {"items": [WEBHOOK], "next_cursor": None},
        "createWebhook": WEBHOOK | {"secret": "whsec_…"},
        "listEvents": {
            "items": [
                {
                    "id": "evt_019df2c15a007c4e9a513f2b8c7d6e5f_2_0", "type": "ticket.state.changed",
                    "timestamp": "2026-05-04T07:20:00Z",
                    "data": {"ticket_id": ID, "number": "2026-00042", "seq": 2, "trigger": "register", "from": "new",
                             "to": "registered", "actor": "staff", "priority": "P2"},
                }
            ],
            "next_cursor": "WyI3NDEiLDEwXQ",
        },
    },
)  # fmt: skip
