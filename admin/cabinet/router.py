"""Every page of the cabinet."""

from admin.cabinet.entry import ENTRY_PAGES
from admin.cabinet.profile import PROFILE_PAGES
from admin.cabinet.requests import REQUEST_PAGES
from admin.cabinet.tickets import TICKET_PAGES
from admin.page_router import page_router

router = page_router([*ENTRY_PAGES, *TICKET_PAGES, *REQUEST_PAGES, *PROFILE_PAGES])
