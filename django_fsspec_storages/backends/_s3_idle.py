"""What a project says of S3 in places where nobody looks any more, as a system check tells: no network, no SDK."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import FunctionType
from typing import TYPE_CHECKING, Any

from django.core import checks
from django.core.checks import CheckMessage

from django_fsspec_storages.backends._s3_credentials import set_option

if TYPE_CHECKING:
    from django_fsspec_storages.backends._s3_urls import S3Urls

__all__ = ["check_idle"]

#: Keyword of boto3's ``TransferConfig`` -> what it is unless set, and why it says nothing here.
_TRANSFER: dict[str, tuple[Any, str]] = {
    "io_chunksize": (256 * 2**10, "files are read as their reader wants them"),
    "max_bandwidth": (None, "nothing slows transfers down"),
    "max_io_queue": (100, "nothing is queued"),
    "multipart_threshold": (8 * 2**20, "what is larger than one part is sent in parts"),
    "num_download_attempts": (5, "client_config says how often is tried"),
    "preferred_transfer_client": ("auto", "there is one client"),
    "use_threads": (True, "transfers need no threads"),
}

#: What django-storages' own methods asked of a subclass -> what to set in its place.
_METHODS = {
    "_create_session": "For a role, set session_profile to a profile that has role_arn; for keys that change, make "
    "access_key, secret_key and security_token properties.",
    "connection": "Storage makes its requests without it; for a role, set session_profile to a profile that has "
    "role_arn, for keys that change make access_key, secret_key and security_token properties.",
}

#: Class attributes of django-storages 1.7, and of its backend for boto 2 -> the setting that said the same, and the
#: value that said nothing.
_ATTRIBUTES: dict[str, tuple[str, Any]] = {
    "calling_format": ("AWS_S3_CALLING_FORMAT", None),
    "encryption": ("AWS_S3_ENCRYPTION", False),
    "headers": ("AWS_HEADERS", None),
    "host": ("AWS_S3_HOST", "s3.amazonaws.com"),
    "origin": ("AWS_ORIGIN", ""),
    "port": ("AWS_S3_PORT", ""),
    "proxy": ("AWS_S3_PROXY_HOST", None),
    "proxy_port": ("AWS_S3_PROXY_PORT", None),
    "reduced_redundancy": ("AWS_REDUCED_REDUNDANCY", False),
    "secure_urls": ("AWS_S3_SECURE_URLS", True),
}


def check_idle(storage: S3Urls, place: str) -> Iterator[CheckMessage]:
    """Yield a warning for whatever somebody has set, or overridden, in vain.

    :param place: where the storage is configured, in words.
    """
    for said, hint in (*_of_transfers(storage), *_of_methods(storage), *_of_attributes(storage)):
        yield checks.Warning(f"{place}: {said}", hint=hint, id="fsspec_storages.W015")


def _of_transfers(storage: S3Urls) -> Iterator[tuple[str, str]]:
    found = set_option(storage, "transfer_config")
    if found is None:
        return
    given = found.value if isinstance(found.value, Mapping) else getattr(found.value, "__dict__", {})
    # boto3 has an object in place of what is not set.
    values = {name: value for name, value in given.items() if isinstance(value, (bool, int, float, str))}
    idle = [name for name, (default, _) in _TRANSFER.items() if values.get(name, default) != default]
    if idle:
        reasons = "; ".join(f"{name}: {_TRANSFER[name][1]}" for name in idle)
        said = f"option 'transfer_config', from {found.source}, has what counts only where boto3 itself is given it"
        hint = "The storage goes by multipart_chunksize and max_concurrency. Leave the others out, or silence this."
        yield f"{said}: {reasons}.", hint


def _of_methods(storage: S3Urls) -> Iterator[tuple[str, str]]:
    for name, hint in _METHODS.items():
        if _is_of_project(storage, name):
            yield (
                f"{type(storage).__name__}.{name} is never called: the storage makes no session of boto3's.",
                hint,
            )


def _of_attributes(storage: S3Urls) -> Iterator[tuple[str, str]]:
    for name, (setting, nothing) in _ATTRIBUTES.items():
        if not _is_of_project(storage, name):
            continue
        value = getattr(type(storage), name, nothing)
        if isinstance(value, FunctionType) or value in (nothing, None, "", {}):
            continue
        options = [
            option.key
            for option in type(storage).declared_options().values()
            if any(old.name == setting for old in option.legacy)
        ]
        yield (
            f"the attribute {type(storage).__name__}.{name}, of django-storages 1.7, has no effect.",
            f"Set {' or '.join(options)} in its place: the setting {setting} becomes that too.",
        )


def _is_of_project(storage: S3Urls, name: str) -> bool:
    return hasattr(type(storage), name) and storage.overrides(name)
