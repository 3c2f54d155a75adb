"""Everything that a stranger may open: what stands behind the links in letters, and the regulation itself."""

from admin.page_router import page_router
from admin.public.portal import PORTAL_PAGES
from admin.public.rating_pages import RATING_PAGES
from admin.public.regulation_page import REGULATION_PAGES
from admin.public.ticket_pages import TICKET_PAGES

router = page_router([*TICKET_PAGES, *REGULATION_PAGES, *PORTAL_PAGES, *RATING_PAGES])
