"""From paramiko's arguments of a connection, which django-storages takes, to asyncssh's. No SDK."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.views.decorators.debug import sensitive_variables

__all__ = ["WAITS", "asyncssh_options", "key_fault", "set_parameters", "unknown_parameter"]

#: Those that asyncssh takes too, under the same or another name: https://docs.paramiko.org/en/stable/api/client.html
_RENAMED = {
    "port": "port",
    "username": "username",
    "password": "password",
    "passphrase": "passphrase",
    "timeout": "connect_timeout",
    "gss_auth": "gss_auth",
    "gss_kex": "gss_kex",
    "gss_deleg_creds": "gss_delegate_creds",
    "gss_host": "gss_host",
}

#: Those that amount to something here.
_TRANSLATED = frozenset(
    {"pkey", "key_filename", "allow_agent", "look_for_keys", "compress", "auth_timeout", "banner_timeout"}
)

#: Seconds, for the connection and for the login.
WAITS = ("timeout", "banner_timeout", "auth_timeout")

_TEXTS = frozenset({"username", "password", "passphrase"})
#: Those that an environment variable which is empty leaves unset, as None does; a password may be empty.
_NEVER_EMPTY = frozenset({"port", "username"})

_SWITCHES = frozenset({"allow_agent", "look_for_keys", "compress"})

#: Those that do not, with what to do instead.
_REFUSED = {
    "hostname": "the host has a setting of its own, SFTP_STORAGE_HOST",
    "sock": "asyncssh connects by itself; it takes proxy_command or tunnel in storage_options",
    "channel_timeout": "read_timeout bounds every wait",
    "gss_trust_dns": "asyncssh takes the name as it is given, or gss_host",
    "disabled_algorithms": "asyncssh takes those that are allowed, kex_algs for example, in storage_options",
    "transport_factory": "there are no transports of paramiko's here",
    "auth_strategy": "asyncssh takes preferred_auth in storage_options",
}


def unknown_parameter(value: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the names among the parameters, as the end of a sentence; None if nothing is."""
    given = set_parameters(value)
    for name in value:
        if name in given and (fault := _wrong_kind(name, given[name])) is not None:
            return fault
        if name in _REFUSED:
            if name in given:
                return f"has {name!r}, which has no counterpart here: {_REFUSED[name]}"
        elif name not in _RENAMED and name not in _TRANSLATED:
            return (
                f"has {name!r}, which paramiko's SSHClient.connect() does not take; asyncssh's own options go into "
                "storage_options"
            )
    return None


def set_parameters(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters without those that are not set."""
    return {
        name: value
        for name, value in params.items()
        if value is not None and not (value == "" and name in _NEVER_EMPTY)
    }


def _wrong_kind(name: str, given: Any) -> str | None:
    if name in _TEXTS and not isinstance(given, str):
        return f"has a {name!r} that is {type(given).__name__}, not str"
    if name == "key_filename":
        named = given if isinstance(given, (list, tuple)) else [given]
        if not all(isinstance(file, (str, os.PathLike)) for file in named):
            return "has a 'key_filename' that names no file, nor a list of files"
    if name == "port" and not _is_port(given):
        return f"has the port {given!r}, which is none"
    if name in WAITS and not (type(given) in (int, float) and given > 0):
        return f"has the {name!r} {given!r}, which is no number of seconds greater than zero"
    if name in _SWITCHES and not isinstance(given, bool):
        return f"has the {name!r} {given!r}, which is neither True nor False"
    return None


def _is_port(given: Any) -> bool:
    # Text too: it comes from an environment variable.
    is_number = type(given) is int or (isinstance(given, str) and given.isdecimal())
    return is_number and 0 < int(given) < 2**16


@sensitive_variables()
def asyncssh_options(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of ``asyncssh.connect`` that paramiko's parameters amount to. **With secrets.**

    :raises ImproperlyConfigured: if a key cannot be handed on.
    """
    given = set_parameters(params)
    options = {_RENAMED[name]: value for name, value in given.items() if name in _RENAMED}
    waits = [given[name] for name in ("banner_timeout", "auth_timeout") if name in given]
    if waits:
        options["login_timeout"] = sum(waits)  # asyncssh's is of both
    if given.get("compress"):
        options["compression_algs"] = "zlib@openssh.com,zlib,none"
    if given.get("allow_agent") is False:
        options["agent_path"] = None
    keys = _keys(given)
    if keys:
        # One by itself: the storage looks up its filesystem sooner where no option could be changed in place.
        options["client_keys"] = keys[0] if len(keys) == 1 else keys
        if "passphrase" not in given and "password" in given:  # as paramiko has it
            options["passphrase"] = given["password"]
    elif given.get("look_for_keys") is False and ("password" in given or "agent_path" in options):
        options["client_keys"] = None  # nor is the agent asked, which without a password is all there is
    return options


def key_fault(params: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a key of paramiko's among the parameters, as a sentence; None if nothing is."""
    key = params.get("pkey")
    if not hasattr(key, "get_base64"):
        return None
    try:
        _exported(key)
    except ImproperlyConfigured as error:
        return str(error)
    return None


def _keys(given: Mapping[str, Any]) -> list[Any]:
    named = given.get("key_filename") or []
    files = [named] if isinstance(named, (str, os.PathLike)) else list(named)
    key = given.get("pkey")
    return [*([] if key is None else [_exported(key)]), *(os.fspath(file) for file in files)]


@lru_cache(maxsize=16)
def _exported(key: Any) -> Any:
    """Return a private key in a form that asyncssh takes: PEM, for paramiko's, or a key of its own as it is."""
    if isinstance(key, str):
        return key.encode()
    write: Callable[[io.StringIO], None] | None = getattr(key, "write_private_key", None)
    if not callable(write) or not hasattr(key, "get_base64"):  # asyncssh's own, or its bytes
        return key
    text = io.StringIO()
    try:
        write(text)
    except Exception as error:
        raise ImproperlyConfigured(
            f"{type(key).__name__} is a key that paramiko cannot write: name its file by key_filename instead of pkey."
        ) from error
    return text.getvalue().encode()
