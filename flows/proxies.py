"""What a proxy in the environment has to do with us: nothing on this machine, and an explanation elsewhere."""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Mapping
from urllib.parse import urlsplit

from leanvlm.endpoints import LOOPBACK

EXEMPT = ("no_proxy", "NO_PROXY")  # some libraries read the one, some the other


def without_loopback(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what to set so that no library, in this process or its children, asks a proxy for this machine.

    The user's own entries stay; a lone * stays alone, where it stands for all hosts.
    """
    listed = next((environment[name] for name in EXEMPT if environment.get(name)), "")
    entries = [entry.strip() for entry in listed.split(",") if entry.strip()]
    if entries != ["*"]:
        entries += [host for host in LOOPBACK if host not in entries]
    return dict.fromkeys(EXEMPT, ",".join(entries))


def opener(url: str) -> urllib.request.OpenerDirector:
    """Return what opens a URL: without any proxy on this machine, else as the environment says."""
    is_here = urlsplit(url).hostname in LOOPBACK
    return urllib.request.build_opener(*([urllib.request.ProxyHandler({})] if is_here else []))


def in_the_way(url: str) -> str | None:
    """Name the variable of this process's environment whose proxy a URL is asked through, if there is one."""
    parts = urlsplit(url)
    if parts.hostname is None or parts.hostname in LOOPBACK or urllib.request.proxy_bypass(parts.hostname):
        return None
    names = (f"{parts.scheme}_proxy", f"{parts.scheme.upper()}_PROXY", "all_proxy", "ALL_PROXY")
    return next((name for name in names if os.environ.get(name)), None)
