"""The pages of the reports, gathered."""

from admin.page_router import page_router
from admin.reports.behind import behind_page
from admin.reports.downloads import download
from admin.reports.journal import journal_page
from admin.reports.page import reports_page

router = page_router([reports_page, behind_page, journal_page, download])
