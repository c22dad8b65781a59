"""Which addresses are refused, every special range of both families at both ends, and what an allow-list entry opens."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from service.outbound.addresses import GLOBAL_V6, REFUSED_V4, REFUSED_V6, AllowList, is_public, parse_address, parse_allow_list
from service.settings import Settings

SPECIAL = [
    *(str(network) for network in (*REFUSED_V4, *REFUSED_V6)),
    "::/128",
    "::1/128",
    "::/96",  # IPv4-compatible
    "::ffff:0:0/96",  # IPv4-mapped
    "::ffff:0:0:0/96",  # IPv4-translated
    "64:ff9b::/96",  # NAT64
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/32",  # Teredo
    "2001:2::/48",
    "2001:10::/28",
    "2002:7f00:1::/48",  # 6to4 of 127.0.0.1
    "2002:c0a8:1::/48",  # 6to4 of 192.168.0.1
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
]


@pytest.mark.parametrize("text", SPECIAL)
def test_special_ranges_are_refused_at_both_ends(text: str) -> None:
    network = ip_network(text)
    assert not is_public(network.network_address)
    assert not is_public(network.broadcast_address)


@pytest.mark.parametrize(
    "text",
    [
        "169.254.169.254",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "255.255.255.255",
        "fd00:ec2::254",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::7f00:1",
        "fe80::1%eth0",
    ],
)
def test_known_traps_are_refused(text: str) -> None:
    assert not is_public(parse_address(text))


@pytest.mark.parametrize("text", ["1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0", "223.255.255.255", "2400:3200::1", "2606:4700::1"])  # fmt: skip
def test_neighbours_of_special_ranges_are_public(text: str) -> None:
    assert is_public(parse_address(text))


@given(st.ip_addresses())
def test_what_python_calls_not_global_is_never_public(address: IPv4Address | IPv6Address) -> None:
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert not is_public(address)
    if isinstance(address, IPv6Address) and address not in GLOBAL_V6:
        assert not is_public(address)


@pytest.mark.parametrize(
    ("entries", "host", "address", "port", "expected"),
    [
        ("10.2.0.0/16", "crm.corp", "10.2.3.4", 443, True),
        ("10.2.0.0/16", "crm.corp", "10.2.3.4", 80, True),
        ("10.2.0.0/16", "crm.corp", "10.2.3.4", 8080, False),
        ("10.2.0.0/16:8080", "crm.corp", "10.2.3.4", 8080, True),
        ("10.2.0.0/16:8080", "crm.corp", "10.2.3.4", 443, False),
        ("10.2.0.0/16", "crm.corp", "10.3.0.1", 443, False),
        ("10.2.3.4", "crm.corp", "10.2.3.4", 443, True),
        ("crm.corp", "CRM.corp.", "10.2.3.4", 443, True),
        ("crm.corp", "xcrm.corp", "10.2.3.4", 443, False),
        ("crm.corp", "a.crm.corp", "10.2.3.4", 443, False),
        ("crm.corp", "crm.corp", "169.254.169.254", 443, False),
        ("crm.corp", "crm.corp", "224.0.0.1", 443, False),
        ("crm.corp", "crm.corp", "::ffff:10.2.3.4", 443, False),
        ("crm.corp:8443", "crm.corp", "fd12::1", 8443, True),
        ("[fd12::/32]:8443", "crm.corp", "fd12::1", 8443, True),
        ("fd12::/32", "crm.corp", "fd12::1", 443, True),
        ("a.corp, 10.0.0.1 ,b.corp:81", "b.corp", "10.9.9.9", 81, True),
        ("169.254.1.0/24", "x", "169.254.1.7", 443, True),
        ("", "crm.corp", "10.2.3.4", 443, False),
    ],
)
def test_allow_list(entries: str, host: str, address: str, port: int, expected: bool) -> None:
    assert parse_allow_list(entries).covers(host, ip_address(address), port) is expected


@pytest.mark.parametrize("text", ["10.2.3.4/16", "10.2.3", "10.2.3.400", "http://crm.corp", "crm corp", "crm.corp:0", "crm.corp:65536", "crm.corp:", "crm.corp:x", "crm.corp:８０", "[crm.corp]:80", "-a.corp", "*", "*.corp", "a..b", "10.0.0.0/33", "[fd00::/8]:99999"])  # fmt: skip
def test_a_mistyped_entry_is_named_by_its_place(text: str) -> None:
    with pytest.raises(ValueError, match=r"^Entry 2 of the allow-list") as caught:
        parse_allow_list(f"10.0.0.1,{text}")
    assert text not in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse_allow_list(text)
    except ValueError:
        return
    assert isinstance(found, AllowList)


def test_a_mistyped_setting_stops_the_program_and_is_named() -> None:
    with pytest.raises(ValidationError, match="delivery_allow"):
        Settings(delivery_allow="10.0.0.0/33")
    assert Settings(delivery_allow="10.0.0.0/8:8080").delivery_allow == "10.0.0.0/8:8080"
