"""The pages of the desk, gathered."""

from admin.desk.moves import make_move
from admin.desk.queue import held_page, queue_page
from admin.desk.ticket import ticket_page
from admin.page_router import page_router

router = page_router([queue_page, held_page, ticket_page, make_move])
