"""Where a request comes from: its own address, or what a proxy of ours says about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network


def networks(proxies: Iterable[str]) -> tuple[Network, ...]:
    """The proxies of the settings."""
    return tuple(ip_network(one) for one in proxies)


def place_of(host: str, forwarded: str, *, proxies: Sequence[Network]) -> str:
    """The address of the asker. `forwarded` is X-Forwarded-For, the nearest last: anybody may have begun that list,
    so it is read from its end, and only as far as each teller is a proxy of ours."""
    told = [one.strip() for one in forwarded.split(",") if one.strip()]
    while told and _ours(host, proxies):
        address = _address(told.pop())
        if address is None:
            break
        host = str(address)
    return host


def _ours(host: str, proxies: Sequence[Network]) -> bool:
    address = _address(host)
    return address is not None and any(address in network for network in proxies)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.partition("%")[0].strip("[]"))
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
