"""The main navigation: which pages stand at the top for whom."""

from dataclasses import dataclass
from typing import Final

from workflow.definition import STAFF, Role
from workflow.words import _

READERS_OF_RULES: Final = STAFF | {Role.PROCESS_OWNER}
ADMINISTRATORS: Final = frozenset({Role.ADMINISTRATOR})
CUSTOMERS: Final = frozenset({Role.CUSTOMER})
SUPERVISORS: Final = ADMINISTRATORS | {Role.SUPERVISOR}


@dataclass(frozen=True, slots=True)
class Place:
    """One link of the navigation; it is marked as current on every page below its address.

    What is not needed all day stands in the menu of the account, so that the bar stays readable.
    """

    href: str
    label: str
    who: frozenset[Role]
    daily: bool = True

    def holds(self, path: str) -> bool:
        page = path.partition("?")[0]
        return page == self.href or page.startswith(f"{self.href}/")


PLACES: Final = (
    Place("/desk", _("Queue"), STAFF),
    Place("/board", _("Board"), SUPERVISORS),
    Place("/reports", _("Reports"), READERS_OF_RULES),
    Place("/process", _("Process"), READERS_OF_RULES),
    Place("/regulation", _("Regulation"), READERS_OF_RULES),
    Place("/people", _("People"), ADMINISTRATORS, daily=False),
    Place("/integrations", _("Integrations"), ADMINISTRATORS, daily=False),
    Place("/letters", _("Letters"), STAFF, daily=False),
    Place("/mailbox", _("Local mailbox"), STAFF, daily=False),
    Place("/health", _("Health"), SUPERVISORS, daily=False),
    Place("/config-journal", _("Journal of the configuration"), ADMINISTRATORS, daily=False),
    Place("/customers", _("Customers"), STAFF),
    Place("/cabinet", _("My requests"), CUSTOMERS),
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
    """What this role may open, in order; a stranger sees nothing there."""
    return tuple(place for place in PLACES if role in place.who)
