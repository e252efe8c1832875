"""The Manhole: the operator's console over SSH, on loopback. A shell for people, and one command a call for scripts:
`ssh -p PORT admin@127.0.0.1 "status()"`.

Passwords are checked off the reactor's thread; open connections, log-in time and tries are bounded.
"""
from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from twisted.application.service import Service
from twisted.conch.checkers import InMemorySSHKeyDB, SSHPublicKeyChecker, readAuthorizedKeyFile
from twisted.conch.interfaces import IConchUser
from twisted.conch.ssh.connection import SSHConnection
from twisted.conch.ssh.factory import SSHFactory
from twisted.conch.ssh.keys import BadKeyError, Key
from twisted.conch.ssh.transport import SSHServerTransport
from twisted.conch.ssh.userauth import SSHUserAuthServer
from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import IRealm, Portal
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IListeningPort
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ocs.app.config import ManholeOptions
from ocs.app.terminal import Operator
from ocs.errors import ConfigurationError
from ocs.passwords import verify_password
from ocs.runtime import listen_or_exit

__all__ = ["ManholeService", "host_key"]


@implementer(IRealm)
class OperatorRealm:
    """Everybody who logs in is an operator."""

    def __init__(self, verbs: object) -> None:
        self._verbs = verbs

    def requestAvatar(self, avatarId: bytes | Any, mind: object, *interfaces: Any) -> Any:
        user = avatarId.decode("utf-8", "replace") if isinstance(avatarId, bytes) else str(avatarId)
        return IConchUser, Operator(user, self._verbs), lambda: None


@implementer(ICredentialsChecker)
class PasswordChecker:
    """One user, one Argon2 hash. A wrong name takes as long as a wrong password."""

    credentialInterfaces = (IUsernamePassword,)
    log = Logger()

    def __init__(self, user: str, password_hash: str, reactor: Any) -> None:
        self._user, self._hash, self._reactor = user.encode(), password_hash, reactor

    def requestAvatarId(self, credentials: Any) -> Any:
        return Deferred.fromCoroutine(self._check(credentials))

    async def _check(self, credentials: Any) -> bytes:
        known = credentials.username == self._user
        good = await deferToThreadPool(self._reactor, self._reactor.getThreadPool(), verify_password, self._hash,
                                       credentials.password.decode("utf-8", "replace"))
        if not (known and good):
            self.log.warn("console log-in of {user} refused", user=credentials.username.decode("utf-8", "replace")[:40])
            raise UnauthorizedLogin("wrong name or password")
        return self._user


class ShortUserAuth(SSHUserAuthServer):
    """Who cannot log in has to go."""
    loginTimeout = 60
    attemptsBeforeDisconnect = 5


class CountedTransport(SSHServerTransport):
    """Tells its factory when it ends."""

    def connectionLost(self, reason: Failure | None = None) -> None:
        self.factory.connections.discard(self)      # type: ignore[attr-defined]
        super().connectionLost(reason)


class ConsoleFactory(SSHFactory):
    """SSH with one host key, and a bound on connections."""

    protocol = CountedTransport
    services = {b"ssh-userauth": ShortUserAuth, b"ssh-connection": SSHConnection}
    primes: Any = None
    noisy = False

    def __init__(self, portal: Portal, key: Key, limit: int) -> None:
        self.portal, self._limit = portal, limit
        self.connections: set[Any] = set()
        self.privateKeys = {key.sshType(): key}
        self.publicKeys = {key.sshType(): key.public()}

    def buildProtocol(self, addr: IAddress | None) -> Any:
        if len(self.connections) >= self._limit:
            self._log.warn("console: {open} connections are open already, one more refused", open=len(self.connections))
            return None
        transport = super().buildProtocol(addr)
        self.connections.add(transport)
        return transport


class ManholeService(Service):
    """Listens for operators while it runs."""

    log = Logger()

    def __init__(self, options: ManholeOptions, verbs: object, reactor: Any) -> None:
        """`verbs` provides IConsoleVerbs. ConfigurationError for a key or password file that cannot be used."""
        self._options, self._reactor = options, reactor
        self._port: IListeningPort | None = None
        self._factory = ConsoleFactory(self._portal(verbs), host_key(options.host_key), options.sessions)

    def _portal(self, verbs: object) -> Portal:
        portal = Portal(OperatorRealm(verbs))
        options = self._options
        password_hash = options.secret_hash
        if password_hash:
            portal.registerChecker(PasswordChecker(options.user, password_hash, self._reactor))
        if options.authorized_keys is not None:
            try:
                with options.authorized_keys.open("rb") as file:
                    keys = list(readAuthorizedKeyFile(file))
            except (OSError, BadKeyError) as error:
                raise ConfigurationError([f"manhole.authorized_keys: {options.authorized_keys}: {error}"]) from None
            portal.registerChecker(SSHPublicKeyChecker(InMemorySSHKeyDB({options.user.encode(): keys})))
        return portal

    def address(self) -> dict[str, Any]:
        """Where it listens: `host`, `port`; for the ready file."""
        assert self._port is not None
        return {"host": self._options.host, "port": self._port.getHost().port}      # type: ignore[attr-defined]

    def privilegedStartService(self) -> None:
        super().privilegedStartService()
        self._port = listen_or_exit(self._reactor, "manhole", self._options,
                                    self._factory)      # type: ignore[arg-type]

    def stopService(self) -> Any:
        super().stopService()
        port, self._port = self._port, None
        for connection in list(self._factory.connections):
            connection.loseConnection()
        return port.stopListening() if port is not None else None


def host_key(path: Path) -> Key:
    """The server's own key; made (Ed25519, mode 0600) where there is no file. ConfigurationError if neither works."""
    try:
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(Key(Ed25519PrivateKey.generate()).toString("openssh"))
        key: Key = Key.fromFile(str(path))
        return key
    except OSError as error:
        raise ConfigurationError([f"manhole.host_key: {path}: {error.strerror or error}"]) from None
    except (BadKeyError, ValueError) as error:
        raise ConfigurationError([f"manhole.host_key: {path} is not a private key: {error}"]) from None
