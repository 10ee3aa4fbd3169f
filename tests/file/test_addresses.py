"""Which addresses may be dialled, as tables of facts."""

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from requests_mounts._file.addresses import parse_addresses

PUBLIC = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0
168.63.129.15 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.0.9 192.0.0.10 192.0.1.1
192.31.196.1 192.52.193.1 192.175.48.1 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0
203.0.114.0 223.255.255.255
2000:: 2001:1::1 2001:1::2 2001:1::3 2001:3::1 2001:4:112::1 2001:20::1 2001:30::1 2001:200::
2003:: 2606:4700::1111 2620:4f:8000::1 2a00:1450:4001::1 3ffe:: 3fff:1000::
::ffff:1.1.1.1 ::ffff:8.8.8.8 64:ff9b::8.8.8.8 64:ff9b::101:101
2a00::5efe:8.8.8.8 2a00::200:5efe:8.8.8.8 2a00::100:5efe:10.0.0.1
"""

NOT_PUBLIC = """
0.0.0.0 0.1.2.3 10.0.0.0 10.255.255.255 100.64.0.0 100.100.100.200 100.127.255.255 127.0.0.1
127.255.255.255 168.63.129.16 169.254.0.1 169.254.169.254 172.16.0.0 172.31.255.255 192.0.0.0
192.0.0.8 192.0.0.170 192.0.2.1 192.88.99.1 192.168.0.0 192.168.255.255 198.18.0.0 198.19.255.255
198.51.100.1 203.0.113.255 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255
:: ::1 ::2 ::127.0.0.1 ::8.8.8.8 ::ffff:0:8.8.8.8 ::ffff:127.0.0.1 ::ffff:10.0.0.1
::ffff:169.254.169.254 ::ffff:0.0.0.0 ::ffff:224.0.0.1
2a00::5efe:10.0.0.1 2a00::200:5efe:127.0.0.1 2a00::1:2:0:5efe:169.254.169.254 fe80::5efe:8.8.8.8
64:ff9b::7f00:1 64:ff9b::10.0.0.1 64:ff9b::169.254.169.254 64:ff9b:1::8.8.8.8 64:ff9b::1:0:0:1
100::1 100:0:0:1::1 200::1 400::1 1000::1 1fff:ffff::1
2001::1 2001:0:808:808::1 2001:1::4 2001:2::1 2001:4:111::1 2001:10::1 2001:1ff:ffff::1 2001:db8::1
2002:: 2002:7f00:1:: 2002:808:808::1 3fff::1 3fff:fff:ffff::1 4000::1 5f00::1 8000::1
fc00::1 fd00:ec2::254 fdff::1 fe00::1 fe80::1 febf::1 fec0::1 feff::1 ff00::1 ff02::1 ff0e::1
ffff::1
"""


@pytest.mark.parametrize("address", PUBLIC.split())
def test_public_is_what_the_registries_call_globally_reachable(address: str) -> None:
    """What is on either side of a special block stays public, and so are its exceptions."""
    assert parse_addresses(("public",)).allows(address)


@pytest.mark.parametrize("address", NOT_PUBLIC.split())
def test_what_is_special_is_not_public(address: str) -> None:
    """The special blocks, all of IPv6 that is not given out, and the metadata of clouds."""
    assert not parse_addresses(("public",)).allows(address)


@pytest.mark.parametrize(
    ("entries", "allowed", "refused"),
    [
        ("any", "0.0.0.0 :: 127.0.0.1 169.254.169.254 fe80::1%eth0 ff02::1 8.8.8.8", ""),
        (
            "private",
            "10.0.0.1 172.31.0.1 192.168.1.1 fc00::1 fdff::1 ::ffff:10.0.0.1 64:ff9b::10.0.0.1",
            "8.8.8.8 127.0.0.1 ::1 100.64.0.1 169.254.0.1 fe80::1 fec0::1 fd00:ec2::254 ::10.0.0.1 2002:a00:1::1",
        ),
        (
            "loopback",
            "127.0.0.1 127.255.255.255 ::1 ::ffff:127.0.0.1 ::1%lo",
            "0.0.0.0 :: 10.0.0.1 ::127.0.0.1 8.8.8.8",
        ),
        ("private loopback", "10.0.0.1 127.0.0.1 ::1", "0.0.0.0 :: 169.254.0.1 fe80::1 8.8.8.8"),
        ("10.1.0.0/16", "10.1.2.3 ::ffff:10.1.2.3", "10.2.0.0 ::a01:203 8.8.8.8"),
        ("169.254.169.254", "169.254.169.254 ::ffff:169.254.169.254", "169.254.169.253"),
        ("fd00:ec2::/32", "fd00:ec2::254 fd00:ec2::1", "fd00:ec3::1 10.0.0.1"),
        ("fe80::/10", "fe80::1 fe80::1%eth0 fe80::1%3", "fec0::1"),
        ("2a00::1", "2a00::1", "2a00::2 10.0.0.1"),
        ("::/0", "2a00::1 ::1 fe80::1", "10.0.0.1 ::ffff:10.0.0.1 64:ff9b::10.0.0.1"),
        ("0.0.0.0/0", "10.0.0.1 ::ffff:10.0.0.1 64:ff9b::a00:1", "2a00::1 ::1"),
        ("::ffff:10.0.0.0/104", "10.1.2.3 ::ffff:10.1.2.3", "11.0.0.1 ::1"),
        ("64:ff9b::/96", "8.8.8.8 64:ff9b::8.8.8.8", "2a00::1"),
        ("public 10.1.0.0/16 !10.1.2.3", "8.8.8.8 10.1.2.4", "10.1.2.3 ::ffff:10.1.2.3 10.2.0.1"),
        ("!10.1.2.3 10.1.0.0/16", "10.1.2.4", "10.1.2.3"),
        (
            "any !private",
            "8.8.8.8 127.0.0.1 2002:808:808::1",
            "10.0.0.1 fd00::1 fd00:ec2::254 ::ffff:10.0.0.1 ::10.0.0.1 64:ff9b::10.0.0.1 2002:a00:1::1 2001:0:a00:1::1 2001:0:808:808:0:0:f5ff:fffe",
        ),
        (
            "any !private",
            "2a00::5efe:8.8.8.8 2a00::100:5efe:10.0.0.1 64:ff9b:1::8.8.8.8 64:ff9b:1:808:8:800:: ::ffff:0:8.8.8.8",
            "2a00::5efe:10.0.0.1 2a00::1:2:200:5efe:192.168.0.1 fe80::5efe:172.16.0.1 ::ffff:0:10.0.0.1 64:ff9b:1::10.0.0.1 64:ff9b:1:a00:0:100:: 64:ff9b:1:a:0:1:: 64:ff9b:1:0:a:0:100:0",
        ),
        (
            "any !loopback",
            "0.0.0.1 8.8.8.8 ::2",
            "127.0.0.1 ::1 ::ffff:127.0.0.1 ::127.0.0.1 64:ff9b::7f00:1 2002:7f00:1:: 0.0.0.0 :: ::ffff:0.0.0.0 ::%lo",
        ),
        ("any !127.0.0.0/8", ":: ::1 0.0.0.1", "127.0.0.1 0.0.0.0 ::ffff:0.0.0.0 64:ff9b::"),
        ("any !public", "10.0.0.1 fd00:ec2::254 169.254.169.254", "8.8.8.8 168.63.129.16"),
        ("168.63.129.16 private", "168.63.129.16", "fd00:ec2::254"),
        ("any !64:ff9b::/64", "8.8.8.8 64:ff9b:0:1::", "64:ff9b::8.8.8.8 64:ff9b::1:0:0:0"),
        ("any !0.0.0.0/8", "::1 :: 127.0.0.1", "0.0.0.0 ::ffff:0.0.0.0 ::2"),
        ("any !::/0", "10.0.0.1", "::1 ::ffff:10.0.0.1 64:ff9b::8.8.8.8 2a00::1"),
        ("any !::ffff:0:0/96", "::1 2a00::1", "10.0.0.1 ::ffff:10.0.0.1"),
        ("any !169.254.0.0/16", "10.0.0.1", "169.254.169.254 ::ffff:a9fe:a9fe ::a9fe:a9fe"),
        ("public !any", "", "8.8.8.8 10.0.0.1 ::1"),
        ("any", "", "localhost 0x7f.1 ::ffff:1.2.3.4.5 [::1]"),
    ],
)
def test_entries(entries: str, allowed: str, refused: str) -> None:
    """An address needs an entry that allows it and none that takes it away, in whatever form."""
    rule = parse_addresses(tuple(entries.split()))
    assert [address for address in allowed.split() if not rule.allows(address)] == []
    assert [address for address in refused.split() if rule.allows(address)] == []


@pytest.mark.parametrize(
    ("entries", "restricts"),
    [
        ("any", False),
        ("any public", False),
        ("public", True),
        ("any !10.0.0.0/8", True),
        ("0.0.0.0/0 ::/0", True),
    ],
)
def test_any_alone_restricts_nothing(entries: str, restricts: bool) -> None:  # noqa: FBT001
    """Without a restriction nothing has to be checked."""
    assert parse_addresses(tuple(entries.split())).restricts is restricts


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "!",
        "!!any",
        "ANY",
        "world",
        "10.1.2.3/8",
        "10.0.0.0/33",
        "10.1",
        "fe80::1%eth0",
        "a.org",
    ],
)
def test_what_is_no_entry(entry: str) -> None:
    """A network has no bits beyond its prefix, and names are not looked up."""
    with pytest.raises(ValueError, match=r"^"):
        parse_addresses((entry,))


@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_every_form_of_an_ipv4_address_is_judged_alike(address: IPv4Address) -> None:
    """Mapped and translated addresses are what they stand for; nothing else may let one through."""
    number = int(address)
    same = [IPv6Address(0xFFFF << 32 | number), IPv6Address(0x64FF9B << 96 | number)]
    carriers = [
        IPv6Address(number),
        IPv6Address(0x2002 << 112 | number << 80),
        IPv6Address(0x20010000 << 96 | number << 64),
        IPv6Address(0x20010000 << 96 | number ^ 0xFFFFFFFF),
    ]
    for entries in (("public",), ("private", "loopback"), ("any", f"!{address}")):
        rule = parse_addresses(entries)
        assert [rule.allows(form) for form in same] == [rule.allows(address)] * 2
    without = parse_addresses(("any", f"!{address}"))
    assert not any(without.allows(form) for form in carriers if int(form) > 1)
    assert not any(parse_addresses(("public",)).allows(form) for form in carriers)


@given(st.integers(0, 2**128 - 1).map(IPv6Address) | st.integers(0, 2**32 - 1).map(IPv4Address))
def test_public_is_never_more_than_the_standard_library_calls_global(
    address: IPv4Address | IPv6Address,
) -> None:
    """The table is stricter, but for the forms of IPv4 addresses and what a newer registry says."""
    newer = address in ip_network("2001::/23") if address.version == 6 else False
    if parse_addresses(("public",)).allows(address) and not newer:
        inner = getattr(address, "ipv4_mapped", None) or address
        assert inner.is_global
