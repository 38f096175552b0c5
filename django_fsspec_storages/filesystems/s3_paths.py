"""From a path to a bucket and a key."""

from __future__ import annotations

import errno
import os
import re

__all__ = ["require_key", "split"]

#: Access points stand for buckets: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-referencing.html
_ARN = re.compile(
    r"(arn:[^/]*?:(?:accesspoint[:/][^:/]+|outpost[:/][^:/]+[:/](?:accesspoint|bucket)[:/][^:/]+))(?:/(.*))?",
    re.DOTALL,
)


def split(path: str) -> tuple[str, str]:
    """Return the bucket and the key of a path. An access point's ARN stands for a bucket, with colons or slashes."""
    if path.startswith("arn:") and (found := _ARN.fullmatch(path)) is not None:
        return found[1], found[2] or ""
    bucket, _, key = path.partition("/")
    return bucket, key


def require_key(
    path: str, kind: type[OSError] = FileNotFoundError, number: int = errno.ENOENT
) -> tuple[str, str]:
    """Return the bucket and the key of an object's path.

    :raises OSError: of the kind given, if it is that of a bucket.
    """
    bucket, key = split(path)
    if not key:
        raise kind(number, os.strerror(number), path)
    return bucket, key
