"""What is wrong with S3 options together, though each may be right by itself."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django_fsspec_storages.backends._s3_config_checks import config
from django_fsspec_storages.backends._s3_credentials import credential_faults, set_option
from django_fsspec_storages.backends._s3_kinds import Idle, config_attribute
from django_fsspec_storages.names import UnsafeLocation, clean_location
from django_fsspec_storages.signing.s3_hosts import is_label, is_name

if TYPE_CHECKING:
    from django_fsspec_storages.backends._s3_options import S3Options

__all__ = ["faults", "warn_of_idle"]


def faults(storage: S3Options) -> Iterator[str]:
    """Yield what is wrong, in sentences without secrets; no property is read."""
    yield from credential_faults(storage)
    yield from _of_config(storage)
    yield from _of_region(storage)
    yield from _of_endpoint(storage)
    yield from _of_location(storage)
    yield from _of_cloudfront(storage)


def _of_config(storage: S3Options) -> Iterator[str]:
    cls = type(storage)
    if (
        storage.computes("client_config")
        or storage._set_option("client_config")
        or not hasattr(cls, "config")
    ):
        return
    value = None if hasattr(cls.config, "__get__") else config_attribute(storage)
    wrong = config(value) if value is not None else None
    if wrong is not None:
        yield f"the attribute {cls.__name__}.config, an old name of option 'client_config', {wrong}"


def _of_region(storage: S3Options) -> Iterator[str]:
    found = set_option(storage, "region_name")
    if (
        found is not None
        and isinstance(found.value, str)
        and (not is_label(found.value) or found.value.isdigit())
    ):
        yield (
            f"option 'region_name', from {found.source}: {found.value!r} cannot be a region's name, which is part of a "
            "host's: letters, digits and hyphens"
        )


def _of_endpoint(storage: S3Options) -> Iterator[str]:
    found = set_option(storage, "endpoint_url")
    if found is None or not isinstance(found.value, str):
        return
    if not found.value.startswith(("http://", "https://")):
        yield f"option 'endpoint_url', from {found.source}, must begin with https:// or http://"
    elif not _is_address(found.value):
        yield (
            f"option 'endpoint_url', from {found.source}, must be scheme://host[:port][/path], without blanks, and the "
            "host's name of letters, digits and hyphens between its dots"
        )
    elif "@" in urlsplit(found.value).netloc:
        yield f"option 'endpoint_url', from {found.source}, holds a user's name or password, which have no place there"
    for name in ("accelerate", "dualstack", "fips"):
        other = set_option(storage, name)
        if other is not None:
            yield (
                f"option {name!r}, from {other.source}, is for Amazon's own endpoints, and option 'endpoint_url', from "
                f"{found.source}, names another"
            )


def _is_address(text: str) -> bool:
    """Tell whether the SDK takes a text for an endpoint URL, or would but for a login in it."""
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname
    except ValueError:
        return False
    if not host or port == 0 or parts.query or parts.fragment or any(map(str.isspace, text)):
        return False
    return ":" in host or is_name(host.removesuffix("."))


def _of_location(storage: S3Options) -> Iterator[str]:
    found = set_option(storage, "location")
    if found is not None and isinstance(found.value, (str, os.PathLike)):
        location: Any = found.value
        try:
            clean_location(location)
        except UnsafeLocation as error:
            yield f"option 'location', from {found.source}: {str(error).rstrip('.')}"


def _of_cloudfront(storage: S3Options) -> Iterator[str]:
    names = ("cloudfront_key_id", "cloudfront_key")
    if any(map(storage.computes, ("cloudfront_signer", *names))) or storage._set_option("cloudfront_signer"):
        return
    given = {name: found for name in names if (found := set_option(storage, name)) is not None}
    if len(given) == 1:
        (name, found), (other,) = *given.items(), set(names) - given.keys()
        yield f"option {name!r}, from {found.source}, needs option {other!r} beside it: CloudFront's signer has both"


def warn_of_idle(storage: S3Options) -> None:
    """Warn of options that somebody set, and that have no effect."""
    for name, option in type(storage).declared_options().items():
        if not isinstance(option, Idle):
            continue
        found = None if storage.computes(name) else storage._set_option(name)
        if found is not None and found.value not in (None, option.default):
            source = found.source[0].upper() + found.source[1:]
            warnings.warn(f"{source} has no effect: {option.why}.", DeprecationWarning, stacklevel=2)
