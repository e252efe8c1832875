"""A running server, as the commands ask it: its management API over HTTP."""
from __future__ import annotations

import functools
import json
import os
import ssl
from contextlib import nullcontext
from http.client import HTTPException
from pathlib import Path
from typing import Any, Callable, Mapping
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode
from urllib.request import HTTPHandler, HTTPSHandler, Request, build_opener

import click

from ocs.app.cli.db import tables_option
from ocs.errors import ConfigurationError, OCSError
from ocs.options import read_secret

__all__ = ["NotReached", "RemoteServer", "SERVER_VARIABLE", "TOKEN_VARIABLE", "remote_options", "server_option",
           "server_or_database"]

SERVER_VARIABLE, TOKEN_VARIABLE = "OCS_SERVER", "OCS_TOKEN"
_TIMEOUT_S = 60.0
_LONGEST_ANSWER = 64 * 1_024 * 1_024


class NotReached(OCSError):
    """No server answers there."""


class RemoteServer:
    """One server: `url` as http://HOST:PORT. `ca`: a file of certificates to trust, for https."""

    def __init__(self, url: str, token: str, ca: Path | None = None) -> None:
        self.url, self._token = url.rstrip("/"), token
        handlers: list[Any] = [HTTPHandler()]
        if url.startswith("https:"):
            handlers = [HTTPSHandler(context=ssl.create_default_context(cafile=None if ca is None else str(ca)))]
        self._opener = build_opener(*handlers)

    def ask(self, method: str, *path: str, body: Any = None, query: Mapping[str, Any] | None = None, key: str = "",
            file: Path | None = None) -> Any:
        """What the API answers below /api/v1; OCSError in the server's words, NotReached. `file` is sent as it is, as CSV."""
        asked = {name: value for name, value in (query or {}).items() if value is not None}
        uri = f"{self.url}/api/v1/{'/'.join(quote(part, safe='') for part in path)}" + (f"?{urlencode(asked)}" if asked else "")
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json",
                   **({"Content-Type": "application/json"} if body is not None else {}),
                   **({"Idempotency-Key": key} if key else {})}
        if file is not None:
            headers |= {"Content-Type": "text/csv", "Content-Length": str(file.stat().st_size)}
        octets = None if body is None else json.dumps(body).encode()
        try:
            with nullcontext(octets) if file is None else file.open("rb") as data:
                with self._opener.open(Request(uri, data, headers, method=method), timeout=_TIMEOUT_S) as answer:
                    return json.loads(answer.read(_LONGEST_ANSWER))
        except HTTPError as error:
            with error:
                raise OCSError(_reason(error, error.read(_LONGEST_ANSWER))) from None
        except (URLError, OSError, HTTPException) as error:
            raise NotReached(f"no server answers at {self.url}: {getattr(error, 'reason', error)}") from None
        except ValueError:
            raise OCSError(f"what answers at {self.url} is no outbound contact server") from None


def _reason(error: HTTPError, body: bytes) -> str:
    """The server's words, where there are any."""
    try:
        told = json.loads(body)
    except ValueError:
        told = None
    words = told.get("error") if isinstance(told, dict) else None
    hints = {401: f" ({TOKEN_VARIABLE} or --token-file; `ocs token add` makes one)", 403: ""}
    return f"{words or f'the server answers {error.code}'}{hints.get(error.code, '')}"


def _token(file: Path | None) -> str:
    if file is not None:
        return read_secret(file, "--token-file")
    return os.environ.get(TOKEN_VARIABLE, "")


def remote_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--server URL`, `--token-file FILE`, `--ca FILE`: the function gets them as `server` (a RemoteServer, or None)."""
    @click.option("--server", "url", metavar="URL", envvar=SERVER_VARIABLE,
                  help=f"A running server, as http://ocs.example:8080 (or {SERVER_VARIABLE}).")
    @click.option("--token-file", type=click.Path(path_type=Path), metavar="FILE",
                  help=f"File with the token for it (or {TOKEN_VARIABLE}).")
    @click.option("--ca", type=click.Path(path_type=Path), metavar="FILE", help="Certificates to trust, for https.")
    @functools.wraps(command)
    def with_server(*args: Any, url: str | None, token_file: Path | None, ca: Path | None, **kwargs: Any) -> Any:
        server = None
        if url:
            if not url.startswith(("http://", "https://")):
                raise click.UsageError("--server: http:// or https:// is expected")
            try:
                server = RemoteServer(url, _token(token_file), ca)
            except ssl.SSLError as error:
                raise click.UsageError(f"--ca: {error}") from None
        return command(*args, server=server, **kwargs)
    return with_server


def server_or_database(command: Callable[..., Any]) -> Callable[..., Any]:
    """A command that works through a running server (`--server`, or its environment variable) or, where a database is named, on
    that: the function gets `server`, `backend` and `tables`; of server and backend one is None."""
    offline = tables_option(lambda *args, **kwargs: command(*args, server=None, **kwargs))

    @remote_options
    @click.option("--directory", type=click.Path(path_type=Path), metavar="DIR", help="Directory of a demonstration.")
    @click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help="Configuration of the server.")
    @click.option("--database", metavar="URL", help="URL of the database: sqlite:///FILE or postgresql://USER@HOST/NAME.")
    @functools.wraps(command)
    def either(*args: Any, server: RemoteServer | None, directory: Path | None, config: Path | None, database: str | None,
               **kwargs: Any) -> Any:
        if any(value is not None for value in (directory, config, database)) or server is None:
            source = click.get_current_context().get_parameter_source("url")
            if server is not None and source is not None and source.name == "COMMANDLINE":
                raise click.UsageError("--server, or a database (--directory, --config, --database): one of them")
            return offline(*args, directory=directory, config=config, database=database, **kwargs)
        return command(*args, server=server, backend=None, tables={}, **kwargs)
    return either


def server_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """A command that needs a running server: `--server`, or the one that `--config FILE` or `--directory DIR` says; the function
    gets `server` and `config` (the path of the configuration, or None)."""
    @remote_options
    @click.option("--directory", type=click.Path(path_type=Path), metavar="DIR", help="Directory of a demonstration.")
    @click.option("--config", type=click.Path(path_type=Path), metavar="FILE", help="Configuration of the server.")
    @functools.wraps(command)
    def with_server(*args: Any, server: RemoteServer | None, directory: Path | None, config: Path | None, **kwargs: Any) -> Any:
        given = click.get_current_context().params
        if server is None and directory is not None:
            server = _demonstration(directory, given.get("token_file"))
        if server is None:
            if config is None:
                raise click.UsageError(f"say which server: --server URL, --config FILE or --directory DIR (or {SERVER_VARIABLE})")
            server = _configured(config, given.get("token_file"), given.get("ca"))
        return command(*args, server=server, config=config, **kwargs)
    return with_server


def _demonstration(directory: Path, token_file: Path | None) -> RemoteServer:
    """The server of a demonstration that runs in this directory, with the visitors' token."""
    try:
        console = json.loads((directory / "endpoints.json").read_text(encoding="utf-8"))["servers"]["console"]
    except (OSError, ValueError, KeyError):
        raise NotReached(f"no demonstration runs in {directory}") from None
    scheme = "https" if console["tls"] else "http"
    return RemoteServer(f"{scheme}://{console['host']}:{console['port']}", _token(token_file) or console["password"],
                        Path(console["ca"]) if console["tls"] else None)


def _configured(config: Path, token_file: Path | None, ca: Path | None) -> RemoteServer:
    """The server of a configuration, at the port that it was given or has taken."""
    from ocs.app.config import load_configuration
    options = load_configuration(config)
    port = options.http_server
    if not (port.enabled and port.api):
        raise ConfigurationError([f"{config}: [http_server] is not enabled, or without its api: nobody can be asked there"])
    number, ready = port.port, options.service.ready_file
    if ready is not None and Path(ready).exists():
        number = json.loads(Path(ready).read_text(encoding="utf-8")).get("http_server", {}).get("port", number)
    return RemoteServer(port.base(number), _token(token_file), ca)
