"""TLS for every port and every link: tables of options, certificates from PEM files, reasons in words.

A port asks for clients' certificates where `client_ca` is given (mutual TLS); a link always checks the server's, its name
included. TLS 1.2 is the least. Files are looked at again for every new connection, so a renewed certificate needs no restart;
files that cannot be used any more are an error in the log, and the ones before stay in use.

A certificate is judged in one place (`_judge`), which OpenSSL calls during the handshake: whoever is refused there gets
OpenSSL's alert, and this side a `CertificateRefused` that says why.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

from OpenSSL import SSL, crypto
from service_identity import CertificateError, VerificationError
from service_identity.cryptography import verify_certificate_hostname, verify_certificate_ip_address
from twisted.internet import ssl
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.interfaces import (
    IOpenSSLClientConnectionCreator,
    IOpenSSLServerConnectionCreator,
    IProtocolFactory,
)
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory
from zope.interface import implementer

from ocs.certificates import Identity, authorities
from ocs.errors import ConfigurationError
from ocs.options import option

__all__ = ["CertificateRefused", "ClientSide", "ClientTlsOptions", "ServerSide", "ServerTlsOptions", "client_side",
           "over_tls"]

log = Logger()

# what OpenSSL finds wrong with a certificate (x509_vfy.h), in words
_FAULTS = {
    9: "is not valid yet", 10: "has expired", 18: "is self-signed, and not one of those to be trusted",
    19: "comes from an authority that is not trusted", 20: "comes from an authority that is not trusted",
    21: "comes from an authority that is not trusted", 23: "was revoked", 24: "was issued by a certificate that may not issue",
    26: "is not made for this purpose", 66: "has a key that is too weak", 67: "was issued with a key that is too weak",
    68: "is signed with an algorithm that is too weak"}


class CertificateRefused(SSL.Error):
    """The peer's certificate cannot be accepted; the text says why. (Shaped like any error of OpenSSL.)"""

    def __init__(self, text: str) -> None:
        super().__init__([("certificate", "", text)])
        self._text = text

    def __str__(self) -> str:
        return self._text


@dataclass(frozen=True)
class ServerTlsOptions:
    """TLS on this port; off where no certificate is given."""

    certificate: Path | None = option(
        None, text="Certificate (PEM) of this server, the rest of its chain behind it; empty = no TLS.")
    private_key: Path | None = option(None, text="Private key (PEM, not encrypted) of that certificate.")
    client_ca: Path | None = option(
        None, text="Certificates (PEM) of the authorities from which every client's certificate must come; empty = clients"
                   " need none.")

    @property
    def enabled(self) -> bool:
        """True where the port speaks TLS."""
        return self.certificate is not None

    def problems(self) -> list[str]:
        found = _pair_problems(self.certificate, self.private_key)
        if self.client_ca is not None and self.certificate is None:
            found.append("client_ca: needs certificate and private_key, or clients could not connect by TLS at all")
        return found or (_faults_of(lambda: _server_context(self, "")) if self.enabled else [])


@dataclass(frozen=True)
class ClientTlsOptions:
    """TLS to this server."""

    enabled: bool = option(False, text="Whether to speak TLS with the server.")
    ca: Path | None = option(
        None, text="Certificates (PEM) of the authorities from which the server's certificate must come; empty = those of the"
                   " machine.")
    certificate: Path | None = option(
        None, text="Certificate (PEM) to show to a server that asks for one, the rest of its chain behind it.")
    private_key: Path | None = option(None, text="Private key (PEM, not encrypted) of that certificate.")
    server_name: str = option("", text="Name that must stand in the server's certificate; empty = the host.")

    def problems(self) -> list[str]:
        found = _pair_problems(self.certificate, self.private_key)
        given = [name for name in ("ca", "certificate", "private_key", "server_name") if getattr(self, name)]
        if given and not self.enabled:
            found.append(f"{given[0]}: has no effect without enabled = true")
        return found or (_faults_of(self._check) if self.enabled else [])

    def _check(self) -> None:
        _ascii(self.server_name or "host", "server_name")
        _context(self.identity(""), authorities(self.ca, "ca"))

    def identity(self, prefix: str) -> Identity | None:
        """What is shown to a server that asks; ConfigurationError names the options behind `prefix`."""
        if self.certificate is None or self.private_key is None:
            return None
        return Identity.load(self.certificate, self.private_key, f"{prefix}certificate", f"{prefix}private_key")


@implementer(IOpenSSLServerConnectionCreator)
class ServerSide:
    """Makes the TLS side of every connection that a port accepts; `section` is the port's table. ConfigurationError for files
    that cannot be used."""

    def __init__(self, options: ServerTlsOptions, section: str) -> None:
        self._context = _FromFiles(section, [options.certificate, options.private_key, options.client_ca],
                                   lambda: _server_context(options, f"{section}.", in_use=True))

    def serverConnectionForTLS(self, protocol: Any) -> SSL.Connection:
        return SSL.Connection(self._context.current(), None)


def _server_context(options: ServerTlsOptions, prefix: str, in_use: bool = False) -> SSL.Context:
    assert options.certificate is not None and options.private_key is not None
    own = Identity.load(options.certificate, options.private_key, f"{prefix}certificate", f"{prefix}private_key")
    if in_use:
        own.look_at_age()
    if options.client_ca is None:
        return _context(own, None)
    context = _context(own, authorities(options.client_ca, f"{prefix}client_ca"))
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, _judge("client", None))
    return context


@implementer(IOpenSSLClientConnectionCreator)
class ClientSide:
    """Makes the TLS side of every connection to `host` (the name or address that its certificate must have). `trust` and
    `own` give whom to trust and what to show; they are asked again when one of `files` has changed. `section` names it all."""

    def __init__(self, host: str, trust: Callable[[], Any], own: Callable[[], Identity | None],
                 files: list[Path | None], section: str) -> None:
        self._host, self._trust, self._own = _ascii(host, section), trust, own
        self._context = _FromFiles(section, files, self._make)

    def _make(self) -> SSL.Context:
        own = self._own()
        if own is not None:
            own.look_at_age()
        context = _context(own, self._trust())
        context.set_verify(SSL.VERIFY_PEER, _judge("server", self._host))
        return context

    def clientConnectionForTLS(self, protocol: Any) -> SSL.Connection:
        connection = SSL.Connection(self._context.current(), None)
        if not _is_address(self._host):
            connection.set_tlsext_host_name(self._host.encode("ascii"))
        return connection


def client_side(options: ClientTlsOptions, host: str, section: str) -> ClientSide:
    """The side of a link to `host`; ConfigurationError for files that cannot be used. `section` is the link's table."""
    return ClientSide(options.server_name or host, lambda: authorities(options.ca, f"{section}.ca"),
                      lambda: options.identity(f"{section}."), [options.ca, options.certificate, options.private_key], section)


def over_tls(options: ServerTlsOptions, factory: IProtocolFactory, section: str, clock: Any) -> Any:
    """The factory of a port: as it is, or behind TLS where the options have it."""
    return TLSMemoryBIOFactory(ServerSide(options, section), False, factory, clock) if options.enabled else factory


class _FromFiles:
    """A context made of files, made anew when one of them has changed."""

    def __init__(self, name: str, files: list[Path | None], make: Callable[[], SSL.Context]) -> None:
        self._name, self._make = name, make
        self._files = [file for file in files if file is not None]
        self._seen = self._look()
        self._made = make()

    def current(self) -> SSL.Context:
        """The context for a new connection."""
        seen = self._look()
        if seen != self._seen:
            self._seen = seen
            try:
                self._made = self._make()
                log.info("{name}: changed certificates are in use", name=self._name)
            except ConfigurationError as error:
                log.error("{reason}; the files as they were before stay in use", reason=str(error))
        return self._made

    def _look(self) -> list[Any]:
        found: list[Any] = []
        for file in self._files:
            try:
                state = file.stat()
                found.append((state.st_mtime_ns, state.st_size, state.st_ino))
            except OSError:
                found.append(None)
        return found


def _context(own: Identity | None, trust: Any) -> SSL.Context:
    """Of Twisted's making; who the peer may be is set by the caller."""
    shown = {} if own is None else {"privateKey": own.key, "certificate": own.certificate, "extraCertChain": own.chain or None}
    try:
        context: SSL.Context = ssl.CertificateOptions(
            **shown, trustRoot=trust, raiseMinimumTo=ssl.TLSVersion.TLSv1_2).getContext()
    except SSL.Error as error:
        name = "certificate" if own is None else own.option
        raise ConfigurationError([f"{name}: cannot be used: " + "; ".join(entry[2] for entry in error.args[0])]) from None
    return context


def _judge(peer: str, host: str | None) -> Callable[[Any, crypto.X509, int, int, int], bool]:
    """What OpenSSL asks about each certificate of the peer's chain, its own (depth 0) last."""
    def judge(connection: Any, certificate: crypto.X509, fault: int, depth: int, good: int) -> bool:
        whose = f"the certificate of the {peer}" if depth == 0 else f"a certificate above that of the {peer}"
        if not good:
            raise CertificateRefused(f"{whose} {_FAULTS.get(fault, f'is refused by OpenSSL (reason {fault})')}")
        if depth == 0 and host is not None:
            try:
                (verify_certificate_ip_address if _is_address(host) else verify_certificate_hostname)(
                    certificate.to_cryptography(), host)
            except (VerificationError, CertificateError, ValueError):
                raise CertificateRefused(f"{whose} is not made out to {host}") from None
        return True
    return judge


def _is_address(host: str) -> bool:
    return bool(isIPAddress(host) or isIPv6Address(host))


def _ascii(host: str, name: str) -> str:
    """As it stands in certificates; ConfigurationError names the option `name`."""
    try:
        return host if _is_address(host) else host.encode("idna").decode("ascii")
    except UnicodeError:
        raise ConfigurationError([f"{name}: {host!r} is not the name of a host"]) from None


def _pair_problems(certificate: Path | None, key: Path | None) -> list[str]:
    if (certificate is None) == (key is None):
        return []
    return ["private_key: is missing; certificate has no effect without it" if key is None
            else "certificate: is missing; private_key has no effect without it"]


def _faults_of(make: Callable[[], Any]) -> list[str]:
    """What is wrong with the files that `make` reads."""
    try:
        make()
    except ConfigurationError as error:
        return error.problems
    return []
