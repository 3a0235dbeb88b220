"""Connections to addresses that others name: public ones over HTTPS, and no others (no SSRF)."""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from apps.core.errors import RecsysError


class ForbiddenAddressError(RecsysError):
    """The address is not one that may be connected to."""


@contextmanager
def connected(
    url: str, *, allows_private: bool = False, timeout: float
) -> Iterator[tuple[http.client.HTTPConnection, str]]:
    """Yield an open connection to the URL's host, and the target to ask it for.

    The name is resolved once and the very address that was checked is connected to: a name that
    answers differently the second time gains nothing. `allows_private` lets private addresses and
    plain HTTP pass; `timeout` holds for each wait, in seconds. Raises `ForbiddenAddressError` or
    OSError.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    is_https = parts.scheme == "https"
    is_trusted = parts.scheme == "http" and allows_private
    if parts.username or not host or not (is_https or is_trusted):
        raise ForbiddenAddressError(f"{url}: expected https://HOST/PATH")
    port = parts.port or (443 if is_https else 80)
    address = checked_address(host, port, allows_private=allows_private)
    raw = socket.create_connection((address, port), timeout=timeout)
    connection = http.client.HTTPConnection(parts.netloc, timeout=timeout)
    try:
        # The certificate is checked against the name, whatever address it has.
        context = ssl.create_default_context() if is_https else None
        connection.sock = context.wrap_socket(raw, server_hostname=host) if context else raw
        path = parts.path or "/"
        yield connection, f"{path}?{parts.query}" if parts.query else path
    finally:
        connection.close()
        raw.close()


def checked_address(host: str, port: int, *, allows_private: bool = False) -> str:
    """Return an address of the host, all of which must be public unless private ones are allowed.

    Raises `ForbiddenAddressError`, and OSError where the name is not known.
    """
    found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for text in found:
        if not _is_public(text) and not allows_private:
            raise ForbiddenAddressError(f"{host}: {text} is not a public address")
    return found[0]


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    checked = inner or address
    return checked.is_global and not checked.is_multicast
