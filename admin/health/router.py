"""The health page, gathered."""

from admin.health.page import clear_alarm, health_page
from admin.page_router import page_router

router = page_router([health_page, clear_alarm])
