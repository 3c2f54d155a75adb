"""Who acts: a person of the centre, a customer, a program with a token, or the clock."""

from __future__ import annotations

from typing import Literal

import msgspec

from workflow.definition import Role

ActorKind = Literal["staff", "customer", "token", "clock"]


class Actor(msgspec.Struct, frozen=True):
    """Who is asking. `user` is the id of the account behind the act and `email` its address, '' where there is none."""

    kind: ActorKind
    id: str
    name: str
    role: Role
    user: str = ""
    email: str = ""
    language: str = "ru"

    @property
    def principal(self) -> str:
        """The name under which idempotency keys are kept apart."""
        return f"{self.kind}:{self.id}"


CLOCK = Actor(kind="clock", id="clock", name="clock", role=Role.CLOCK)


def customer(*, id: str, name: str, language: str = "ru") -> Actor:
    """A person of a customer, known or not: `id` is the contact's, or '' for a stranger's mail."""
    return Actor(kind="customer", id=id, name=name, role=Role.CUSTOMER, language=language)
