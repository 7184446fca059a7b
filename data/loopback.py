"""Whether a host is this machine: what is sent there stays here."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Return whether a host's name or number is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
