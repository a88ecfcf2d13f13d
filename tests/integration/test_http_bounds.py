"""A served process bounds what comes before any token is looked at."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import httpx
import pytest

HEAD = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n"


def endless(url: str, head: bytes, part: bytes) -> bytes:
    """What a server answers to a request that goes on and on; fails if it takes 4 MiB of it."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall(head)
        try:
            for _ in range(64):
                connection.sendall(part * (65_536 // len(part)))
        except OSError:
            return b""
        return connection.recv(1 << 16)


@pytest.mark.parametrize("part", [b"a", b"X-More: yes\r\n"], ids=["one header without end", "headers without end"])
def test_headers_without_end_are_cut_off(server: str, part: bytes) -> None:
    answer = endless(server, HEAD + b"X-First: ", part)
    assert not answer or answer.startswith(b"HTTP/1.1 400")
    assert httpx.get(f"{server}/livez").status_code == 200


def test_many_and_long_but_bounded_headers_are_taken(server: str) -> None:
    headers = {f"X-{number}": "a" * 1000 for number in range(50)}
    assert httpx.get(f"{server}/livez", headers=headers).status_code == 200
