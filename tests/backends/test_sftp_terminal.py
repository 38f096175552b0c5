"""Commands of a project run at a terminal: what is shown there, what is typed, and what is on the server afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.backends.sftp_support import PATH, PROJECT, Terminal
from tests.servers.process import HOST
from tests.servers.sftp import PASSWORD, USER, SFTPServer

STATIC = "django_fsspec_storages.backends.sftpstorage.SFTPStaticStorage"
QUESTION = f"Password of {USER}@{HOST} (SFTP): "


@pytest.fixture
def folder(sftp_server: SFTPServer, no_ssh_keys: Path, tmp_path: Path) -> Path:
    """A folder of the test's own on the server; nobody has keys on this machine, nor an agent."""
    return sftp_server.folder(tmp_path.name)


@pytest.fixture
def settings(sftp_server: SFTPServer, folder: Path) -> dict[str, Any]:
    """The settings of a project: who logs in, and nothing of how."""
    return {
        "SFTP_STORAGE_HOST": HOST,
        "SFTP_STORAGE_ROOT": f"/{folder.name}/",
        "SFTP_STORAGE_PARAMS": {"port": sftp_server.port, "username": USER},
        "SFTP_STORAGE_INTERACTIVE": True,
        "SFTP_KNOWN_HOST_FILE": str(sftp_server.known_hosts),
        "STORAGES": {"default": {"BACKEND": PATH}, "staticfiles": {"BACKEND": STATIC}},
        "STATIC_URL": "/static/",
    }


DELIVER = "Deliver().run_from_argv(['manage.py', 'deliver'])"


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_a_command_asks_for_the_password_and_shows_it_nowhere(settings: dict[str, Any], folder: Path) -> None:
    with Terminal(settings, DELIVER) as terminal:
        terminal.wait_for(QUESTION)
        assert files(folder) == {}
        terminal.type(PASSWORD)
        terminal.wait_for("saved as a.txt")
        assert terminal.end() == 0
    assert files(folder) == {"a.txt": b"content"}
    assert PASSWORD not in terminal.shown
    assert terminal.shown.count("Password") == 1


def test_a_password_that_is_mistyped_ends_the_command_with_an_error(
    settings: dict[str, Any], folder: Path
) -> None:
    with Terminal(settings, DELIVER) as terminal:
        terminal.wait_for(QUESTION)
        terminal.type("hunter3")
        assert terminal.end() == 1
    assert "PermissionError" in terminal.shown
    assert "the server refuses the login" in terminal.shown
    assert "hunter3" not in terminal.shown
    assert files(folder) == {}


def test_no_password_at_all_ends_the_command_with_an_error(settings: dict[str, Any], folder: Path) -> None:
    with Terminal(settings, DELIVER) as terminal:
        terminal.wait_for(QUESTION)
        terminal.type("\x04")  # Ctrl-D
        assert terminal.end() == 1
    assert "PermissionError" in terminal.shown
    assert "the server refuses the login" in terminal.shown
    assert "interactive asked for a password, and none was typed" in terminal.shown
    assert files(folder) == {}


def test_a_script_at_a_terminal_is_no_command(settings: dict[str, Any]) -> None:
    with Terminal(settings, "default_storage.exists('')") as terminal:
        assert terminal.end() == 1
    assert "interactive asks for a password only at a terminal, of a management command" in terminal.shown


def test_a_command_without_a_terminal_does_not_wait_for_one(settings: dict[str, Any], folder: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROJECT + DELIVER, json.dumps(settings)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        start_new_session=True,
    )
    assert ended.returncode == 1
    assert "interactive asks for a password only at a terminal" in ended.stderr
    assert files(folder) == {}


def test_collectstatic_asks_for_the_password(settings: dict[str, Any], folder: Path, tmp_path: Path) -> None:
    (tmp_path / "static" / "css").mkdir(parents=True)
    (tmp_path / "static" / "css" / "site.css").write_bytes(b"p { color: black }")
    settings["STATICFILES_DIRS"] = [str(tmp_path / "static")]
    settings["INSTALLED_APPS"] = ["django.contrib.staticfiles", "django_fsspec_storages"]
    collect = "execute_from_command_line(['manage.py', 'collectstatic', '--noinput'{}])"
    for more, copied in (("", 1), ("", 0), (", '--clear'", 1)):
        with Terminal(settings, collect.format(more)) as terminal:
            terminal.wait_for(QUESTION)
            terminal.type(PASSWORD)
            terminal.wait_for(f"{copied} static file")
            assert terminal.end() == 0
        assert terminal.shown.count("Password") == 1
        assert PASSWORD not in terminal.shown
        assert files(folder) == {"css/site.css": b"p { color: black }"}
