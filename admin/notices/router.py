"""The pages of notices, gathered."""

from admin.notices.page import notices_page, read_all, read_one
from admin.page_router import page_router

router = page_router([notices_page, read_all, read_one])
