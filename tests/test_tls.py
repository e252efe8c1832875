"""TLS without sockets: files that cannot be used are named, at the time of the configuration."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from OpenSSL import SSL
from twisted.internet.error import ConnectionDone
from twisted.logger import LogLevel
from twisted.python.failure import Failure

from ocs.errors import ConfigurationError
from ocs.options import load
from ocs.runtime import ListenOptions, listen_or_exit
from ocs.tls import CertificateRefused, ClientTlsOptions, ServerSide, ServerTlsOptions, client_side
from protocols.transport import tls_fault, why
from tests.conftest import Logged
from tests.doubles.certificates import Authority


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Files of every kind that can be given, by what they are."""
    authority = Authority(tmp_path)
    certificate, key = authority.issue("127.0.0.1")
    _, other = authority.issue("other.example")
    junk, encrypted = tmp_path / "junk.pem", tmp_path / "encrypted.key"
    junk.write_text("-----BEGIN CERTIFICATE-----\njunk\n-----END CERTIFICATE-----\n")
    loaded = serialization.load_pem_private_key(key.read_bytes(), None)
    encrypted.write_bytes(loaded.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                               serialization.BestAvailableEncryption(b"secret")))
    return {"certificate": str(certificate), "key": str(key), "other": str(other), "junk": str(junk), "folder": str(tmp_path),
            "encrypted": str(encrypted), "none": str(tmp_path / "none.pem"), "roots": str(authority.roots)}


@pytest.mark.parametrize("given, fault", [
    ({"certificate": "none", "private_key": "key"}, "certificate: cannot read {none}: No such file"),
    ({"certificate": "folder", "private_key": "key"}, "certificate: cannot read {folder}: Is a directory"),
    ({"certificate": "junk", "private_key": "key"}, "certificate: {junk} has a certificate that cannot be read"),
    ({"certificate": "key", "private_key": "key"}, "certificate: {key} holds no certificate (PEM)"),
    ({"certificate": "certificate", "private_key": "none"}, "private_key: cannot read {none}: No such file"),
    ({"certificate": "certificate", "private_key": "junk"}, "private_key: {junk} is not a private key (PEM)"),
    ({"certificate": "certificate", "private_key": "encrypted"}, "private_key: {encrypted} is encrypted"),
    ({"certificate": "certificate", "private_key": "other"}, "private_key: {other} is not the key of the certificate in"),
    ({"certificate": "certificate"}, "private_key: is missing"), ({"private_key": "key"}, "certificate: is missing"),
    ({"client_ca": "roots"}, "client_ca: needs certificate"),
    ({"certificate": "certificate", "private_key": "key", "client_ca": "junk"}, "client_ca: {junk} has a certificate"),
    ({"certificate": "certificate", "private_key": "key", "client_ca": "none"}, "client_ca: cannot read {none}")])
def test_a_file_that_a_port_cannot_use_is_named_with_its_option(
        given: dict[str, str], fault: str, files: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(ServerTlsOptions, {name: files[kind] for name, kind in given.items()})
    problem, = caught.value.problems
    assert problem.startswith(fault.format(**files))


@pytest.mark.parametrize("given, fault", [
    ({"ca": "junk"}, "ca: {junk} has a certificate"), ({"certificate": "certificate"}, "private_key: is missing"),
    ({"certificate": "certificate", "private_key": "other"}, "private_key: {other} is not the key"),
    ({"server_name": "a..b"}, "server_name: 'a..b' is not the name of a host")])
def test_a_file_that_a_link_cannot_use_is_named_with_its_option(
        given: dict[str, str], fault: str, files: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(ClientTlsOptions, {"enabled": True, **{name: files.get(kind, kind) for name, kind in given.items()}})
    problem, = caught.value.problems
    assert problem.startswith(fault.format(**files))


def test_a_link_without_tls_reads_no_files_and_says_that_they_have_no_effect(files: dict[str, str]) -> None:
    assert load(ClientTlsOptions, {}) == ClientTlsOptions() and not load(ServerTlsOptions, {}).enabled
    with pytest.raises(ConfigurationError, match="ca: has no effect without enabled = true"):
        load(ClientTlsOptions, {"ca": files["roots"]})


def test_at_run_time_the_table_is_named_too(files: dict[str, str]) -> None:
    options = ClientTlsOptions(enabled=True, ca=Path(files["none"]))
    with pytest.raises(ConfigurationError, match="tserver.tls.ca: cannot read"):
        client_side(options, "127.0.0.1", "tserver.tls")


def test_a_port_whose_files_have_gone_since_exits_with_one_line(
        files: dict[str, str], capfd: pytest.CaptureFixture[str]) -> None:
    options = load(ListenOptions, {"tls": {"certificate": files["certificate"], "private_key": files["key"]}})
    Path(files["key"]).unlink()
    with pytest.raises(SystemExit) as caught:
        listen_or_exit(None, "listen", options, None)       # type: ignore[arg-type]
    assert caught.value.code == 1
    assert capfd.readouterr().err == f"listen.tls.private_key: cannot read {files['key']}: No such file or directory\n"


@pytest.mark.parametrize("days, words", [(-1, "has ended on"), (3, "ends on"), (30, None)])
def test_a_certificate_of_ours_that_ends_soon_is_worth_a_warning(
        tmp_path: Path, logged: Logged, days: int, words: str | None) -> None:
    certificate, key = Authority(tmp_path).issue("127.0.0.1", days)
    options = load(ServerTlsOptions, {"certificate": str(certificate), "private_key": str(key)})
    assert logged.texts(LogLevel.warn) == []
    ServerSide(options, "listen.tls")
    warnings = logged.texts(LogLevel.warn)
    assert (words is None and warnings == []) or (words is not None and len(warnings) == 1
                                                  and f"listen.tls.certificate: our certificate {words}" in warnings[0])


@pytest.mark.parametrize("error, text", [
    (CertificateRefused("the certificate of the peer has expired"), "TLS: the certificate of the peer has expired"),
    (SSL.Error([("SSL routines", "", "tlsv13 alert certificate required")]), "TLS: the peer refuses us: certificate required"),
    (SSL.Error([("SSL routines", "", "wrong version number")]), "TLS: the peer does not speak it (wrong version number)"),
    (SSL.Error([]), "TLS: closed"), (ConnectionDone(), "Connection was closed cleanly.")])
def test_why_a_connection_ended_is_told_in_words(error: Exception, text: str) -> None:
    failure: Any = Failure(error)
    assert why(failure) == text and tls_fault(failure) is isinstance(error, SSL.Error)
