"""URIs of outgoing requests: which ones may be configured, and which part of one may stand in a log."""
from __future__ import annotations

from urllib.parse import urlsplit

__all__ = ["check_uri", "target_of"]


def check_uri(uri: str) -> str:
    """Why a configured URI cannot be used; "" if it can. Credentials do not belong there: a header from a file has them."""
    if not uri.isascii() or any(character <= " " or character == "\x7f" for character in uri):
        return "has characters that a URI cannot have"
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return "not a URI"
    if parts.scheme not in ("http", "https"):
        return "http://... or https://... is expected"
    if not parts.hostname:
        return "names no host"
    if parts.username is not None or parts.password is not None:
        return "has a user or password; give them as a header from a file"
    if parts.fragment:
        return "has a fragment (#...)"
    if port == 0:
        return "has port 0"
    return ""


def target_of(uri: str) -> tuple[str, str, int]:
    """Scheme, host and port: what shares connections, and all of a URI that is logged."""
    parts = urlsplit(uri)
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
