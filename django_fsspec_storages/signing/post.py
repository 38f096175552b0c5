"""Forms that upload to S3 from a browser: a policy says what they may send, and is signed with SigV4.

Rules: `Browser-based uploads using POST
<https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-UsingHTTPPOST.html>`_. What comes out is byte for byte what
boto3's ``generate_presigned_post`` makes of the same fields and conditions.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django_fsspec_storages.signing.sigv4 import (
    ALGORITHM,
    Credentials,
    check_validity,
    scope_of,
    sign_text,
    stamp,
)

__all__ = ["Condition", "post_policy", "sign_post"]

#: A field with its one value, or a list such as ``["starts-with", "$Content-Type", "image/"]``.
Condition = Mapping[str, str] | list[str | int]

#: The largest object that one POST may bring: 5 GiB.
_LARGEST = 5 * 1024**3


def post_policy(
    *,
    content_type: str | None = None,
    min_size: int = 0,
    max_size: int | None = None,
    metadata: Mapping[str, str] | None = None,
    fixed: Mapping[str, str] | None = None,
) -> tuple[dict[str, str], list[Condition]]:
    """Return the fields that a form must have, and the conditions that S3 checks them by.

    :param content_type: the one that the object gets; with a ``*`` at its end (``"image/*"``) the form has to add a
        ``Content-Type`` of its own that begins so. None allows none.
    :param min_size: in bytes.
    :param max_size: in bytes; None is what S3 takes in one POST.
    :param metadata: by name, without ``x-amz-meta-``.
    :param fixed: other fields by their names in a form: ``acl``, ``Cache-Control``, ``success_action_status`` …
    :raises ValueError: if no size is allowed.
    """
    largest = _LARGEST if max_size is None else max_size
    if not 0 <= min_size <= largest:
        raise ValueError(f"An upload cannot be from {min_size} to {largest} bytes long.")
    fields = dict(fixed or {}) | {f"x-amz-meta-{name}": value for name, value in (metadata or {}).items()}
    conditions: list[Condition] = []
    if content_type is not None and content_type.endswith("*"):
        conditions.append(["starts-with", "$Content-Type", content_type[:-1]])
    elif content_type is not None:
        fields["Content-Type"] = content_type
    conditions += [{name: value} for name, value in fields.items()]
    if min_size or max_size is not None:
        conditions.append(["content-length-range", min_size, largest])
    return fields, conditions


def sign_post(
    bucket: str,
    key: str,
    fields: Mapping[str, str],
    conditions: Iterable[Condition],
    credentials: Credentials,
    *,
    region: str,
    now: datetime,
    expires: int,
) -> dict[str, str]:
    """Return the fields of a form, signed; the file comes after them. It goes to the address and prefix of the bucket.

    :param bucket: its name; S3 takes no form through an access point.
    :param key: of the object; the policy allows no other.
    :param fields: and ``conditions``, as from :func:`post_policy`. S3 refuses a field that no condition names.
    :param now: aware; when it is signed.
    :param expires: for how many seconds it is valid, at most seven days.
    :raises ValueError: for an ARN, for a key in which S3 would put the name of the user's file, if ``expires`` is out
        of range, or if ``now`` is naive.
    """
    if bucket.startswith("arn:"):
        raise ValueError(f"A form is sent to a bucket, not to an access point: {bucket!r}.")
    if "${filename}" in key:
        raise ValueError(
            "S3 replaces '${filename}' in the key of a form; the key would not be the signed one."
        )
    check_validity(expires)
    moment = stamp(now)
    signing = {
        "x-amz-algorithm": ALGORITHM,
        "x-amz-credential": f"{credentials.key}/{scope_of(moment, region, 's3')}",
        "x-amz-date": moment,
    }
    if credentials.token is not None:
        signing["x-amz-security-token"] = credentials.token
    own = [{"bucket": bucket}, {"key": key}, *({name: value} for name, value in signing.items())]
    end = stamp(now + timedelta(seconds=expires))
    iso = f"{end[:4]}-{end[4:6]}-{end[6:11]}:{end[11:13]}:{end[13:]}"
    policy = json.dumps({"expiration": iso, "conditions": [*conditions, *own]})
    encoded = b64encode(policy.encode()).decode()
    signature = sign_text(encoded, credentials, moment, region, "s3")
    return {**fields, "key": key, **signing, "policy": encoded, "x-amz-signature": signature}
