"""The pages of held mail, gathered."""

from admin.held.page import html_page, mail_page, original, tray_page
from admin.held.ways import take_way
from admin.page_router import page_router

router = page_router([tray_page, mail_page, html_page, original, take_way])
