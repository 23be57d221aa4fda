"""Which addresses of the network are everybody's, and which are behind somebody's door."""

from __future__ import annotations

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# https://www.iana.org/assignments/iana-ipv4-special-registry, multicast and reserved space;
# written down here, as what Python calls global differs between its versions.
_NOT_PUBLIC_4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",
            "100.64.0.0/10",  # carriers' NAT; Alibaba's metadata at 100.100.100.200
            "127.0.0.0/8",
            "168.63.129.16/32",  # Azure's platform, on every virtual machine's link
            "169.254.0.0/16",  # link-local: metadata of AWS, Azure, Google at 169.254.169.254
            "172.16.0.0/12",
            "192.0.0.0/24",  # protocols; Oracle's metadata at 192.0.0.192
            "192.0.2.0/24",
            "192.88.99.0/24",  # 6to4 relays
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, broadcast
        ),
    )
)
# https://www.iana.org/assignments/ipv6-address-space: only 2000::/3 is given to anybody: ::1,
# mapped IPv4 (::ffff:0:0/96), NAT64 (64:ff9b::/96), fc00::/7, fe80::/10, ff00::/8 are not.
_GLOBAL_6 = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_6 = tuple(
    map(
        ipaddress.IPv6Network,
        (
            "2001::/23",  # Teredo, ORCHID, benchmarks
            "2001:db8::/32",
            "2002::/16",  # 6to4: an IPv4 address inside
            "3fff::/20",
        ),
    )
)


def is_public(address: Address) -> bool:
    """Whether anybody may be there: not private, loopback, link-local, shared, multicast,
    reserved, for documentation, a cloud's metadata, or an IPv4 address inside an IPv6 one."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    return (
        address.scope_id is None
        and address in _GLOBAL_6
        and not any(address in network for network in _NOT_PUBLIC_6)
    )
