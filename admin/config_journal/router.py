"""The page of the configuration's journal, gathered."""

from admin.config_journal.page import config_journal_page
from admin.page_router import page_router

router = page_router([config_journal_page])
