"""The pages of people, gathered."""

from admin.page_router import page_router
from admin.people.page import add_person, change_person, people_page, person_page
from admin.people.profile import change_profile, end_session, profile_page

router = page_router(
    [people_page, add_person, person_page, change_person, profile_page, change_profile, end_session]
)  # fmt: skip
