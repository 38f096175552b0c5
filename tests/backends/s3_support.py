"""What the tests of the options of storage on S3 share."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django_fsspec_storages import FsspecStorage
from django_fsspec_storages.backends._s3_connect import (
    computes_parameters,
    request_parameters,
    s3_filesystem_options,
)
from django_fsspec_storages.backends._s3_options import S3Options

PEM = "-----BEGIN RSA PRIVATE KEY-----\nof no account\n-----END RSA PRIVATE KEY-----"


class Probe(S3Options, FsspecStorage):
    """A storage with the options of S3, of which no test here needs more."""

    protocol = "s3"

    def filesystem_options(self) -> dict[str, Any]:
        return s3_filesystem_options(self)


def effect(storage: Any) -> dict[str, Any]:
    """Return what the filesystem is constructed with, or given for each request where a project computes that."""
    options = s3_filesystem_options(storage)
    told = request_parameters(storage) if computes_parameters(storage) else {}
    return {**options, "s3_additional_kwargs": told} if told else options


def config(storage: Any) -> dict[str, Any]:
    """Return the SDK's configuration."""
    found: dict[str, Any] = effect(storage)["config_kwargs"]
    return found


def parameters(**given: Any) -> dict[str, Any]:
    """Return constructor options that tell S3 this with every object."""
    return {"s3_additional_kwargs": given}


def sdk(**given: Any) -> dict[str, Any]:
    """Return constructor options that configure the SDK so."""
    return {"config_kwargs": given}


def within(part: Mapping[str, Any], whole: Mapping[str, Any]) -> bool:
    """Tell whether a dict holds all of another, however deep."""
    for key, value in part.items():
        if key not in whole:
            return False
        if isinstance(value, dict) and value:
            if not within(value, whole[key]):
                return False
        elif whole[key] != value or type(whole[key]) is not type(value):
            return False
    return True


@contextmanager
def warned() -> Iterator[list[str]]:
    """Collect the warnings of old names; there may be no others."""
    said: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield said
    assert {warning.category for warning in caught} <= {DeprecationWarning}
    said += [str(warning.message) for warning in caught]
