"""SigV2 in the query string: byte for byte what botocore makes of the same request."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from unittest import mock

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given, settings
from hypothesis import strategies as st

from django_fsspec_storages.signing.s3_endpoints import resolve
from django_fsspec_storages.signing.s3_parameters import query_and_headers
from django_fsspec_storages.signing.sigv2 import sign_query
from django_fsspec_storages.signing.sigv4 import Credentials, quote_key
from tests.support.presigned import presigned

NOW = datetime(2026, 11, 26, 13, 5, 7, tzinfo=UTC)
GIVEN = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")

text = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)
header_text = st.text("aB*; =ü", max_size=12)


@settings(max_examples=400, deadline=None)
@given(
    bucket=st.sampled_from(
        ["bucket", "my.bucket", "UPPER", "arn:aws:s3:us-west-2:123456789012:accesspoint:ap"]
    ),
    options=st.fixed_dictionaries(
        {
            "region": st.sampled_from([None, "us-east-1", "us-west-2"]),
            "endpoint_url": st.sampled_from([None, "http://minio:9000", "https://example.org/base"]),
            "addressing_style": st.sampled_from(["auto", "virtual", "path"]),
        }
    ),
    key=text | st.sampled_from(["/lead", "a//b", "a/../b", "a b+c%20~d", "?#&=", "ü/🎉"]),
    operation=st.sampled_from(["get_object", "put_object"]),
    query=st.dictionaries(
        st.sampled_from(["ResponseContentType", "ResponseContentDisposition", "VersionId", "PartNumber"]),
        text,
    ),
    headers=st.dictionaries(
        st.sampled_from(["ACL", "ContentType", "ContentMD5", "CacheControl", "RequestPayer", "Tagging"]),
        header_text,
    ),
    token=st.none() | st.just("") | text,
    expires=st.integers(1, 10**8),
)
def test_it_is_what_botocore_presigns(
    bucket: str,
    options: dict[str, Any],
    key: str,
    operation: str,
    query: dict[str, Any],
    headers: dict[str, Any],
    token: str | None,
    expires: int,
) -> None:
    credentials = Credentials(GIVEN.key, GIVEN.secret, token)
    parameters: dict[str, Any] = query if operation == "get_object" else headers
    if "PartNumber" in parameters:
        parameters["PartNumber"] = 7
    theirs = presigned(
        bucket,
        key,
        credentials,
        operation=operation,
        parameters=parameters,
        now=NOW,
        expires=expires,
        signature_version="s3",
        **options,
    )
    endpoint, found = resolve(bucket, **options), query_and_headers(operation, parameters)
    assert endpoint is not None
    assert found is not None
    path = f"/{quote_key(key)}"
    ours = sign_query(
        "GET" if operation == "get_object" else "PUT",
        endpoint.address,
        endpoint.prefix + path,
        found[0],
        credentials,
        resource=endpoint.resource + path,
        expires=NOW + timedelta(seconds=expires),
        headers=found[1],
    )
    assert ours == theirs


@settings(max_examples=300, deadline=None)
@given(
    method=st.sampled_from(["GET", "HEAD", "PUT", "DELETE"]),
    parameters=st.dictionaries(st.sampled_from([*auth.HmacV1Auth.QSAOfInterest, "prefix", "x-id"]), text),
    headers=st.dictionaries(
        st.sampled_from(
            ["Content-Type", "Content-MD5", "X-Amz-Meta-B", "x-amz-meta-a", "Cache-Control", "Date"]
        ),
        header_text,
    ),
    access_key=text,
    secret=text,
    token=st.none() | st.just("") | text,
    expires=st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)),
)
def test_subresources_and_headers_are_signed_as_botocore_signs_them(
    method: str,
    parameters: dict[str, str],
    headers: dict[str, str],
    access_key: str,
    secret: str,
    token: str | None,
    expires: datetime,
) -> None:
    expires = expires.replace(tzinfo=UTC)
    query = "&".join(f"{name}={quote_key(value).replace('/', '%2F')}" for name, value in parameters.items())
    request = AWSRequest(
        method=method,
        url=f"https://b.example.org/a{'?' if query else ''}{query}",
        headers=headers,
        auth_path="/b/a",
    )
    signer = auth.HmacV1QueryAuth(BotocoreCredentials(access_key, secret, token), expires=0)
    with mock.patch.object(signer, "_get_date", return_value=str(int(expires.timestamp()))):
        signer.add_auth(request)
    ours = sign_query(
        method,
        "https://b.example.org",
        "/a",
        parameters,
        Credentials(access_key, secret, token),
        resource="/b/a",
        expires=expires,
        headers=headers,
    )
    assert ours == request.url


def signed(expires: datetime) -> str:
    return sign_query("GET", "https://b.example.org", "/a", {}, GIVEN, resource="/b/a", expires=expires)


def test_a_time_means_the_same_in_every_zone() -> None:
    assert signed(NOW.astimezone(timezone(timedelta(hours=9)))) == signed(NOW)


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        signed(NOW.replace(tzinfo=None))
