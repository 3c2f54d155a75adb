"""The journal: canonical bytes, chained by hash from the first entry on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from service.actors import Actor
from workflow.process import PROCESS

GENESIS = b""


class Entry(msgspec.Struct, frozen=True):
    """One act on one ticket. Personal texts are not here: `data` names the message and its hash."""

    ticket: str
    seq: int
    at: datetime
    kind: str
    trigger: str
    from_state: str | None
    to_state: str
    actor_kind: str
    actor_id: str
    actor_name: str
    cause: str
    n: int
    data: Mapping[str, Any]
    body: bytes
    hash: bytes

    @property
    def by(self) -> str:
        return self.actor_name


def write_entry(
    *,
    ticket: UUID,
    seq: int,
    at: datetime,
    trigger: str,
    from_state: str | None,
    to_state: str,
    by: Actor,
    cause: str,
    n: int,
    data: Mapping[str, Any],
    previous: bytes,
) -> Entry:
    """The next entry of a journal, with the bytes it will be stored as and its link in the chain."""
    kind = kind_of(trigger)
    body = canonical(
        ticket=str(ticket), seq=seq, at=at, kind=kind, trigger=trigger, from_state=from_state, to_state=to_state,
        actor={"kind": by.kind, "id": by.id, "name": _name_in_chain(by)}, cause=cause, n=n, data=data,
    )  # fmt: skip
    return Entry(
        str(ticket), seq, at, kind, trigger, from_state, to_state, by.kind, by.id, by.name, cause, n, data, body,
        chained(previous, body),
    )  # fmt: skip


def kind_of(trigger: str) -> str:
    """`move` changes the state, `note` keeps it, `receive` begins the journal."""
    move = PROCESS.by_trigger.get(trigger)
    return "receive" if move is None else "note" if move.keeps_state else "move"


def _name_in_chain(by: Actor) -> str:
    """Names of customers can be erased on request, so they stay outside the hashed bytes."""
    return "" if by.kind == "customer" else by.name


def canonical(**fields: object) -> bytes:
    """JSON with keys in order and nothing else: the same facts always give the same bytes."""
    return msgspec.json.encode(fields, order="sorted")


def chained(previous: bytes, body: bytes) -> bytes:
    """The hash of an entry: SHA-256 over the hash before it and its own bytes."""
    return hashlib.sha256(previous + body).digest()


# What `read_entry` reads. By name: a column that the next release adds must not spoil the statements of this one.
COLUMNS: Final = (
    "ticket, seq, at, kind, trigger, from_state, to_state, actor_kind, actor_id, actor_name, cause, n, body, hash"
)


def read_entry(row: Mapping[str, Any]) -> Entry:
    """An entry from its row. The data come from the hashed bytes, not from a copy."""
    body = bytes(row["body"])
    read = msgspec.json.decode(body)
    return Entry(
        ticket=str(row["ticket"]), seq=row["seq"], at=row["at"].astimezone(UTC), kind=row["kind"],
        trigger=row["trigger"], from_state=row["from_state"], to_state=row["to_state"], actor_kind=row["actor_kind"],
        actor_id=row["actor_id"], actor_name=row["actor_name"], cause=row["cause"], n=row["n"], data=read["data"],
        body=body, hash=bytes(row["hash"]),
    )  # fmt: skip


def copies_that_differ(entry: Entry) -> list[str]:
    """Columns that no longer say what the hashed bytes say."""
    read = msgspec.json.decode(entry.body)
    said = {
        "ticket": entry.ticket, "seq": entry.seq, "kind": entry.kind, "trigger": entry.trigger,
        "from_state": entry.from_state, "to_state": entry.to_state, "cause": entry.cause, "n": entry.n,
    }  # fmt: skip
    differing = [name for name, value in said.items() if read.get(name) != value]
    if datetime.fromisoformat(read["at"]) != entry.at:
        differing.append("at")
    actor = {"kind": entry.actor_kind, "id": entry.actor_id}
    if any(read["actor"].get(name) != value for name, value in actor.items()):
        differing.append("actor")
    if read["actor"].get("name") and read["actor"]["name"] != entry.actor_name:
        differing.append("actor_name")
    return differing
