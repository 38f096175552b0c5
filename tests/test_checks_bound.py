"""``manage.py check`` runs the checks, without a network and without any provider's SDK."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.test import override_settings

from tests.support.processes import python

OURS = "django_fsspec_storages.FsspecStorage"
WRONG: dict[str, Any] = {**settings.STORAGES, "media": {"BACKEND": OURS, "OPTIONS": {"locaton": "media"}}}


@pytest.mark.parametrize("arguments", [{}, {"tags": ["files"]}])
def test_the_checks_are_bound_to_the_check_command(arguments: dict[str, Any]) -> None:
    call_command("check", **arguments)
    with (
        override_settings(STORAGES=WRONG),
        pytest.raises(SystemCheckError, match=r"fsspec_storages\.E002.*Did you mean 'location'"),
    ):
        call_command("check", **arguments)


def test_a_message_can_be_silenced_by_its_id() -> None:
    with override_settings(STORAGES=WRONG, SILENCED_SYSTEM_CHECKS=["fsspec_storages.E002"]):
        call_command("check")


def test_the_checks_import_no_sdk_and_open_no_connection() -> None:
    script = """
        import socket, sys
        def refused(*args): raise AssertionError("the network was used")
        socket.socket.connect = socket.getaddrinfo = refused
        import django
        from django.conf import settings
        ours = "django_fsspec_storages.FsspecStorage"
        protocols = ("s3", "gcs", "abfs", "sftp", "ftp", "dropbox", "http", "smb", "memory", "zip", "oci")
        settings.configure(
            INSTALLED_APPS=["django_fsspec_storages"],
            STORAGES={
                protocol: {"BACKEND": ours, "OPTIONS": {"protocol": protocol, "location": "x"}}
                for protocol in protocols
            },
        )
        django.setup()
        before = set(sys.modules)
        from django.core.checks import run_checks
        print(*(message.msg for message in run_checks(tags=["files"])), sep="; ")
        loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
        print(sorted(loaded - {"django", "django_fsspec_storages", "fsspec"} - set(sys.stdlib_module_names)))
        sdks = {"s3fs", "gcsfs", "adlfs", "sshfs", "dropboxdrivefs", "aiohttp", "botocore", "paramiko", "smbclient"}
        print(sorted(sdks & set(sys.modules)))
    """
    ended = python(textwrap.dedent(script))
    assert ended.stderr == ""
    told, loaded, sdks = ended.stdout.splitlines()
    assert "STORAGES['oci']: protocol 'oci' needs ocifs, which is not installed." in told
    assert (loaded, sdks) == ("[]", "[]")


def test_a_wrong_option_of_the_default_storage_is_a_message_and_no_traceback() -> None:
    parameters = {"BACKEND": "django_fsspec_storages.FsspecStorage", "OPTIONS": {"protocl": "memory"}}
    with (
        override_settings(STORAGES={**settings.STORAGES, "default": parameters}),
        pytest.raises(SystemCheckError, match=r"fsspec_storages\.E002"),
    ):
        call_command("check")
