"""The FTP servers of Linux distributions, where they are installed: vsftpd and ProFTPD, confined to folders of their own.

They need root, for they change the root folder of their sessions. Nothing of the machine's own configuration is used.
Sessions run as the user ``daemon``, who must own what they are to change: ``adopt`` gives it what tests have put there.
"""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import sys
from pathlib import Path
from typing import Any, ClassVar, Literal

from tests.servers.certificates import make_certificates
from tests.servers.ftp import PASSWORD, USER, come_and_go
from tests.servers.process import HOST, PATIENCE, ServerProcess

__all__ = ["DistributionServer", "ProftpdServer", "VsftpdServer", "available"]

#: A user of every distribution, whose home exists: vsftpd goes there before it goes where it is told to.
_OWNER = "daemon"

#: Of ``PASSWORD``, by ``openssl passwd -6``: Python has had no function for this since 3.13.
_HASH = (
    "$6$ofatestserver$yhh.KGE43Eue29oo1/CDxKlmeUNLy9PGWCkheN8bkCJ12AqXwJQAO4iszuXl5RpB.mZdGslwAFpWuSgkyHNt4/"
)

#: As inetd does it: so the port is ours, and no daemon outlives us. A session ends with its client, or with ``stop``.
_SCRIPT = """
import signal, socket, subprocess
listening = socket.socket(fileno=int(sys.argv[1]))
sessions = []
def stop(*_):
    for session in sessions:
        if session.poll() is None:
            os.killpg(session.pid, signal.SIGKILL)  # of vsftpd a session is two processes
    os._exit(0)
signal.signal(signal.SIGTERM, stop)
while True:
    connection, _ = listening.accept()
    with connection:
        sessions = [session for session in sessions if session.poll() is None]
        sessions.append(subprocess.Popen({command!r}, stdin=connection, stdout=connection, start_new_session=True))
"""


class DistributionServer(ServerProcess):
    """What the two have in common.

    :param tls: ``explicit`` or ``implicit``; then nothing goes in the clear, neither control nor data.
    :param session_reuse: whether data connections must resume the TLS session of their control connection.
    """

    #: Name of the program.
    program: ClassVar[str]
    #: Who logs in.
    user: ClassVar[str]
    #: Path of ``root`` for clients.
    folder: ClassVar[str]

    def __init__(
        self, *, tls: Literal["explicit", "implicit"] | None = None, session_reuse: bool = False
    ) -> None:
        program = _found(self.program)
        if program is None:
            raise RuntimeError(f"{self.program} is not installed")
        super().__init__(sys.executable, "")
        self.tls = tls
        self._command[3] += _SCRIPT.format(command=[program, *self._arguments()])
        self._home.chmod(0o711)  # sessions go through it
        self.root.mkdir(parents=True)
        if tls:
            make_certificates(self._home)
        self._configuration.write_text(self._configured(session_reuse), encoding="utf-8")
        self.adopt()

    @classmethod
    def installed(cls) -> bool:
        """Return whether it can run here: installed, and for root."""
        return os.geteuid() == 0 and _found(cls.program) is not None

    def options(self, **more: Any) -> dict[str, Any]:
        """Return constructor options of a filesystem on it."""
        secured = {"tls": self.tls, "tls_ca_file": str(self.ca_file)} if self.tls else {}
        return {
            "host": HOST,
            "port": self.port,
            "username": self.user,
            "password": PASSWORD,
            **secured,
            **more,
        }

    @property
    def root(self) -> Path:
        """The folder that its user may write to."""
        return self._home / "served" / self.folder.strip("/")

    @property
    def ca_file(self) -> Path:
        """The certificate of the CA that signed the server's; only with TLS."""
        return self._home / "ca.pem"

    def adopt(self) -> None:
        """Give its user all that is in ``root``."""
        for path in (self.root, *self.root.rglob("*")):
            shutil.chown(path, _OWNER)

    def stop(self) -> str:
        """End the server with the sessions that are left."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE)
        return super().stop()

    @property
    def _configuration(self) -> Path:
        return self._home / "server.conf"

    def _arguments(self) -> list[str]:
        raise NotImplementedError

    def _configured(self, session_reuse: bool) -> str:
        raise NotImplementedError

    def _ask(self, path: str) -> None:
        come_and_go(self.port, implicit=self.tls == "implicit")


class VsftpdServer(DistributionServer):
    """Knows neither MLSD nor MLST. Its user is the anonymous one, with a password, and may write to ``/pub``.

    Not to ``/``: vsftpd refuses to run an anonymous session whose root folder can be written to.
    """

    program, user, folder = "vsftpd", "anonymous", "/pub"

    def _arguments(self) -> list[str]:
        return [str(self._configuration)]

    def _configured(self, session_reuse: bool) -> str:
        (self._home / "empty").mkdir()
        (self._home / "passwords").write_text(f"{PASSWORD}\n", encoding="utf-8")
        lines = {
            "listen": "NO",
            "local_enable": "NO",
            "write_enable": "YES",
            "anonymous_enable": "YES",
            "anon_root": self._home / "served",
            "anon_upload_enable": "YES",
            "anon_mkdir_write_enable": "YES",
            "anon_other_write_enable": "YES",
            "anon_world_readable_only": "NO",
            "anon_umask": "022",
            "ftp_username": _OWNER,
            "secure_email_list_enable": "YES",
            "email_password_file": self._home / "passwords",
            "secure_chroot_dir": self._home / "empty",
            "seccomp_sandbox": "NO",  # it does not know the system calls of newer libraries
            "delay_failed_login": "0",
        }
        if self.tls:
            lines |= {
                "ssl_enable": "YES",
                "allow_anon_ssl": "YES",
                "force_anon_logins_ssl": "YES",
                "force_anon_data_ssl": "YES",
                "implicit_ssl": "YES" if self.tls == "implicit" else "NO",
                "require_ssl_reuse": "YES" if session_reuse else "NO",
                "rsa_cert_file": self._home / "server.pem",
                "rsa_private_key_file": self._home / "server-key.pem",
                "ssl_ciphers": "HIGH",
            }
        return "".join(f"{name}={value}\n" for name, value in lines.items())


class ProftpdServer(DistributionServer):
    """Knows MLSD and MLST. TLS is a module of its own, which may not be installed: ``secured`` tells."""

    program, user, folder = "proftpd", USER, "/"

    @classmethod
    def secured(cls) -> bool:
        """Return whether it knows TLS."""
        return any(folder.joinpath("mod_tls.so").exists() for folder in Path("/usr").glob("lib*/proftpd"))

    def _arguments(self) -> list[str]:
        return ["-c", str(self._configuration)]

    def _configured(self, session_reuse: bool) -> str:
        owner = pwd.getpwnam(_OWNER)
        users = self._home / "users"
        users.write_text(f"{USER}:{_HASH}:{owner.pw_uid}:{owner.pw_gid}::{self.root}:/bin/sh\n")
        users.chmod(0o600)  # it reads no other
        lines = [
            "ServerType inetd",
            "ServerName test",
            "DefaultServer on",
            f"Port {self.port}",
            "UseIPv6 off",
            "UseReverseDNS off",
            f"User {_OWNER}",
            f"Group {grp.getgrgid(owner.pw_gid).gr_name}",
            "AuthOrder mod_auth_file.c",
            f"AuthUserFile {users}",
            "RequireValidShell off",
            "DefaultRoot ~",
            "AllowOverwrite on",
            "AllowStoreRestart on",
            "AllowRetrieveRestart on",
            "Umask 022",
            "DelayEngine off",
            "WtmpLog off",
            "TransferLog none",
            "ScoreboardFile none",
            f"SystemLog {self._log}",
        ]
        if self.tls:
            more = [
                *["UseImplicitSSL"] * (self.tls == "implicit"),
                *["NoSessionReuseRequired"] * (not session_reuse),
            ]
            lines += [
                "LoadModule mod_tls.c",
                "TLSEngine on",
                "TLSRequired on",
                f"TLSECCertificateFile {self._home / 'server.pem'}",
                f"TLSECCertificateKeyFile {self._home / 'server-key.pem'}",
                f"TLSLog {self._log}",
                *([f"TLSOptions {' '.join(more)}"] if more else []),
            ]
        return "\n".join(lines) + "\n"


def available() -> list[type[DistributionServer]]:
    """Return those of them that can run here."""
    return [kind for kind in (VsftpdServer, ProftpdServer) if kind.installed()]


def _found(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin")
