"""What botocore itself presigns, with its clock stopped and nothing read from this machine's environment."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from functools import lru_cache
from types import SimpleNamespace
from typing import Any
from unittest import mock

import botocore.session
from botocore import auth, signers
from botocore.config import Config
from botocore.exceptions import BotoCoreError

from django_fsspec_storages.signing.sigv4 import Credentials

#: Whether this is the lowest botocore, which knows less: it has another clock, spells booleans as Python does, and
#: takes ``use_ssl`` to mean an endpoint URL too.
LOWEST = not hasattr(auth, "get_current_datetime")

#: Of botocore's ``Config(s3=…)``.
S3_OPTIONS = (
    "addressing_style",
    "use_accelerate_endpoint",
    "use_dualstack_endpoint",
    "use_arn_region",
    "us_east_1_regional_endpoint",
)


@lru_cache(maxsize=1)
def session() -> Any:
    return botocore.session.Session()


@lru_cache(maxsize=128)
def client(credentials: Credentials, signature_version: str, options: tuple[tuple[str, Any], ...]) -> Any:
    """Return a client; options are those of ``resolve``, by name."""
    given = dict(options)
    config = Config(
        signature_version=signature_version,
        use_fips_endpoint=given.get("use_fips_endpoint"),
        s3={name: given[name] for name in S3_OPTIONS if given.get(name) is not None},
    )
    nowhere = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with mock.patch.dict(os.environ, kept | nowhere, clear=True):
        return session().create_client(
            "s3",
            region_name=given.get("region"),
            endpoint_url=given.get("endpoint_url"),
            use_ssl=given.get("use_ssl", True) or (LOWEST and given.get("endpoint_url") is not None),
            aws_access_key_id=credentials.key,
            aws_secret_access_key=credentials.secret,
            aws_session_token=credentials.token,
            config=config,
        )


class _Stopped(datetime):
    moment: datetime

    @classmethod
    def utcnow(cls) -> datetime:  # type: ignore[override]
        return cls.moment


@contextmanager
def stopped_clock(now: datetime) -> Iterator[None]:
    """Stop botocore's clock, the one thing that cannot be given to it."""
    seconds, _Stopped.moment = now.timestamp(), now.replace(tzinfo=None)
    clock = SimpleNamespace(datetime=_Stopped, timedelta=timedelta)
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(auth, "time", SimpleNamespace(time=lambda: seconds)))
        for module in (auth, signers):
            if LOWEST:
                stack.enter_context(mock.patch.object(module, "datetime", clock))
            else:
                stack.enter_context(mock.patch.object(module, "get_current_datetime", _Stopped.utcnow))
        yield


def presigned(
    bucket: str,
    key: str,
    credentials: Credentials,
    *,
    now: datetime,
    expires: int,
    operation: str = "get_object",
    method: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    signature_version: str = "s3v4",
    **options: Any,
) -> str | None:
    """Return botocore's URL, or None if it refuses to make one.

    :param options: as those of ``resolve``.
    :param parameters: by boto3's names.
    """
    try:
        made = client(credentials, signature_version, tuple(sorted(options.items())))
        with stopped_clock(now):
            url: str = made.generate_presigned_url(
                operation,
                Params={"Bucket": bucket, "Key": key, **(parameters or {})},
                ExpiresIn=expires,
                HttpMethod=method,
            )
    except (BotoCoreError, ValueError):
        return None
    return url


def presigned_post(
    bucket: str,
    key: str,
    credentials: Credentials,
    *,
    now: datetime,
    expires: int,
    fields: Mapping[str, str],
    conditions: list[Any],
    **options: Any,
) -> dict[str, Any] | None:
    """Return botocore's form, or None if it refuses to make one."""
    try:
        made = client(credentials, "s3v4", tuple(sorted(options.items())))
        with stopped_clock(now):
            form: dict[str, Any] = made.generate_presigned_post(
                bucket, key, Fields=dict(fields), Conditions=list(conditions), ExpiresIn=expires
            )
    except (BotoCoreError, ValueError):
        return None
    return form
