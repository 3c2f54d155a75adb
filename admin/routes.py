"""Every page of the service, for the composition root to mount."""

from typing import Final

from litestar import Router

import admin.board.page
import admin.cabinet.router
import admin.config_journal.router
import admin.customers.router
import admin.desk.router
import admin.health.router
import admin.held.router
import admin.integrations.router
import admin.letters.router
import admin.notices.router
import admin.people.router
import admin.process.page
import admin.public.routes
import admin.regulation.routes
import admin.reports.router
import admin.signing_in
from admin.errors import page_error
from admin.language import choose_language
from admin.page_router import page_router
from admin.static_files import static_file

ROUTERS: Final[tuple[Router, ...]] = (
    admin.signing_in.router,
    admin.cabinet.router.router,
    admin.config_journal.router.router,
    admin.customers.router.router,
    admin.desk.router.router,
    admin.board.page.router,
    admin.health.router.router,
    admin.held.router.router,
    admin.integrations.router.router,
    admin.letters.router.router,
    admin.notices.router.router,
    admin.people.router.router,
    admin.process.page.router,
    admin.public.routes.router,
    admin.regulation.routes.router,
    admin.reports.router.router,
    page_router([choose_language, static_file]),
)
__all__ = ["ROUTERS", "page_error"]
