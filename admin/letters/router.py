"""The pages of letters, gathered."""

from admin.letters.page import letters_page, resend
from admin.page_router import page_router

router = page_router([letters_page, resend])
