"""No webhook reaches inside the house, whatever its address looks like and whatever its name resolves to."""

import ipaddress
import socket
from collections.abc import AsyncIterator, Iterable, Sequence

import httpcore
import pytest

from notifications.post import Poster, PostError
from service.address_guard import AddressGuard, NameNotFound, UnsafeAddress, check_url, destination, public

NOBODY: frozenset[str] = frozenset()
PUBLIC = "93.184.215.14"

BAD_URLS = [
    "https://127.0.0.1/",
    "https://127.1/",
    "https://2130706433/",  # decimal
    "https://0177.0.0.1/",  # octal
    "https://017700000001/",
    "https://0x7f.0.0.1/",  # hexadecimal
    "https://0x7f000001/",
    "https://127.0.0.1./",
    "https://0/",
    "https://0.0.0.0/",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://192.0.2.1/",
    "https://198.18.0.1/",
    "https://224.0.0.1/",
    "https://255.255.255.255/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",  # mapped
    "https://[::ffff:8.8.8.8]/",
    "https://[64:ff9b::7f00:1]/",  # NAT64
    "https://[2002:7f00:1::1]/",  # 6to4
    "https://[2001::1]/",  # Teredo
    "https://[fe80::1]/",
    "https://[fc00::1]/",
    "https://[fe80::1%25eth0]/",
    "https://localhost/",
    "https://localhost./",
    "https://LOCALHOST/",
    "https://hooks.localhost/",
    "https://intranet/",
    "https://user:secret@hooks.example.com/",
    "https://hooks.example.com@127.0.0.1/",
    "https://127.0.0.1\\@hooks.example.com/",
    "https://①②⑦.0.0.1/",  # IDN
    "https://ｌｏｃａｌｈｏｓｔ/",
    "https://пример.example.com/",
    "https://127。0。0。1/",
    "https://hooks.example.com%2f@127.0.0.1/",
    "https://hooks.example.com:8443/",
    "https://hooks.example.com:0/",
    "https://hooks.example.com:99999/",
    "http://hooks.example.com/",
    "ftp://hooks.example.com/",
    "file:///etc/passwd",
    "//hooks.example.com/",
    "https:///path",
    "https://",
    "",
    "https://hooks.example.com/\r\nHost: 127.0.0.1",
    " https://hooks.example.com/",
    "https://hooks.example.com/#top",
    "https://-hooks.example.com/",
    "https://hooks..example.com/",
    "https://[::1/",
    "https://" + "a" * 64 + ".example.com/",
    "https://hooks.example.com/" + "a" * 2000,
]

# The same addresses as a name's answer, where no spelling protects us.
BAD_ANSWERS = [
    "0.0.0.0",
    "10.1.2.3",
    "100.127.255.255",
    "127.0.0.1",
    "169.254.169.254",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.31.196.1",
    "192.52.193.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.175.48.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:93.184.215.14",
    "64:ff9b::7f00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "2620:4f:8000::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fe80::1%lo",
    "fec0::1",
    "ff02::1",
]


class Shut(httpcore.AsyncNetworkBackend):
    """A network that lets nothing out and remembers who wanted to."""

    def __init__(self) -> None:
        self.hits: list[tuple[str, int]] = []

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        self.hits.append((host, port))
        raise httpcore.ConnectError("shut")


def resolving_to(*addresses: str) -> "Resolver":
    return Resolver([addresses])


class Resolver:
    """Answers with one list after the other, the last one for ever."""

    def __init__(self, answers: Sequence[Sequence[str]]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]


@pytest.fixture
async def network() -> Shut:
    return Shut()


@pytest.fixture
async def poster(network: Shut) -> AsyncIterator[Poster]:
    guard = AddressGuard(allowed_hosts=NOBODY, resolve=resolving_to(PUBLIC))
    poster = Poster(guard=guard, network=network)
    yield poster
    await poster.aclose()


@pytest.mark.parametrize("url", BAD_URLS)
def test_a_bad_address_is_refused_when_written_down(url: str) -> None:
    with pytest.raises(UnsafeAddress) as refusal:
        check_url(url, allowed_hosts=NOBODY)
    assert str(refusal.value).endswith(".")


@pytest.mark.parametrize("url", BAD_URLS)
async def test_a_bad_address_is_refused_when_posted_to(url: str, poster: Poster, network: Shut) -> None:
    answer = await poster.post(url, b"{}", {})
    assert answer.error is PostError.UNSAFE_ADDRESS
    assert network.hits == []


@pytest.mark.parametrize("address", BAD_ANSWERS)
async def test_a_name_with_one_bad_address_is_never_connected_to(address: str, network: Shut) -> None:
    guard = AddressGuard(allowed_hosts=NOBODY, resolve=resolving_to(PUBLIC, address))
    poster = Poster(guard=guard, network=network)
    answer = await poster.post("https://hooks.example.com/", b"{}", {})
    assert answer.error is PostError.UNSAFE_ADDRESS
    assert "not a public address" in answer.detail
    assert network.hits == []
    await poster.aclose()


@pytest.mark.parametrize("address", ["1.1.1.1", "93.184.215.14", "172.32.0.1", "2606:4700::1111", "2a00:1450::1"])
def test_public_addresses_are_public(address: str) -> None:
    assert public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com/in?a=1&b=%20",
        "https://hooks.example.com:443/",
        "https://HOOKS.example.com",
        "https://xn--e1afmkfd.example.com/",
        "https://93.184.215.14/",
        "https://[2606:4700::1111]/",
    ],
)
def test_public_https_is_accepted(url: str) -> None:
    check_url(url, allowed_hosts=NOBODY)


def test_the_parts_are_those_that_travel() -> None:
    parts = destination("https://HOOKS.example.com?a=1", allowed_hosts=NOBODY)
    assert (parts.host, parts.port, parts.target) == ("hooks.example.com", 443, "/?a=1")
    assert parts.authority == "hooks.example.com"
    assert destination("http://[::1]:9000/x", allowed_hosts=["[::1]:9000"]).authority == "[::1]:9000"


@pytest.mark.parametrize(
    ("url", "opened"),
    [
        ("http://127.0.0.1:9000/", "127.0.0.1:9000"),
        ("http://localhost:9000/", "localhost:9000"),
        ("http://[::1]:9000/", "[::1]:9000"),
        ("http://intranet/", "intranet:80"),
        ("https://intranet:8443/", "intranet:8443"),
    ],
)
def test_the_administrators_list_opens_one_host_and_port(url: str, opened: str) -> None:
    check_url(url, allowed_hosts=[opened])
    with pytest.raises(UnsafeAddress):
        check_url(url, allowed_hosts=[opened + "1"])


def test_the_list_does_not_open_user_names() -> None:
    with pytest.raises(UnsafeAddress):
        check_url("http://a:b@127.0.0.1:9000/", allowed_hosts=["127.0.0.1:9000"])


async def test_an_allowed_name_may_lead_inside(network: Shut) -> None:
    guard = AddressGuard(allowed_hosts=["intranet:9000"], resolve=resolving_to("10.0.0.5"))
    poster = Poster(guard=guard, network=network)
    answer = await poster.post("http://intranet:9000/", b"{}", {})
    assert answer.error is PostError.CONNECT
    assert network.hits == [("10.0.0.5", 9000)]
    await poster.aclose()


async def test_a_rebinding_name_is_resolved_once_and_connected_by_address(network: Shut) -> None:
    resolver = Resolver([[PUBLIC], ["127.0.0.1"]])
    poster = Poster(guard=AddressGuard(allowed_hosts=NOBODY, resolve=resolver), network=network)
    await poster.post("https://rebind.example.com/", b"{}", {})
    assert resolver.asked == 1
    assert network.hits == [(PUBLIC, 443)]

    answer = await poster.post("https://rebind.example.com/", b"{}", {})
    assert answer.error is PostError.UNSAFE_ADDRESS
    assert network.hits == [(PUBLIC, 443)]
    await poster.aclose()


@pytest.mark.parametrize("as_bytes", [False, True])
async def test_the_systems_resolver_is_asked_once_and_may_answer_bytes(
    as_bytes: bool, network: Shut, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def getaddrinfo(host: object, port: object, *_: object, **__: object) -> list[object]:
        asked.append(host)
        address = PUBLIC if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address.encode() if as_bytes else address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    poster = Poster(guard=AddressGuard(allowed_hosts=NOBODY), network=network)
    first = await poster.post("https://rebind.example.com/", b"{}", {})
    second = await poster.post("https://rebind.example.com/", b"{}", {})
    assert first.error is PostError.CONNECT
    assert second.error is PostError.UNSAFE_ADDRESS
    assert asked == ["rebind.example.com"] * 2
    assert network.hits == [(PUBLIC, 443)]
    await poster.aclose()


async def test_proxy_variables_are_ignored(network: Shut, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:3128")
        monkeypatch.setenv(name.lower(), "http://127.0.0.1:3128")
    poster = Poster(guard=AddressGuard(allowed_hosts=NOBODY, resolve=resolving_to(PUBLIC)), network=network)
    await poster.post("https://hooks.example.com/", b"{}", {})
    assert network.hits == [(PUBLIC, 443)]
    await poster.aclose()


async def test_when_one_address_does_not_answer_the_next_is_tried(network: Shut) -> None:
    guard = AddressGuard(allowed_hosts=NOBODY, resolve=resolving_to("2606:4700::1111", PUBLIC, PUBLIC))
    poster = Poster(guard=guard, network=network)
    answer = await poster.post("https://hooks.example.com/", b"{}", {})
    assert answer.error is PostError.CONNECT
    assert network.hits == [("2606:4700::1111", 443), (PUBLIC, 443)]
    await poster.aclose()


async def test_a_name_without_addresses_is_told(network: Shut) -> None:
    async def nothing(host: str, port: int) -> Sequence[str]:
        raise NameNotFound(f"The name {host} could not be resolved: it is gone.")

    for resolve in (nothing, resolving_to()):
        poster = Poster(guard=AddressGuard(allowed_hosts=NOBODY, resolve=resolve), network=network)
        answer = await poster.post("https://hooks.example.com/", b"{}", {})
        assert answer.error is PostError.NO_SUCH_NAME
        assert "hooks.example.com" in answer.detail
        await poster.aclose()
