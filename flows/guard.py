"""Prefect's server, closed to pages of other origins: what `make serve` and a run's temporary server serve.

Prefect lets any page in the user's browser start runs. CORS settings alone do not stop that: a browser sends a POST
without a content type across origins unasked, Prefect reads it as JSON, and no CORS rule is asked of a websocket.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from flows.report import App, Message, Receive, Send, with_report
from leanvlm.endpoints import LOOPBACK
from leanvlm.errors import InputError

ORIGIN = re.compile(r"https?://[^/\s,*@]+")
SETTING = "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS"


def create_app() -> App:
    """Return Prefect's server and the report behind the guard; origins that its CORS setting names are let in besides.

    Raises: InputError where the setting has what is not an origin, such as *.
    """
    from prefect.server.api import server
    from prefect.settings import get_current_settings

    api = get_current_settings().server.api
    password = api.auth_string.get_secret_value() if api.auth_string else None
    served = with_report(server.create_app(final=True), password=password)
    return guarded(served, allowed=origins(api.cors_allowed_origins))


def origins(setting: str) -> tuple[str, ...]:
    """Read a list of origins with commas between them.

    Raises: InputError for what is not an origin.
    """
    named = tuple(one.strip().lower() for one in setting.split(",") if one.strip())
    for one in named:
        if not ORIGIN.fullmatch(one):
            raise InputError(f"{SETTING} has {one[:60]!r}, which is not an origin; write http(s)://host[:port], or "
                             "unset it to let in only the server's own pages")  # fmt: skip
    return named


def guarded(app: App, *, allowed: Sequence[str] = ()) -> App:
    """Answer 403 to requests and websockets of foreign pages; let in programs, own pages and `allowed` origins."""

    async def answer(scope: Message, receive: Receive, send: Send) -> None:
        refused = scope["type"] != "lifespan" and not is_own(scope["headers"], allowed)
        if refused and scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})  # before it is accepted, this is a 403
        elif refused:
            text = f"refused: a page of another origin; {SETTING} names those that are let in".encode()
            await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]})
            await send({"type": "http.response.body", "body": text})
        else:
            await app(scope, receive, send)

    return answer


def is_own(headers: Sequence[tuple[bytes, bytes]], allowed: Sequence[str]) -> bool:
    """Tell whether a request is addressed to this machine, and not by a foreign page.

    The address is looked at too: a page whose name was made to mean 127.0.0.1 has an origin that fits its requests.
    """
    hosts, senders = ([value.decode("latin-1").lower() for key, value in headers if key == name]
                      for name in (b"host", b"origin"))  # fmt: skip
    if len(hosts) != 1 or not (_is_loopback(hosts[0]) or hosts[0] in [urlsplit(one).netloc for one in allowed]):
        return False
    return all(sender in allowed or _is_same(sender, hosts[0]) for sender in senders)


def _is_loopback(host: str) -> bool:
    return _split(host)[0].strip("[]") in LOOPBACK


def _is_same(origin: str, host: str) -> bool:
    """Tell whether an origin is the server itself, by whichever of its names."""
    name = origin.removeprefix("http://")
    return name != origin and _is_loopback(name) and _is_loopback(host) and _split(name)[1] == _split(host)[1]


def _split(host: str) -> tuple[str, str]:
    """Part a name from its port, if it has one."""
    found = re.fullmatch(r"(\[[0-9a-f:]+\]|[^:\[\]]+)(?::(\d+))?", host)
    return (found[1], found[2] or "80") if found else ("", "")
