"""Certificates of one run with `--tls`: an authority of its own, and one certificate for its servers; with `--mutual-tls` the
servers show it as clients, too, and one more is for visitors.

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
    """Makes the files `ca.pem`, `server.pem` and `server.key` in `folder`; where clients show certificates (`mutual`) also
    `visitor.pem` and `visitor.key`."""

    def __init__(self, folder: Path, mutual: bool = False) -> None:
        self.ca, self._certificate, self._key = folder / "ca.pem", folder / "server.pem", folder / "server.key"
        self._visitor, self._mutual = (folder / "visitor.pem", folder / "visitor.key"), mutual
        authority = ec.generate_private_key(ec.SECP256R1())
        issuer = _name("Laboratory's authority")
        names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        root = _builder(issuer, issuer, authority, authority).add_extension(
            x509.BasicConstraints(True, 0), critical=True).add_extension(_MAY_ISSUE, critical=True)
        _write(self.ca, root.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        for subject, files in (("Laboratory's servers", (self._certificate, self._key)), ("A visitor", self._visitor)):
            if mutual or files[0] == self._certificate:
                key = ec.generate_private_key(ec.SECP256R1())
                made = _builder(_name(subject), issuer, key, authority).add_extension(names, critical=False)
                _write(files[0], made.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
                _write(files[1], key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                                   serialization.NoEncryption()))

    def _own(self) -> dict[str, str]:
        return {"certificate": str(self._certificate), "private_key": str(self._key)}

    def listen(self) -> dict[str, Any]:
        """The table `[listen.tls]` of a server."""
        return self._own() | ({"client_ca": str(self.ca)} if self._mutual else {})

    def link(self) -> dict[str, Any]:
        """The table `[NAME.tls]` of a link."""
        return {"enabled": True, "ca": str(self.ca), **(self._own() if self._mutual else {})}

    def http(self) -> dict[str, str]:
        """What a client of HTTP needs."""
        shown = {"certificate_file": str(self._certificate), "key_file": str(self._key)} if self._mutual else {}
        return {"roots_file": str(self.ca), **shown}

    def visitor(self) -> dict[str, str]:
        """The files that a visitor's own client needs."""
        shown = {"certificate": str(self._visitor[0]), "private_key": str(self._visitor[1])} if self._mutual else {}
        return {"ca": str(self.ca), **shown}

    @property
    def client(self) -> ClientTlsOptions:
        """For clients in this process."""
        shown = (self._certificate, self._key) if self._mutual else (None, None)
        return ClientTlsOptions(enabled=True, ca=self.ca, certificate=shown[0], private_key=shown[1])


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
