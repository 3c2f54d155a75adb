"""The pages of integrations, gathered."""

from admin.integrations.acts import act, change, make, replay, rotate
from admin.integrations.page import (
    catalogue_page,
    delivery_page,
    edit_page,
    integrations_page,
    new_page,
    subscription_page,
)
from admin.page_router import page_router

router = page_router(
    [
        integrations_page, new_page, catalogue_page, subscription_page, edit_page, delivery_page, make, change, rotate,
        replay, act,
    ]
)  # fmt: skip
