"""The doctor tells what is wrong in plain words, and nothing when all is well."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service import alarms, audits
from service.database import execute
from service.doctor import Finding, examine
from service.settings import Settings
from tests.desk import MONDAY
from tests.faults.stage import free_port


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, env="test", smtp_port=free_port())


async def told(settings: Settings, redis_url: str, at: datetime = MONDAY) -> dict[str, Finding]:
    real = datetime.now(UTC)
    return {found.about: found async for found in examine(settings, redis_url=redis_url, at=at, real=real)}


async def test_a_sound_system_gets_no_complaint(settings: Settings, redis_url: str, regulation: None) -> None:
    settings.key("links")
    await audits.run(at=MONDAY)
    found = await told(settings, redis_url)
    assert {about for about, one in found.items() if one.verdict == "wrong"} == set()
    assert found["worker"].sentence.startswith("One audited")
    assert found["mail in"].verdict == "beware"  # nobody listens in this test


async def test_a_secret_that_others_can_read_is_named_with_its_cure(
    settings: Settings, redis_url: str, regulation: None
) -> None:
    settings.key("links")
    (settings.home / "secret").chmod(0o644)
    found = (await told(settings, redis_url))["secret"]
    assert (found.verdict, "chmod 600" in found.sentence) == ("wrong", True)


async def test_a_worker_that_is_gone_is_missed(settings: Settings, redis_url: str, regulation: None) -> None:
    assert (await told(settings, redis_url))["worker"].verdict == "wrong"
    await audits.run(at=MONDAY)
    assert (await told(settings, redis_url, MONDAY + timedelta(minutes=10)))["worker"].verdict == "wrong"


async def test_a_missing_year_is_named(settings: Settings, redis_url: str, regulation: None) -> None:
    found = (await told(settings, redis_url, datetime(2090, 5, 1, tzinfo=UTC)))["calendar"]
    assert (found.verdict, "2090" in found.sentence) == ("wrong", True)


async def test_alarms_are_read_out(settings: Settings, redis_url: str, regulation: None) -> None:
    await alarms.sound("test", "a", "The roof leaks at {place}.", {"place": "the gate"}, at=MONDAY)
    found = (await told(settings, redis_url))["alarms"]
    assert (found.verdict, found.sentence) == ("beware", "1 stand: The roof leaks at the gate.")


async def test_servers_that_do_not_answer_are_named(tmp_path: Path, regulation: None) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    settings = Settings(home=tmp_path, smtp_url=f"smtp://{nobody}", imap_url=f"imap://{nobody}/INBOX")
    found = await told(settings, f"redis://{nobody}/0")
    assert found["mail out"].verdict == found["mailbox"].verdict == "wrong"
    assert nobody in found["mail out"].sentence
    assert found["redis"].verdict == "beware"  # only a second is lost


async def test_migrations_that_wait_are_named(settings: Settings, redis_url: str, regulation: None) -> None:
    names = "SELECT name FROM migration ORDER BY id DESC LIMIT 1"
    await execute(f"UPDATE migration SET name = name || ' aside' WHERE name = ({names})")
    try:
        assert "reglament migrate" in (await told(settings, redis_url))["database"].sentence
    finally:
        await execute("UPDATE migration SET name = replace(name, ' aside', '')")
