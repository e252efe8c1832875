"""Certificates and keys from PEM files, for both sides of TLS. Every fault names the option and the file."""
from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import crypto
from twisted.internet import ssl
from twisted.logger import Logger

from ocs.errors import ConfigurationError

__all__ = ["Identity", "authorities", "certificates"]

log = Logger()

_PEM_BEGIN = b"-----BEGIN CERTIFICATE-----"
_SOON = timedelta(days=14)      # a certificate that ends so soon is worth a warning


@dataclass(frozen=True)
class Identity:
    """What one side shows: its certificate, the rest of the chain, its key (as pyOpenSSL has them); `option` is what names
    the certificate's file."""

    option: str
    certificate: Any
    chain: list[Any]
    key: Any

    @classmethod
    def load(cls, certificate: Path, key: Path, certificate_option: str, key_option: str) -> Identity:
        """From two PEM files; ConfigurationError names the option and the file."""
        first, *chain = certificates(certificate, certificate_option)
        try:
            private = load_pem_private_key(_read(key, key_option), password=None)
        except (ValueError, TypeError) as error:
            encrypted = isinstance(error, TypeError)
            raise ConfigurationError([f"{key_option}: {key} is " + (
                "encrypted; a server needs one that is not" if encrypted else "not a private key (PEM)")]) from None
        shown = first.to_cryptography()
        if private.public_key() != shown.public_key():
            raise ConfigurationError([f"{key_option}: {key} is not the key of the certificate in {certificate}"])
        return cls(certificate_option, first, chain, crypto.PKey.from_cryptography_key(private))    # type: ignore[arg-type]

    def look_at_age(self) -> None:
        """Warn if the certificate has ended or ends soon."""
        ends = self.certificate.to_cryptography().not_valid_after_utc
        left = ends - datetime.now(timezone.utc)
        if left < _SOON:
            log.warn("{option}: our certificate {ends} on {day}", option=self.option,
                     ends="has ended" if left < timedelta() else "ends", day=ends.date().isoformat())


def certificates(path: Path, name: str) -> list[crypto.X509]:
    """Every certificate of a PEM file, at least one; ConfigurationError names the option `name` and the file."""
    pieces = _read(path, name).split(_PEM_BEGIN)[1:]
    try:
        found = [crypto.load_certificate(crypto.FILETYPE_PEM, _PEM_BEGIN + piece) for piece in pieces]
    except crypto.Error:
        raise ConfigurationError([f"{name}: {path} has a certificate that cannot be read"]) from None
    if not found:
        raise ConfigurationError([f"{name}: {path} holds no certificate (PEM)"])
    return found


def authorities(path: Path | None, name: str) -> Any:
    """Whom to trust (a trust root of Twisted's): the certificates of a file, or, where there is none, the machine's."""
    if path is None:
        return ssl.platformTrust()
    return ssl.trustRootFromCertificates([ssl.Certificate(each) for each in certificates(path, name)])


def _read(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError([f"{name}: cannot read {path}: {error.strerror or error}"]) from None
