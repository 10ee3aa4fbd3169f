"""Which IP addresses may be dialled: the words of ``addresses``, and what stands behind them.

An address is judged by its number, never by its spelling:

1. An IPv4 address inside ``::ffff:0:0/96`` (mapped) or ``64:ff9b::/96`` (translated by NAT64, RFC
   6052) is judged as that IPv4 address.
2. It may be dialled if one entry allows it and no entry with ``!`` takes it away, in any order.
3. An entry with ``!`` also takes away what it names inside ``::/96``, ``::ffff:0:0:0/96`` (SIIT,
   RFC 2765), ``64:ff9b:1::/48`` (a NAT64 of one's own, RFC 8215), 6to4 (RFC 3056), Teredo
   (RFC 4380) and ISATAP (RFC 5214), where a relay would send the packets on to the IPv4 address
   within. An address of ISATAP is public only if that one is too.
4. ``0.0.0.0`` and ``::`` are dialled as the machine itself, so an entry with ``!`` that names its
   loopback address takes them away too.
5. The words do not allow the metadata services of clouds; with ``!``, they take them away.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, NamedTuple, TypeAlias

IpAddress: TypeAlias = IPv4Address | IPv6Address
_IpNetwork: TypeAlias = IPv4Network | IPv6Network


def _networks(*texts: str) -> tuple[_IpNetwork, ...]:
    return tuple(map(ip_network, texts))


# What the IANA registries of IPv4 and IPv6 special-purpose addresses call globally reachable or not
# (https://www.iana.org/assignments/iana-ipv4-special-registry, …-ipv6-special-registry, as of
# 2024-10-22), with multicast added. What they leave open ("N/A") is not public here. Not the
# standard library's `is_global`: it takes 64:ff9b::7f00:1, 2002:7f00:1:: and ff0e::1 for global.
_SPECIAL: Final = _networks(
    "0.0.0.0/8",  # this network
    "10.0.0.0/8",  # private use
    "100.64.0.0/10",  # shared by the customers of a provider, RFC 6598
    "127.0.0.0/8",  # loopback
    "169.254.0.0/16",  # link-local
    "172.16.0.0/12",  # private use
    "192.0.0.0/24",  # protocol assignments
    "192.0.2.0/24",  # documentation
    "192.88.99.0/24",  # relays of 6to4, deprecated
    "192.168.0.0/16",  # private use
    "198.18.0.0/15",  # benchmarks
    "198.51.100.0/24",  # documentation
    "203.0.113.0/24",  # documentation
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",  # reserved, and the broadcast address
    "2001::/23",  # protocol assignments, Teredo and benchmarks among them
    "2001:db8::/32",  # documentation
    "2002::/16",  # 6to4
    "3fff::/20",  # documentation
)
_REACHABLE: Final = _networks(
    "192.0.0.9/32",  # anycast of the Port Control Protocol
    "192.0.0.10/32",  # anycast of TURN
    "2001:1::1/128",  # as the two above
    "2001:1::2/128",
    "2001:1::3/128",  # anycast of DNS-SD
    "2001:3::/32",  # multicast tunnelling (AMT)
    "2001:4:112::/48",  # AS112
    "2001:20::/28",  # ORCHIDv2
    "2001:30::/28",  # identifiers of drones
)
# All of IPv6 that is given out as unicast (RFC 4291, section 2.4); the rest is not public.
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")

# Where clouds tell a machine its secrets: AWS and others, AWS on IPv6, Azure, Alibaba.
_METADATA: Final = frozenset(
    map(ip_address, ("169.254.169.254", "fd00:ec2::254", "168.63.129.16", "100.100.100.200"))
)
_PRIVATE: Final = _networks("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
_LOOPBACK: Final = _networks("127.0.0.0/8", "::1/128")

_LOCALHOST: Final[dict[int, IpAddress]] = {4: IPv4Address("127.0.0.1"), 6: IPv6Address("::1")}
_MAPPED: Final = IPv6Network("::ffff:0:0/96")
_TRANSLATED: Final = IPv6Network("64:ff9b::/96")
_COMPATIBLE: Final = _networks("::/96", "::ffff:0:0:0/96")
_OWN_NAT64: Final = IPv6Network("64:ff9b:1::/48")
_ISATAP: Final = (0x00005EFE, 0x02005EFE)
_BITS_OF_IPV4: Final = 32
_BITS_OF_IPV6: Final = 128


def _is_public(address: IpAddress) -> bool:
    if isinstance(address, IPv6Address):
        inside = _isatap(address)
        if address not in _GLOBAL_UNICAST or (inside and not _is_public(inside)):
            return False
    return not _is_in(address, _SPECIAL) or _is_in(address, _REACHABLE)


def _is_private(address: IpAddress) -> bool:
    return _is_in(address, _PRIVATE)


_WORDS: Final[dict[str, Callable[[IpAddress], bool]]] = {
    "any": lambda _: True,
    "public": _is_public,
    "private": _is_private,
    "loopback": lambda address: _is_in(address, _LOOPBACK),
}


class _Entry(NamedTuple):
    """One entry of ``addresses``: a word, or a network in its place."""

    word: str
    network: _IpNetwork | None
    takes_away: bool

    @classmethod
    def parse(cls, text: str) -> "_Entry":
        takes_away, name = text.startswith("!"), text.removeprefix("!")
        if name in _WORDS:
            return cls(name, None, takes_away)
        if "%" in name:
            raise ValueError("a network has no scope")
        return cls("", _as_ipv4(ip_network(name)), takes_away)

    def holds(self, address: IpAddress) -> bool:
        if self.network is not None:
            return address in self.network
        whole = self.takes_away or self.word == "any"
        return _WORDS[self.word](address) and (whole or address not in _METADATA)


class AddressRule(NamedTuple):
    """Which addresses may be dialled."""

    allowed: tuple[_Entry, ...]
    taken_away: tuple[_Entry, ...]

    @property
    def restricts(self) -> bool:
        """Whether there is an address that may not be dialled."""
        return bool(self.taken_away) or all(entry.word != "any" for entry in self.allowed)

    def allows(self, address: str | IpAddress) -> bool:
        """Tell whether an address may be dialled; what is no address may not."""
        try:
            literal = ip_address(str(address).partition("%")[0])
        except ValueError:
            return False
        judged = _judged(literal)
        forms = (literal, judged, *_carried(judged))
        return any(entry.holds(judged) for entry in self.allowed) and not any(
            entry.holds(form) for entry in self.taken_away for form in forms
        )


@lru_cache
def parse_addresses(entries: tuple[str, ...]) -> AddressRule:
    """Parse the entries of ``addresses``; raises `ValueError` for one that is none of them."""
    parsed = tuple(map(_Entry.parse, entries))
    return AddressRule(
        allowed=tuple(entry for entry in parsed if not entry.takes_away),
        taken_away=tuple(entry for entry in parsed if entry.takes_away),
    )


def _is_in(address: IpAddress, networks: Iterable[_IpNetwork]) -> bool:
    return any(address in network for network in networks)


def _judged(address: IpAddress) -> IpAddress:
    """Return the IPv4 address that an IPv6 address is only another form of."""
    if isinstance(address, IPv6Address) and (address in _MAPPED or address in _TRANSLATED):
        return _low_bits(address)
    return address


def _carried(address: IpAddress) -> Iterator[IpAddress]:
    """Name the other addresses that are reached by one, such as the IPv4 address within it."""
    if address.is_unspecified:
        yield _LOCALHOST[address.version]
    if isinstance(address, IPv4Address):
        return
    if _is_in(address, _COMPATIBLE) and int(address) > 1:  # Neither :: nor ::1 has one inside.
        yield _low_bits(address)
    if address in _OWN_NAT64:
        yield from _translated(address)
    if inside := _isatap(address):
        yield inside
    if address.sixtofour:
        yield address.sixtofour
    if address.teredo:  # Its server, and its client.
        yield from address.teredo


def _isatap(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address within the identifier of an interface (RFC 5214, section 6.1)."""
    return _low_bits(address) if int(address) >> 32 & 0xFFFFFFFF in _ISATAP else None


def _translated(address: IPv6Address) -> Iterator[IPv4Address]:
    """Name what an address means under each prefix from /48 on, of which nobody knows which it is.

    The bits from 64 to 71 are none of it (RFC 6052, section 2.2).
    """
    bits = int(address)
    yield _low_bits(address)
    rest = bits >> 64 << 56 | bits & (1 << 56) - 1
    for length in (48, 56, 64):
        yield IPv4Address(rest >> (88 - length) & 0xFFFFFFFF)


def _as_ipv4(network: _IpNetwork) -> _IpNetwork:
    """Return the IPv4 network that an IPv6 network is only another form of."""
    shorter = network.prefixlen - (_BITS_OF_IPV6 - _BITS_OF_IPV4)
    if isinstance(network, IPv6Network) and shorter >= 0:
        address = _judged(network.network_address)
        if isinstance(address, IPv4Address):
            return IPv4Network((address, shorter))
    return network


def _low_bits(address: IPv6Address) -> IPv4Address:
    return IPv4Address(int(address) & (2**_BITS_OF_IPV4 - 1))
