"""Who may open the pages about customers, and who may change them."""

from typing import Final

from service.auth import ADMINISTRATORS, requires
from workflow.definition import STAFF

READ: Final = requires(*STAFF, scope="directory:read")
WRITE: Final = requires(*STAFF, scope="directory:write")  # people: operators look after them
ADMINISTER: Final = requires(*ADMINISTRATORS, scope="directory:write")  # organisations, contracts, erasure
