"""Settings are read once; whatever is wrong with them is said at once, by name."""

import dataclasses
import stat
import threading
from pathlib import Path

import pytest

from service.settings import Settings, SettingsError, settings_table, variables

SECRET = "a secret that is longer than 32 characters"


def refusals(**environ: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({f"REGLAMENT_{name}": value for name, value in environ.items()})
    return caught.value.sentences


def test_without_variables_everything_runs_on_this_machine() -> None:
    settings = Settings.from_environment({"PATH": "/bin", "HOME": "/root"})
    assert settings.home == Path(".reglament")
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert (settings.smtp_host, settings.smtp_port) == ("127.0.0.1", 2525)
    assert settings.database_url is None
    assert settings.redis_url is None
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.mail_domain == settings.mail_from.partition("@")[2]
    assert not settings.production


def test_every_variable_is_read() -> None:
    values = {
        "HOME": ("/srv/desk", Path("/srv/desk")),
        "ENV": ("test", "test"),
        "DATABASE_URL": ("postgresql://u:p@db.example.org/desk", "postgresql://u:p@db.example.org/desk"),
        "REDIS_URL": ("redis+sentinel://a:1,b:2/m", "redis+sentinel://a:1,b:2/m"),
        "HOST": ("0.0.0.0", "0.0.0.0"),
        "PORT": ("9000", 9000),
        "SMTP_HOST": ("::1", "::1"),
        "SMTP_PORT": ("26", 26),
        "SMTP_URL": ("smtp+starttls://u:p@mail.example.org:587", "smtp+starttls://u:p@mail.example.org:587"),
        "MAIL_FROM": ("desk@example.com", "desk@example.com"),
        "MAIL_DOMAIN": ("mail.example.com", "mail.example.com"),
        "MAIL_ADDRESSES": ("a@example.com, b@example.com", ("a@example.com", "b@example.com")),
        "MAIL_PLUS_ADDRESSES": ("off", False),
        "LETTER_MEGABYTES": ("30", 30),
        "AUTHSERV_ID": ("mx.example.com", "mx.example.com"),
        "IMAP_URL": ("imaps://u:p@mail.example.org/INBOX", "imaps://u:p@mail.example.org/INBOX"),
        "SECRET": (SECRET, SECRET),
        "PUBLIC_URL": ("https://desk.example.com/", "https://desk.example.com"),
        "LANGUAGE": ("en", "en"),
        "CLOCK_FILE": ("/tmp/clock", Path("/tmp/clock")),
        "WEBHOOK_ALLOWED_HOSTS": ("127.0.0.1:9000,Hook.example.com:80", ("127.0.0.1:9000", "hook.example.com:80")),
        "LOG_FORMAT": ("json", "json"),
        "LOG_LEVEL": ("debug", "debug"),
        "FAILPOINTS": ("before-commit", ("before-commit",)),
        "TRACES_URL": ("https://c.example.org/v1/traces", "https://c.example.org/v1/traces"),
        "TRACES_PERCENT": ("0.5", 0.5),
        "KEEP_DELIVERIES_DAYS": ("7", 7),
        "POOL_SIZE": ("3", 3),
        "API_REQUESTS_PER_MINUTE": ("60", 60),
        "METRICS_FROM_LOOPBACK": ("on", True),
        "TRUSTED_PROXIES": ("10.0.0.7, 10.1.0.0/16", ("10.0.0.7/32", "10.1.0.0/16")),
        "PREPARED_STATEMENTS": ("off", False),
    }
    assert tuple(f"REGLAMENT_{name}" for name in values) == variables()
    settings = Settings.from_environment({f"REGLAMENT_{name}": given for name, (given, _) in values.items()})
    assert {name: getattr(settings, name.lower()) for name in values} == {
        name: read for name, (_, read) in values.items()
    }


def test_all_wrong_ones_are_named_at_once() -> None:
    sentences = refusals(PORT="eighty", LANGUAGE="de", POOL_SIZE="0", PREPARED_STATEMENTS="yes", MAIL_FROM="nobody")
    assert sentences == [
        'REGLAMENT_LANGUAGE must be one of ru, en, not "de".',
        'REGLAMENT_MAIL_FROM must be a mail address such as support@example.org, not "nobody".',
        'REGLAMENT_POOL_SIZE must be a whole number from 1 to 1000, not "0".',
        'REGLAMENT_PORT must be a whole number from 1 to 65535, not "eighty".',
        'REGLAMENT_PREPARED_STATEMENTS must be on or off, not "yes".',
    ]


def test_an_unknown_one_is_refused_and_the_nearest_is_offered() -> None:
    assert refusals(DATABSE_URL="x") == ["REGLAMENT_DATABSE_URL is not a setting; did you mean REGLAMENT_DATABASE_URL?"]
    assert refusals(XYZZY="x") == ["REGLAMENT_XYZZY is not a setting."]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://user:hunter2@db.example.org/x"),
        ("DATABASE_URL", "postgresql://"),
        ("REDIS_URL", "http://:hunter2@cache.example.org"),
        ("SMTP_URL", "hunter2"),
        ("PUBLIC_URL", "https://"),
        ("SECRET", "hunter2"),
    ],
)
def test_a_refusal_shows_no_password(name: str, value: str) -> None:
    (sentence,) = refusals(**{name: value})
    assert sentence.startswith(f"REGLAMENT_{name} must be ")
    assert "hunter2" not in sentence


def test_the_object_shows_no_password() -> None:
    settings = Settings(secret=SECRET, database_url="postgresql://u:hunter2@h/d", smtp_url="smtp://u:hunter2@h")
    assert SECRET not in repr(settings)
    assert "hunter2" not in repr(settings)


def test_production_refuses_what_is_for_development_only() -> None:
    assert refusals(ENV="production", CLOCK_FILE="/tmp/clock", FAILPOINTS="x") == [
        "REGLAMENT_CLOCK_FILE is refused when REGLAMENT_ENV=production.",
        "REGLAMENT_FAILPOINTS is refused when REGLAMENT_ENV=production.",
    ]


@pytest.mark.parametrize("value", ["127.0.0.1", "127.0.0.1:", ":9000", "127.0.0.1:99999", "a:b"])
def test_an_allowed_host_needs_its_port(value: str) -> None:
    assert "host:port" in refusals(WEBHOOK_ALLOWED_HOSTS=value)[0]


def test_empty_variables_count_as_unset_and_the_tests_own_are_left_alone() -> None:
    environ = {"REGLAMENT_SMTP_URL": "", "REGLAMENT_TEST_DATABASE_URL": "postgresql://x/y"}
    assert Settings.from_environment(environ) == Settings()


def test_settings_never_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().port = 1  # type: ignore[misc]


def test_keys_differ_by_purpose_and_by_secret() -> None:
    settings, other = Settings(secret=SECRET), Settings(secret=SECRET + "!")
    assert settings.key("csrf") == Settings(secret=SECRET).key("csrf")
    assert len({settings.key("csrf"), settings.key("links"), other.key("csrf")}) == 3
    assert len(settings.key("csrf")) == 32


def test_the_secret_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = Settings(home=home).key("csrf")
    assert Settings(home=home).key("csrf") == first
    assert stat.S_IMODE((home / "secret").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert [place.name for place in home.iterdir()] == ["secret"]


def test_processes_that_start_together_agree_on_the_secret(tmp_path: Path) -> None:
    keys: list[bytes] = []
    together = threading.Barrier(8)

    def start() -> None:
        together.wait()
        keys.append(Settings(home=tmp_path).key("csrf"))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1


def test_a_damaged_secret_is_no_secret(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("")
    with pytest.raises(SettingsError, match="damaged"):
        Settings(home=tmp_path).key("csrf")


def test_the_table_has_a_row_for_every_variable() -> None:
    rows = settings_table().splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == list(variables())
    assert all(row.count("|") == 4 for row in rows)
