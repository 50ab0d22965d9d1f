"""Which addresses a redirect may lead to: not to this machine or a private network, unless the user's own URL does."""

from __future__ import annotations

import ipaddress
import socket

PUBLIC, PRIVATE, LOOPBACK, LINK_LOCAL, OTHER = "public", "private", "loopback", "link-local", "special"

_MAY_GO_ON_TO = {
    PUBLIC: {PUBLIC},
    PRIVATE: {PUBLIC, PRIVATE},
    LOOPBACK: {PUBLIC, PRIVATE, LOOPBACK},
    LINK_LOCAL: {PUBLIC, LINK_LOCAL},
    OTHER: {PUBLIC},
}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def kind_of(address: str) -> str:
    """The kind of network that a numeric address belongs to; IPv4 within IPv6 counts as IPv4.

    >>> [kind_of(one) for one in ("192.0.43.7", "10.1.2.3", "::ffff:127.0.0.1", "169.254.169.254", "fd00::1", "64:ff9b::a00:1")]
    ['public', 'private', 'loopback', 'link-local', 'private', 'private']
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if ip in _NAT64 or (int(ip) >> 32 == 0 and int(ip) > 1):  # or IPv4-compatible
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return kind_of(str(inner))
    if ip.is_loopback or ip.is_unspecified:  # 0.0.0.0 connects to this machine
        return LOOPBACK
    if ip.is_link_local:
        return LINK_LOCAL
    if ip.is_multicast or ip.is_reserved or (ip.version == 4 and ip in ipaddress.ip_network("0.0.0.0/8")):
        return OTHER
    return PUBLIC if ip.is_global and not getattr(ip, "is_site_local", False) else PRIVATE


def may_go_on(own: str, other: str) -> bool:
    """Whether a server at an address of kind `own` may redirect to one of kind `other`."""
    return other in _MAY_GO_ON_TO[own]


def kind_of_literal(host: str) -> str | None:
    """The kind of a host that is an address in any notation (127.1, 0x7f000001, 2130706433) or this machine's name; None for other names.

    >>> kind_of_literal("0177.0.0.1"), kind_of_literal("2130706433"), kind_of_literal("[::1]"), kind_of_literal("a.example")
    ('loopback', 'loopback', 'loopback', None)
    """
    host = host.strip("[]").rstrip(".").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return LOOPBACK
    try:
        return kind_of(host)
    except ValueError:
        pass
    try:
        return kind_of(socket.inet_ntoa(socket.inet_aton(host))) if not host.isspace() and " " not in host else None
    except OSError:
        return None
