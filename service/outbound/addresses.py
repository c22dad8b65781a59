"""Which addresses a delivery may go to: the public internet, and what the operator has allow-listed. Nothing here touches the network."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

WEB_PORTS = frozenset({80, 443})

REFUSED_V4: tuple[IPv4Network, ...] = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network (RFC 791)
        "10.0.0.0/8",  # private (RFC 1918)
        "100.64.0.0/10",  # carrier-grade NAT (RFC 6598); some clouds' metadata lives here
        "127.0.0.0/8",  # loopback (RFC 1122)
        "168.63.129.16/32",  # a cloud's host agent at an address that looks public (Azure)
        "169.254.0.0/16",  # link-local, clouds' metadata (RFC 3927)
        "172.16.0.0/12",  # private (RFC 1918)
        "192.0.0.0/24",  # protocol assignments (RFC 6890)
        "192.0.2.0/24",  # documentation (RFC 5737)
        "192.88.99.0/24",  # 6to4 relays, deprecated (RFC 7526)
        "192.168.0.0/16",  # private (RFC 1918)
        "198.18.0.0/15",  # benchmarking (RFC 2544)
        "198.51.100.0/24",  # documentation (RFC 5737)
        "203.0.113.0/24",  # documentation (RFC 5737)
        "224.0.0.0/4",  # multicast (RFC 5771)
        "240.0.0.0/4",  # reserved, and broadcast (RFC 1112, RFC 919)
    )
)
"""From the IANA IPv4 Special-Purpose Address Registry."""

GLOBAL_V6 = IPv6Network("2000::/3")
"""The only unicast space IANA has given out (RFC 4291, 2.4): outside lie loopback, link-local fe80::/10, unique local fc00::/7, multicast,
IPv4-mapped ::ffff:0:0/96, NAT64 64:ff9b::/96 and 64:ff9b:1::/48, discard-only 100::/64 and segment routing 5f00::/16."""

REFUSED_V6: tuple[IPv6Network, ...] = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments, Teredo with an IPv4 address inside (RFC 2928, RFC 4380)
        "2001:db8::/32",  # documentation (RFC 3849)
        "2002::/16",  # 6to4 with an IPv4 address inside (RFC 3056)
        "3fff::/20",  # documentation (RFC 9637)
    )
)
"""Parts of 2000::/3 that are not somebody's server (IANA IPv6 Special-Purpose Address Registry)."""

INTERNAL: tuple[Network, ...] = tuple(
    ip_network(text) for text in ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "::1/128")
)
"""Where an allow-listed *name* may point: a company's own networks, never link-local, multicast or reserved ones."""

_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\Z")


def is_public(address: Address) -> bool:
    """Whether the address is an ordinary public one."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in REFUSED_V4)
    return address in GLOBAL_V6 and not any(address in network for network in REFUSED_V6)


def plain_host(host: str) -> str:
    """A host name as it is compared: lower case, without the root's dot."""
    return host.lower().removesuffix(".")


def is_host(host: str) -> bool:
    """Whether it has the form of a host name or an address."""
    try:
        return bool(_HOST.match(plain_host(host)) or parse_address(host))
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Allowed:
    """One entry of the allow-list: a network or a name, on one port or (None) on 80 and 443."""

    network: Network | None
    host: str | None
    port: int | None

    def covers(self, host: str, address: Address, port: int) -> bool:
        """Whether this entry lets a connection to `host` at `address` and `port` through."""
        if port != self.port if self.port is not None else port not in WEB_PORTS:
            return False
        if self.network is not None:
            return address in self.network
        return plain_host(host) == self.host and (is_public(address) or any(address in network for network in INTERNAL))


@dataclass(frozen=True, slots=True)
class AllowList:
    """What the operator lets deliveries reach besides the public internet by https."""

    entries: tuple[Allowed, ...] = ()

    def covers(self, host: str, address: Address, port: int) -> bool:
        """Whether any entry lets it through."""
        return any(entry.covers(host, address, port) for entry in self.entries)

    def ports(self) -> frozenset[int]:
        """Ports that some entry opens: a URL with another one is refused before its name is looked up."""
        return WEB_PORTS | {entry.port for entry in self.entries if entry.port is not None}


def parse_allow_list(text: str) -> AllowList:
    """The allow-list as an operator writes it: entries apart by commas, each a CIDR, an address or a host name, with `:port` or without.

    IPv6 with a port stands in brackets: `[fd00:12::/32]:8443`. Raises ValueError, naming the entry's place, where one cannot be read.
    """
    entries = [entry.strip() for entry in text.split(",")]
    return AllowList(tuple(_entry(entry, place) for place, entry in enumerate(entries, 1) if entry))


def _entry(text: str, place: int) -> Allowed:
    fault = ValueError(f"Entry {place} of the allow-list is not a network, address or host name, with or without :port")
    port: int | None = None
    bracketed = re.fullmatch(r"\[([^\[\]]+)\](?::(\d{1,5}))?", text)
    if bracketed:
        name, digits = bracketed[1], bracketed[2]
    elif text.count(":") == 1:
        name, digits = text.split(":")
        if not re.fullmatch(r"[0-9]{1,5}", digits):
            raise fault
    else:
        name, digits = text, None
    if digits:
        port = int(digits)
        if not 0 < port < 65536:
            raise fault
    try:
        return Allowed(ip_network(name), None, port)
    except ValueError:
        host = plain_host(name)
        # A name of digits and dots only, or with a slash, is a mistyped address.
        if bracketed or not _HOST.match(host) or re.fullmatch(r"[\d.]+", host):
            raise fault from None
        return Allowed(None, host, port)


def parse_address(text: str) -> Address:
    """An address as a resolver gives it, IPv6 without its zone. Raises ValueError for anything else."""
    return ip_address(text.partition("%")[0])
