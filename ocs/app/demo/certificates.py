"""Certificates of one run with `--tls`: an authority of its own, and one certificate for its servers.

They are made anew for each run and worth nothing outside of its directory. Their dates are the machine's, whatever the
laboratory's clock shows: TLS goes by real time.
"""
from __future__ import annotations

import ipaddress
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ocs.tls import ClientTlsOptions

__all__ = ["RunCertificates"]

_DAYS = 30
_MAY_ISSUE = x509.KeyUsage(
    digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
    key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False)


class RunCertificates:
    """Makes the files `ca.pem`, `server.pem` and `server.key` in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.ca, self._certificate, self._key = folder / "ca.pem", folder / "server.pem", folder / "server.key"
        authority, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        issuer, subject = _name("Laboratory's authority"), _name("Laboratory's servers")
        names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        root = _builder(issuer, issuer, authority, authority).add_extension(
            x509.BasicConstraints(True, 0), critical=True).add_extension(_MAY_ISSUE, critical=True)
        server = _builder(subject, issuer, key, authority).add_extension(names, critical=False)
        _write(self.ca, root.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        _write(self._certificate, server.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        _write(self._key, key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                            serialization.NoEncryption()))

    def listen(self) -> dict[str, Any]:
        """The table `[listen.tls]` of a server."""
        return {"certificate": str(self._certificate), "private_key": str(self._key)}

    def link(self) -> dict[str, Any]:
        """The table `[NAME.tls]` of a link."""
        return {"enabled": True, "ca": str(self.ca)}

    @property
    def client(self) -> ClientTlsOptions:
        """For clients in this process."""
        return ClientTlsOptions(enabled=True, ca=self.ca)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey,
             authority: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    """With what strict clients ask for: who issued it, and its own key, by their identifiers."""
    now, public = datetime.now(timezone.utc), key.public_key()
    return (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public)
            .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=_DAYS))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False))


def _write(path: Path, data: bytes) -> None:
    """For the owner's eyes only."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
