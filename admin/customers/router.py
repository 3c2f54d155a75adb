"""Every page about customers."""

from admin.customers.import_page import IMPORT_PAGES
from admin.customers.organisations import ORGANISATION_PAGES
from admin.customers.people import PEOPLE_PAGES
from admin.page_router import page_router

router = page_router([*ORGANISATION_PAGES, *PEOPLE_PAGES, *IMPORT_PAGES])
