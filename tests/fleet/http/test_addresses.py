import pytest

from fleet.http.addresses import is_loopback, resolve, same_origin
from fleet.http.errors import HttpError


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("localhost:5000", True),
        ("127.0.0.1:5000", True),
        ("127.1.2.3", True),
        ("[::1]:5000", True),
        ("registry.localhost:5000", True),
        ("ghcr.io", False),
        ("localhost.example:5000", False),
        ("10.0.0.1:5000", False),
        ("127.0.0.1.example", False),
    ],
)
def test_loopback_is_told_by_address_or_name(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a/x", "https://A:443/y?z", True),
        ("http://a", "http://a:80/", True),
        ("http://a", "https://a", False),
        ("https://a", "https://a:444", False),
        ("https://a", "https://a.b", False),
        ("https://[::1", "https://[::1", False),
    ],
)
def test_origins_are_scheme_host_and_port(one: str, other: str, *, same: bool) -> None:
    assert same_origin(one, other) is same


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/b?c#d", "https://a/b?c"),
        ("x", "https://a/v2/x"),
        ("//b/x", "https://b/x"),
        ("https://b:8443/x", "https://b:8443/x"),
    ],
)
def test_a_location_is_resolved(location: str, target: str) -> None:
    assert resolve("https://a/v2/y", location, "GET https://a/v2/y") == target


@pytest.mark.parametrize(
    "location",
    ["http://a/", "HTTP://a/", "ftp://a/", "https://u@a/", "https://u:p@a/", "https://[",
     "https://a:99999/", "https://a:x/", "javascript:alert(1)", "data:,x", "https://a\x00/"],
)  # fmt: skip
def test_a_location_that_leads_down_or_astray_is_refused(location: str) -> None:
    with pytest.raises(HttpError, match=r"^GET https://a/v2/y: the server"):
        resolve("https://a/v2/y", location, "GET https://a/v2/y")
