"""Every page about customers."""

from admin.page_router import page_router

router = page_router([])
