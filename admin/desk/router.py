"""The pages of the desk, gathered."""

from admin.desk.attachments import download, small_picture
from admin.desk.bulk import bulk
from admin.desk.dossier import save_dossier
from admin.desk.laid_out import message_html
from admin.desk.live import stream
from admin.desk.mailbox import letter_file, letter_page, mailbox_page
from admin.desk.moves import make_move, reloaded
from admin.desk.phone import phone_page, take_call
from admin.desk.presence import be_present
from admin.desk.queue import queue_page
from admin.desk.ticket import ticket_page
from admin.desk.views import delete_view, save_view
from admin.desk.watching import watch
from admin.page_router import page_router

router = page_router(
    [
        queue_page, phone_page, take_call, ticket_page, make_move, reloaded, download, small_picture,
        mailbox_page, letter_page, letter_file, bulk, save_view, delete_view, stream, be_present, save_dossier,
        message_html, watch,
    ]
)  # fmt: skip
