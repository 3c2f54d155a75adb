"""The pages of people, gathered."""

from admin.page_router import page_router
from admin.people.page import add_person, change_person, end_session_of, people_page, person_page
from admin.people.profile import change_profile, end_session, profile_page
from admin.people.teams import add_team, change_team, teams_page

router = page_router(
    [
        people_page,
        add_person,
        person_page,
        change_person,
        end_session_of,
        profile_page,
        change_profile,
        end_session,
        teams_page,
        add_team,
        change_team,
    ]
)
