"""No proxy stands between a run and this machine, and one that may be in the way elsewhere is named."""

from __future__ import annotations

import urllib.request

import pytest

from flows import proxies

NAMES = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY")
HERE = ("127.0.0.1", "localhost", "::1")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("given", ["", "intern.example", "intern.example, .corp", "127.0.0.1", "*", "a,*"])
@pytest.mark.parametrize("name", ["no_proxy", "NO_PROXY"])
def test_this_machine_is_exempt_and_the_users_entries_stay(
    name: str, given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, given)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    kept = {host for host in ("intern.example", "x.corp", "elsewhere.example") if urllib.request.proxy_bypass(host)}
    for variable, value in proxies.without_loopback({name: given}).items():
        monkeypatch.setenv(variable, value)
    assert all(urllib.request.proxy_bypass(host) for host in HERE)
    assert kept == {
        host for host in ("intern.example", "x.corp", "elsewhere.example") if urllib.request.proxy_bypass(host)
    }


def test_only_this_machine_is_asked_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    for host, is_proxied in (("127.0.0.1:4200", False), ("localhost", False), ("[::1]:1", False), ("a.example", True)):
        handlers = proxies.opener(f"http://{host}/api").handlers  # type: ignore[attr-defined]
        assert any(getattr(handler, "proxies", None) for handler in handlers) == is_proxied, host


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("http://a.example/api", "HTTP_PROXY"),
        ("https://a.example/api", "all_proxy"),
        ("http://exempt.example/api", None),
        ("http://127.0.0.1:4200/api", None),
        ("nonsense", None),
    ],
)
def test_the_variable_is_named_that_sends_a_url_elsewhere(
    url: str, named: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("all_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "exempt.example")
    assert proxies.in_the_way(url) == named
