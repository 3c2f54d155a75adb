"""The main navigation: which pages stand at the top for whom."""

from dataclasses import dataclass
from typing import Final

from workflow.definition import STAFF, Role
from workflow.words import _

READERS_OF_RULES: Final = STAFF | {Role.PROCESS_OWNER}
ADMINISTRATORS: Final = frozenset({Role.ADMINISTRATOR})
SUPERVISORS: Final = ADMINISTRATORS | {Role.SUPERVISOR}


@dataclass(frozen=True, slots=True)
class Place:
    """One link of the navigation; it is marked as current on every page below its address."""

    href: str
    label: str
    who: frozenset[Role]

    def holds(self, path: str) -> bool:
        return path == self.href or path.startswith(f"{self.href}/")


PLACES: Final = (
    Place("/desk", _("Queue"), STAFF),
    Place("/board", _("Board"), SUPERVISORS),
    Place("/reports", _("Reports"), READERS_OF_RULES),
    Place("/process", _("Process"), READERS_OF_RULES),
    Place("/regulation", _("Regulation"), READERS_OF_RULES),
    Place("/people", _("People"), ADMINISTRATORS),
    Place("/integrations", _("Integrations"), ADMINISTRATORS),
    Place("/letters", _("Letters"), SUPERVISORS),
    Place("/health", _("Health"), SUPERVISORS),
)

ROLE_NAMES: Final = {
    Role.OPERATOR: _("Operator"),
    Role.SUPERVISOR: _("Supervisor"),
    Role.PROCESS_OWNER: _("Process owner"),
    Role.ADMINISTRATOR: _("Administrator"),
    Role.CUSTOMER: _("Customer"),
    Role.CLOCK: _("Clock"),
}


def places_for(role: Role | None) -> tuple[Place, ...]:
    """What this role sees at the top, in order; a stranger sees nothing there."""
    return tuple(place for place in PLACES if role in place.who)
