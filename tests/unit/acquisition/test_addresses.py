"""Which addresses may be called."""

from __future__ import annotations

import ipaddress

import pytest

from mtf.errors import SpecError
from mtf.outbound import permitted, refusal
from mtf_acquisition.net.addresses import public_address

ALWAYS = [
    "169.254.169.254",
    "169.254.1.1",
    "fe80::1",
    "fd00:ec2::254",
    "100.100.100.200",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "0.0.0.0",  # noqa: S104 - refused here, not bound
    "::",
    "224.0.0.1",
    "ff02::1",
    "168.63.129.16",
]
PRIVATE = ["10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "fd12::1", "::ffff:10.0.0.1", "198.18.0.1", "240.0.0.1"]
LOOPBACK = ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"]


@pytest.mark.parametrize("address", ALWAYS)
def test_metadata_and_link_local_are_never_called(address: str) -> None:
    """No permission opens them, not even the host's own name."""
    assert refusal("host", ipaddress.ip_address(address), ("loopback", "private", "*", "host"))


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_need_permission(address: str) -> None:
    """`private` or a pattern of the host opens them; `loopback` does not."""
    found = ipaddress.ip_address(address)
    assert refusal("a.internal", found, ("loopback", "*.example.org"))
    assert refusal("a.internal", found, ("private",)) is None
    assert refusal("A.internal.", found, ("*.Internal",)) is None


@pytest.mark.parametrize("address", LOOPBACK)
def test_loopback_needs_permission(address: str) -> None:
    """`loopback` or a pattern of the host opens it; `private` does not."""
    found = ipaddress.ip_address(address)
    assert refusal("localhost", found, ("private",))
    assert refusal("localhost", found, ("loopback",)) is None
    assert refusal("localhost", found, ("localhost",)) is None


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_public_addresses_need_permission_too(address: str) -> None:
    """`public` or a pattern of the host opens the internet; nothing else does."""
    found = ipaddress.ip_address(address)
    assert refusal("example.org", found, ("loopback", "private", "*.example.com"))
    assert refusal("example.org", found, ("public",)) is None
    assert refusal("example.org", found, ("example.*",)) is None


def test_one_bad_address_spoils_a_name() -> None:
    """A name that points outside and inside is made to get inside."""
    with pytest.raises(SpecError) as caught:
        permitted("evil.example", 80, ("public",), field="dataset.source.url", resolver=lambda host, port: ["93.184.215.14", "10.0.0.1"])
    assert "private" in caught.value.message
    assert "MTF_HTTP_ALLOW" in str(caught.value.fix)


def test_shown_addresses_have_no_secrets() -> None:
    """User part and query go."""
    assert public_address("https://ann:pw@host:8443/a/b.csv?sig=abc#x") == "https://host:8443/a/b.csv?…"
