"""Settings are `REGLAMENT_*` environment variables, read once into a frozen object."""

import difflib
import hmac
import os
import secrets
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import Field, dataclass, field, fields
from functools import cached_property
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PREFIX = "REGLAMENT_"
TESTS_OWN = "REGLAMENT_TEST_"  # read by tests/conftest.py alone: servers to test against

ENVIRONMENTS = ("development", "production", "test")
LANGUAGES = ("ru", "en")
LOG_FORMATS = ("console", "json")
LOG_LEVELS = ("debug", "info", "warning", "error")
SHORTEST_SECRET = 32


class SettingsError(Exception):
    """Some settings cannot be used; the message has a sentence for each of them."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError("some text")
    return value.strip()


def _path(value: str) -> Path:
    return Path(_text(value)).expanduser()


def _one_of(*accepted: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in accepted:
            raise ValueError("one of " + ", ".join(accepted))
        return value

    return parse


def _number(lowest: int, highest: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        wanted = f"a whole number from {lowest} to {highest}"
        if not (value.isascii() and value.isdigit()) or not lowest <= int(value) <= highest:
            raise ValueError(wanted)
        return int(value)

    return parse


def _percent(value: str) -> float:
    try:
        percent = float(value)
    except ValueError:
        percent = -1.0
    if not 0 < percent <= 100:
        raise ValueError("a number above 0, up to 100")
    return percent


def _switch(value: str) -> bool:
    if value not in ("on", "off"):
        raise ValueError("on or off")
    return value == "on"


def _address(*schemes: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        wanted = "an address that starts with " + " or ".join(f"{scheme}://" for scheme in schemes)
        try:
            parts = urlsplit(value)
        except ValueError as error:
            raise ValueError(wanted) from error
        if parts.scheme not in schemes or not (parts.netloc or parts.path.strip("/") or parts.query):
            raise ValueError(wanted)
        return value

    return parse


def _web_address(value: str) -> str:
    address = _address("http", "https")(value)
    if not urlsplit(address).hostname:
        raise ValueError("an address that starts with http:// or https://")
    return address.rstrip("/")


def _mail_address(value: str) -> str:
    name, _, domain = value.strip().rpartition("@")
    if not name or not domain or any(sign.isspace() for sign in value.strip()):
        raise ValueError("a mail address such as support@example.org")
    return value.strip()


def _host_and_port(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError("host:port pairs separated by commas, such as 127.0.0.1:9000")
    return value.lower()


def _network(value: str) -> str:
    try:
        return str(ip_network(value, strict=False))
    except ValueError as error:
        raise ValueError("addresses or networks separated by commas, such as 10.0.0.7, 10.1.0.0/16") from error


def _list_of(parse: Callable[[str], str]) -> Callable[[str], tuple[str, ...]]:
    return lambda value: tuple(parse(item.strip()) for item in value.split(",") if item.strip())


def _secret(value: str) -> str:
    if len(value) < SHORTEST_SECRET:
        raise ValueError(f"at least {SHORTEST_SECRET} characters")
    return value


def _about(sentence: str, parse: Callable[[str], object], *, shown_default: str = "") -> dict[str, Any]:
    """What a field knows of its variable: the line of the README's table, and how its text is read."""
    return {"help": sentence, "parse": parse, "shown_default": shown_default}


@dataclass(frozen=True)
class Settings:
    """All settings of one process; the variable of `smtp_port` is `REGLAMENT_SMTP_PORT`."""

    home: Path = field(
        default=Path(".reglament"),
        metadata=_about(
            "Folder of the data: files, local mailbox, embedded servers (for root the PostgreSQL cluster lies in "
            "`/var/lib/reglament/<hash of the home's path>`).",
            _path,
        ),
    )
    env: str = field(
        default="development",
        metadata=_about(
            f"{', '.join(ENVIRONMENTS)}; production refuses the clock file and failpoints.", _one_of(*ENVIRONMENTS)
        ),
    )
    database_url: str | None = field(
        default=None,
        repr=False,  # may hold a password
        metadata=_about(
            "PostgreSQL 15 or newer, `postgresql://user:password@host:5432/name`.",
            _address("postgresql", "postgres"),
            shown_default="the embedded server",
        ),
    )
    redis_url: str | None = field(
        default=None,
        repr=False,  # may hold a password
        metadata=_about(
            "Redis or Valkey: `redis://`, `rediss://`, `unix:///path`, "
            "`redis+sentinel://host:26379,host:26379/name-of-the-master`.",
            _address("redis", "rediss", "unix", "redis+sentinel"),
            shown_default="the embedded server",
        ),
    )
    host: str = field(default="127.0.0.1", metadata=_about("Address the web server listens on.", _text))
    port: int = field(default=8000, metadata=_about("Port of the web server.", _number(1, 65535)))
    smtp_host: str = field(default="127.0.0.1", metadata=_about("Address the mail listener listens on.", _text))
    smtp_port: int = field(default=2525, metadata=_about("Port of the mail listener.", _number(1, 65535)))
    smtp_url: str | None = field(
        default=None,
        repr=False,  # may hold a password
        metadata=_about(
            "Server that takes our letters: `smtp://user:password@host:25`, `smtps://…`, `smtp+starttls://…`.",
            _address("smtp", "smtps", "smtp+starttls"),
            shown_default="the local mailbox",
        ),
    )
    mail_from: str = field(
        default="support@reglament.example.org",
        metadata=_about("Address the letters to customers come from.", _mail_address),
    )
    mail_domain: str | None = field(
        default=None,
        metadata=_about("Domain of our Message-IDs.", _text, shown_default="the domain of `REGLAMENT_MAIL_FROM`"),
    )
    mail_addresses: tuple[str, ...] = field(
        default=(),
        metadata=_about(
            "Recipients the listener takes mail for, separated by commas.",
            _list_of(_mail_address),
            shown_default="any",
        ),
    )
    mail_plus_addresses: bool = field(
        default=True,
        metadata=_about(
            "`on`: each letter leaves with an envelope sender of its own (VERP), so that a failure finds its letter "
            "whatever it quotes; `off` where the mail server delivers no `name+anything@domain`.",
            _switch,
            shown_default="on",
        ),
    )
    letter_megabytes: int = field(
        default=20,
        metadata=_about(
            "Megabytes a letter may have with its files, as it goes over the wire (files grow by a third); no more "
            "than the mail server takes.",
            _number(1, 1000),
        ),
    )
    authserv_id: str | None = field(
        default=None,
        metadata=_about(
            "Name under which our own mail server writes `Authentication-Results`; those of others are not believed.",
            _text,
            shown_default="none is believed",
        ),
    )
    imap_url: str | None = field(
        default=None,
        repr=False,  # may hold a password
        metadata=_about(
            "Mailbox to fetch mail from: `imaps://user:password@host/INBOX`.",
            _address("imap", "imaps"),
            shown_default="no mailbox",
        ),
    )
    secret: str | None = field(
        default=None,
        repr=False,
        metadata=_about(
            f"Secret of at least {SHORTEST_SECRET} characters that all keys derive from; the same in every process.",
            _secret,
            shown_default="made once, kept in `secret` in the home",
        ),
    )
    public_url: str = field(
        default="",
        metadata=_about(
            "Address under which people reach the pages; links in letters start with it.",
            _web_address,
            shown_default="http://127.0.0.1:REGLAMENT_PORT",
        ),
    )
    language: str = field(
        default="ru",
        metadata=_about("Language of pages and letters when nobody chose one: ru, en.", _one_of(*LANGUAGES)),
    )
    clock_file: Path | None = field(
        default=None,
        metadata=_about(
            "File with a number of seconds added to the clock of every process; refused in production.",
            _path,
            shown_default="the real clock",
        ),
    )
    webhook_allowed_hosts: tuple[str, ...] = field(
        default=(),
        metadata=_about(
            "`host:port` pairs, separated by commas, that webhooks may reach although private or without TLS.",
            _list_of(_host_and_port),
            shown_default="none",
        ),
    )
    log_format: str = field(
        default="console", metadata=_about("Form of the log: console, json.", _one_of(*LOG_FORMATS))
    )
    log_level: str = field(
        default="info",
        metadata=_about("Least level that is logged: debug, info, warning, error.", _one_of(*LOG_LEVELS)),
    )
    failpoints: tuple[str, ...] = field(
        default=(),
        metadata=_about(
            "Names of places where the fault tests stop the process; refused in production.",
            _list_of(_text),
            shown_default="none",
        ),
    )
    traces_url: str | None = field(
        default=None,
        repr=False,  # may hold a password
        metadata=_about(
            "Collector of traces, by OTLP over HTTP: `http://collector:4318/v1/traces`. Requests, mails, timers and "
            "deliveries become spans with their statements; `traceparent` is taken over and passed on to webhooks.",
            _web_address,
            shown_default="no traces",
        ),
    )
    traces_percent: float = field(
        default=100.0,
        metadata=_about(
            "How many of a hundred traces are made; a caller's trace keeps or loses all its parts.",
            _percent,
            shown_default="`100`",
        ),
    )
    keep_deliveries_days: int = field(
        default=30,
        metadata=_about(
            "Days after which delivered letters and webhooks leave the delivery log, and notices the bell; tickets, "
            "their journal and the events stay.",
            _number(1, 36500),
        ),
    )
    pool_size: int = field(default=10, metadata=_about("Database connections of one process.", _number(1, 1000)))
    api_requests_per_minute: int = field(
        default=600,
        metadata=_about(
            "Requests a minute that one token may make, at all web processes together; more are answered 429 with "
            "`Retry-After`.",
            _number(1, 10_000_000),
        ),
    )
    metrics_from_loopback: bool = field(
        default=False,
        metadata=_about(
            "on: `/metrics` also answers without a token, to whoever asks from this machine itself; off behind a proxy "
            "on the same machine.",
            _switch,
            shown_default="off",
        ),
    )
    trusted_proxies: tuple[str, ...] = field(
        default=(),
        metadata=_about(
            "Addresses or networks of our own proxies, separated by commas: only their `X-Forwarded-For` is believed, "
            "by the log and by what slows down guessing.",
            _list_of(_network),
            shown_default="none",
        ),
    )
    prepared_statements: bool = field(
        default=True,
        metadata=_about(
            "on or off; off behind a pooler that gives each transaction another connection (PgBouncer).",
            _switch,
            shown_default="on",
        ),
    )

    def __post_init__(self) -> None:
        """Fill what follows from other settings."""
        if not self.public_url:
            object.__setattr__(self, "public_url", f"http://127.0.0.1:{self.port}")
        if self.mail_domain is None:
            object.__setattr__(self, "mail_domain", self.mail_from.rpartition("@")[2])

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> "Settings":
        """Read every `REGLAMENT_*` variable; an empty one counts as unset.

        Raises `SettingsError` with a sentence for each variable that is unknown, malformed or refused.
        """
        by_variable = {_variable(known): known for known in fields(cls)}
        values: dict[str, Any] = {}
        wrong: list[str] = []
        for variable, value in sorted(environ.items()):
            if not variable.startswith(PREFIX) or variable.startswith(TESTS_OWN):
                continue
            if variable not in by_variable:
                wrong.append(_unknown(variable, list(by_variable)))
            elif value:
                known = by_variable[variable]
                try:
                    values[known.name] = known.metadata["parse"](value)
                except ValueError as error:
                    wrong.append(f"{variable} must be {error}{_shown(variable, value)}.")
        wrong += _refused_in_production(values)
        if wrong:
            raise SettingsError(wrong)
        return cls(**values)

    @property
    def production(self) -> bool:
        return self.env == "production"

    def key(self, purpose: str) -> bytes:
        """32 bytes for one purpose ("csrf", "links", …), derived from the one secret: knowing one tells no other."""
        return hmac.digest(self._root_secret, b"reglament:" + purpose.encode(), "sha256")

    @cached_property
    def _root_secret(self) -> bytes:
        return self.secret.encode() if self.secret else _kept_secret(self.home)


def settings_table() -> str:
    """The table of all settings in Markdown, as it stands in the README."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for known in fields(Settings):
        shown = known.metadata["shown_default"] or f"`{known.default}`"
        rows.append(f"| `{_variable(known)}` | {shown} | {known.metadata['help'].replace('|', chr(92) + '|')} |")
    return "\n".join(rows) + "\n"


def variables() -> tuple[str, ...]:
    """The names of all variables, in the order of the table."""
    return tuple(_variable(known) for known in fields(Settings))


def _variable(known: "Field[Any]") -> str:
    return PREFIX + known.name.upper()


def _unknown(variable: str, known: list[str]) -> str:
    names = [name.removeprefix(PREFIX) for name in known]
    close = difflib.get_close_matches(variable.removeprefix(PREFIX), names, n=1)
    return f"{variable} is not a setting" + (f"; did you mean {PREFIX}{close[0]}?" if close else ".")


def _shown(variable: str, value: str) -> str:
    """The value as it was given, unless it may hold a password."""
    return "" if variable.endswith(("_URL", "_SECRET")) else f', not "{value}"'


def _refused_in_production(values: Mapping[str, Any]) -> list[str]:
    if values.get("env") != "production":
        return []
    return [
        f"{PREFIX}{name.upper()} is refused when {PREFIX}ENV=production."
        for name in ("clock_file", "failpoints")
        if values.get(name)
    ]


def _kept_secret(home: Path) -> bytes:
    """The secret in the home, made on first use; processes that start together agree on one."""
    place = home / "secret"
    if not place.exists():
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=home, prefix="secret-") as made:  # readable by its owner only
            made.write(secrets.token_hex(32).encode())
            made.flush()
            os.fsync(made.fileno())
            with suppress(FileExistsError):  # a faster process made it: its secret stands
                os.link(made.name, place)
    secret = place.read_bytes().strip()
    if len(secret) < SHORTEST_SECRET:
        raise SettingsError([f"{place} is damaged: restore it from a backup, or set {PREFIX}SECRET."])
    return secret
