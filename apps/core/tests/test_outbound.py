"""Which addresses may be connected to, and that the one that was checked is the one."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from apps.core.outbound import ForbiddenAddressError, checked_address, connected


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "10.1.2.3",
        "192.168.0.1",
        "172.16.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "100.64.0.1",
        "224.0.0.1",
        "::1",
        "fd00::1",
        "fe80::1",
        "::ffff:127.0.0.1",
        "2130706433",
    ],
)
def test_private_address_is_refused(host: str) -> None:
    with pytest.raises(ForbiddenAddressError, match="not a public address"):
        checked_address(host, 443)


@pytest.mark.parametrize(
    "url",
    [
        "http://93.184.216.34/",
        "ftp://93.184.216.34/",
        "file:///etc/passwd",
        "https://user:pw@93.184.216.34/",
        "https:///path",
    ],
)
def test_only_plain_https_addresses_are_taken(url: str) -> None:
    with pytest.raises(ForbiddenAddressError, match="expected https"), connected(url, timeout=1):
        pass


def test_name_that_answers_differently_the_second_time_gains_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = iter(["93.184.216.34", "127.0.0.1"])
    reached: list[Any] = []

    def resolve(host: str, port: int, **kwargs: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    def connect(address: Any, timeout: float) -> socket.socket:
        reached.append(address)
        raise OSError("no network in tests")

    monkeypatch.setattr("socket.getaddrinfo", resolve)
    monkeypatch.setattr("socket.create_connection", connect)

    with pytest.raises(OSError, match="no network"), connected("https://a.example/", timeout=1):
        pass

    assert reached == [("93.184.216.34", 443)]


def test_one_private_address_among_public_ones_is_enough_to_refuse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 443)) for ip in ("1.1.1.1", "10.0.0.1")
    ]
    monkeypatch.setattr("socket.getaddrinfo", lambda *args, **kwargs: found)

    with pytest.raises(ForbiddenAddressError, match=r"10\.0\.0\.1 is not a public address"):
        checked_address("a.example", 443)
