"""OpenSSH's own server, confined to a folder of its own: where it is installed, and we may start it."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.servers.process import HOST, PATIENCE
from tests.servers.sftp import SSHServer

__all__ = ["LOGIN", "OpenSSHServer", "openssh", "unavailable"]

#: Who logs in: a user that every system has, who owns nothing and may do nothing.
LOGIN = "nobody"

#: ``sshd`` is where the ``PATH`` of others than root seldom leads.
_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/sbin"))

#: sshd wants no folder above a chroot that others may write to, as ``/tmp``: by way of ``/proc`` it meets none. The key
#: that may log in is told by a command: a file of keys is read by the user, who cannot enter our folder.
_CONFIGURATION = """
ListenAddress {host}:{port}
PidFile none
HostKey {home}/host_key
AuthenticationMethods publickey
AuthorizedKeysFile none
AuthorizedKeysCommand {echo} {key}
AuthorizedKeysCommandUser {login}
AllowUsers {login}
UsePAM no
UseDNS no
StrictModes no
PrintMotd no
PermitTTY no
DisableForwarding yes
ChrootDirectory /proc/{pid}/cwd/root
Subsystem sftp internal-sftp
ForceCommand internal-sftp
MaxSessions {max_sessions}
MaxStartups 1000
LogLevel VERBOSE
"""

_SCRIPT = """
import ctypes, pathlib, re, signal, socket, subprocess

listening = socket.socket(fileno=int(sys.argv[1]))
host, port = listening.getsockname()
listening.close()  # sshd binds it itself

import asyncssh

def made(name):
    if not os.path.exists(name):  # a server that restarts is the same one
        asyncssh.generate_private_key("ssh-ed25519").write_private_key(name)
        os.chmod(name, 0o600)
    return asyncssh.read_private_key(name).export_public_key().decode().strip()

pathlib.Path("known_hosts").write_text("* " + made("host_key"))
pathlib.Path("root").mkdir(exist_ok=True)
os.chmod("root", 0o755)
configuration = {configuration!r}.format(
    host=host, port=port, home=os.getcwd(), pid=os.getpid(), key=made("id_user"), login={login!r}, echo={echo!r},
    max_sessions={max_sessions},
)
command = [{sshd!r}, "-f", os.path.join(os.getcwd(), "sshd_config")]

def configure(more=""):
    pathlib.Path("sshd_config").write_text(configuration + more)
    return subprocess.run([*command, "-T"], capture_output=True, text=True)

said = configure()
missing = re.search("Missing privilege separation directory: (.*)", said.stderr)
if missing:  # the system makes it when it starts an sshd of its own
    os.makedirs(missing[1].strip(), 0o755, exist_ok=True)
    said = configure()
if "persourcepenalties" in said.stdout:  # since 9.8: who was refused has to wait
    configure("PerSourcePenalties no")

ctypes.CDLL(None).prctl(36, 1)  # PR_SET_CHILD_SUBREAPER: whoever loses a parent becomes ours

def parents():
    for status in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            yield int(status.parent.name), int(status.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has ended meanwhile
            pass

def below(pid, known):
    for child in [child for child, parent in known if parent == pid]:
        yield child
        yield from below(child, known)

ending = threading.Event()

def kill_all():
    # Sessions outlive their daemon, which may have forked another just now: again until there are none.
    ending.set()
    while True:
        for pid in below(os.getpid(), list(parents())):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return

leaving.append(kill_all)
returned = subprocess.run([*command, "-D", "-e"], stdin=subprocess.DEVNULL).returncode
if ending.is_set():
    threading.Event().wait()
raise SystemExit(returned)
"""


def openssh(**options: Any) -> OpenSSHServer:
    """Return a server, not started yet; skip the test where there can be none."""
    import pytest

    if (reason := unavailable()) is not None:
        pytest.skip(reason)
    return OpenSSHServer(**options)


def unavailable() -> str | None:
    """Return what prevents us from starting one; None: nothing does."""
    if sys.platform != "linux":
        return "sshd is confined by way of Linux's /proc"
    if shutil.which("sshd", path=_PATH) is None:
        return "OpenSSH's sshd is not installed"
    if os.geteuid() != 0:
        return "only root can start an sshd that confines who logs in"
    return None


class OpenSSHServer(SSHServer):
    """Knows one user, by key: who may write in what :meth:`folder` makes, not in the root itself.

    :param max_sessions: how many channels it allows on one connection.
    """

    def __init__(self, *, max_sessions: int = 100) -> None:
        script = _SCRIPT.format(
            configuration=_CONFIGURATION,
            login=LOGIN,
            echo=shutil.which("echo", path=_PATH),
            sshd=shutil.which("sshd", path=_PATH),
            max_sessions=int(max_sessions),
        )
        super().__init__(sys.executable, script)

    def options(self, **more: Any) -> dict[str, Any]:
        """See :meth:`SSHServer.options`."""
        return {
            "host": HOST,
            "port": self.port,
            "username": LOGIN,
            "client_keys": [self.key()],
            "known_hosts": str(self.known_hosts),
            "agent_path": None,
            **more,
        }

    def settings(self, **params: Any) -> dict[str, Any]:
        """See :meth:`SSHServer.settings`."""
        login = {
            "port": self.port,
            "username": LOGIN,
            "key_filename": self.key(),
            "allow_agent": False,
            **params,
        }
        return {"host": HOST, "known_host_file": str(self.known_hosts), "params": login}

    def hand_over(self, path: Path) -> None:
        """See :meth:`SSHServer.hand_over`."""
        shutil.chown(path, LOGIN)

    def processes(self) -> list[int]:
        """See :meth:`SSHServer.processes`: the daemon first."""
        parents = _parents()
        mine = [child for child in parents if self.pid in _above(child, parents)]
        return sorted(mine, key=lambda process: (_depth(process, parents), process))

    def sessions(self) -> list[int]:
        """Return the process ids of all that serves its connections: several each, one of them as root."""
        return self.processes()[1:]

    def workers(self) -> list[int]:
        """Return the process ids of what serves files: one each channel, while sshd itself keeps the connection."""
        parents = _parents()
        return [session for session in self.sessions() if session not in parents.values()]

    def _ask(self, path: str) -> None:
        # The port is bound only now, by sshd itself.
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return super()._ask(path)
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise
            time.sleep(0.02)


def _parents() -> dict[int, int]:
    """Return the parents of all processes that have not ended."""
    found = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent, *_ = status.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        if state != "Z":
            found[int(status.parent.name)] = int(parent)
    return found


def _depth(process: int, parents: Mapping[int, int]) -> int:
    """Return how many processes there are above one: ids begin anew at some number, so they are no order."""
    return len(list(_above(process, parents)))


def _above(child: int, parents: Mapping[int, int]) -> Iterator[int]:
    while child in parents:
        child = parents[child]
        yield child
