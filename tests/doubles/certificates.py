"""A certificate authority for a test: roots, servers' and clients' certificates as PEM files."""
from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

__all__ = ["Authority"]

MAY_ISSUE = x509.KeyUsage(
    digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
    key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False)


class Authority:
    """Makes certificates in `folder`; `roots` is the file of its own."""

    def __init__(self, folder: Path, name: str = "Test Authority") -> None:
        self._folder, self._name = folder, name.replace(" ", "-")
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        builder = self._builder(self._subject, self._key).add_extension(
            x509.BasicConstraints(True, None), critical=True).add_extension(MAY_ISSUE, critical=True)
        self.roots = self._write("roots", builder.sign(self._key, hashes.SHA256()))

    def issue(self, host: str, days: int = 1) -> tuple[Path, Path]:
        """Files of a certificate for `host` (name or address) and of its key; negative `days` = expired."""
        key = ec.generate_private_key(ec.SECP256R1())
        try:
            general: Any = x509.IPAddress(ipaddress.ip_address(host))
        except ValueError:
            general = x509.DNSName(host)
        builder = self._builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)]), key, days)
        builder = builder.add_extension(x509.SubjectAlternativeName([general]), critical=False)
        certificate = self._write(f"{host}-{days}", builder.sign(self._key, hashes.SHA256()))
        path = self._folder / f"{self._name}-{host}-{days}.key"
        path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                           serialization.NoEncryption()))
        return certificate, path

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, days: int = 1) -> x509.CertificateBuilder:
        today = datetime.datetime.now(datetime.timezone.utc)
        return (x509.CertificateBuilder().subject_name(subject).issuer_name(self._subject).public_key(key.public_key())
                .serial_number(x509.random_serial_number()).not_valid_before(today - datetime.timedelta(days=5))
                .not_valid_after(today + datetime.timedelta(days=days))
                .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
                .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False))

    def _write(self, name: str, certificate: x509.Certificate) -> Path:
        path = self._folder / f"{self._name}-{name}.pem"
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return path
