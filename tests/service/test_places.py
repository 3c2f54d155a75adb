"""Whose word about an asker's address is believed."""

import httpx
import pytest

from service.envelope import Envelope
from service.places import networks, place_of
from service.settings import Settings, SettingsError

PROXIES = networks(("10.0.0.0/8", "::1/128"))


@pytest.mark.parametrize(
    ("host", "forwarded", "place"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.7", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.7", "1.2.3.4, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.7", "198.51.100.1, 10.9.9.9", "198.51.100.1"),
        ("::ffff:10.0.0.7", "198.51.100.1", "198.51.100.1"),
        ("::1", "2001:db8::5", "2001:db8::5"),
        ("10.0.0.7", "nonsense", "10.0.0.7"),
        ("10.0.0.7", "", "10.0.0.7"),
        ("testclient", "198.51.100.1", "testclient"),
    ],
)
def test_only_our_proxies_are_believed(host: str, forwarded: str, place: str) -> None:
    assert place_of(host, forwarded, proxies=PROXIES) == place


def test_the_setting_takes_addresses_and_networks() -> None:
    read = Settings.from_environment({"REGLAMENT_TRUSTED_PROXIES": "10.0.0.7, 10.1.0.0/16"})
    assert read.trusted_proxies == ("10.0.0.7/32", "10.1.0.0/16")
    with pytest.raises(SettingsError, match="REGLAMENT_TRUSTED_PROXIES must be addresses"):
        Settings.from_environment({"REGLAMENT_TRUSTED_PROXIES": "proxy.example.org"})


@pytest.mark.parametrize(("proxies", "seen"), [((), "127.0.0.1"), (("127.0.0.1/32",), "198.51.100.1")])
async def test_everything_inside_sees_the_place_behind_the_proxy(proxies: tuple[str, ...], seen: str) -> None:
    async def inside(scope, receive, send):  # type: ignore[no-untyped-def]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": scope["client"][0].encode()})

    async def with_state(scope, receive, send):  # type: ignore[no-untyped-def]
        await Envelope(inside, {}, proxies=proxies)({**scope, "state": {}}, receive, send)

    transport = httpx.ASGITransport(app=with_state, client=("127.0.0.1", 5))
    async with httpx.AsyncClient(transport=transport, base_url="http://desk.example.org") as client:
        answer = await client.get("/", headers={"X-Forwarded-For": "198.51.100.1"})
    assert answer.text == seen
