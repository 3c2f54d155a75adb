"""Who may open the pages of the desk, and who may act on them."""

from typing import Final

from service.auth import ADMINISTRATORS, requires
from workflow.definition import STAFF, Role

SUPERVISORS: Final = frozenset({Role.SUPERVISOR, Role.ADMINISTRATOR})
REPORTERS: Final = STAFF | {Role.PROCESS_OWNER}

DESK: Final = requires(*STAFF, scope="tickets:read")
MOVES: Final = requires(*STAFF, scope="tickets:write")
BOARD: Final = requires(*SUPERVISORS, scope="tickets:read")
REPORTS: Final = requires(*REPORTERS, scope="tickets:read")
PEOPLE: Final = requires(*ADMINISTRATORS, scope="tokens:manage")
EVERYBODY: Final = requires(*REPORTERS, scope="tickets:read")
