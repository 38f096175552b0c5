"""SigV4 in the query string: byte for byte what botocore makes of the same request."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given, settings
from hypothesis import strategies as st

from django_fsspec_storages.signing.sigv4 import LONGEST, Credentials, quote_key, sign_query
from tests.support.presigned import stopped_clock

ADDRESSES = [
    "https://bucket.s3.amazonaws.com",
    "https://s3.eu-central-1.amazonaws.com",
    "https://bucket.s3.dualstack.eu-central-1.amazonaws.com",
    "https://bucket.s3-accelerate.amazonaws.com",
    "https://ap-123456789012.s3-accesspoint.us-west-2.amazonaws.com",
    "http://127.0.0.1:9000",
    "http://minio:80",
    "https://S3.Example.org:443",
    "https://[::1]:9000",
]
PARAMETERS = [
    "response-cache-control",
    "response-content-disposition",
    "response-content-type",
    "versionId",
    "x-amz-request-payer",
]
HEADERS = ["Content-Type", "If-None-Match", "X-Amz-Meta-Author", "X-Amz-Acl"]
NOW = datetime(2026, 11, 26, 13, 5, 7, tzinfo=UTC)
GIVEN = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")

text = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)


def botocores(
    method: str,
    address: str,
    key: str,
    parameters: Mapping[str, str],
    credentials: Credentials,
    region: str,
    now: datetime,
    expires: int,
    headers: Mapping[str, str],
) -> str:
    """Return the URL that botocore signs."""
    request = AWSRequest(
        method=method, url=f"{address}/{quote_key(key)}", params=dict(parameters), headers=dict(headers)
    )
    given = BotocoreCredentials(credentials.key, credentials.secret, credentials.token)
    with stopped_clock(now):
        auth.S3SigV4QueryAuth(given, "s3", region, expires=expires).add_auth(request)
    return str(request.url)


@settings(max_examples=300, deadline=None)
@given(
    method=st.sampled_from(["GET", "HEAD", "PUT", "DELETE"]),
    address=st.sampled_from(ADDRESSES),
    key=text,
    parameters=st.dictionaries(st.sampled_from(PARAMETERS), text),
    access_key=text,
    secret=text,
    token=st.none() | text,
    region=st.sampled_from(["us-east-1", "eu-central-1", "auto", "cn-north-1"]),
    now=st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)),
    expires=st.integers(1, LONGEST),
    headers=st.dictionaries(st.sampled_from(HEADERS), st.text("a b*;=ü", min_size=1, max_size=12)),
)
def test_it_is_what_botocore_signs(
    method: str,
    address: str,
    key: str,
    parameters: dict[str, str],
    access_key: str,
    secret: str,
    token: str | None,
    region: str,
    now: datetime,
    expires: int,
    headers: dict[str, str],
) -> None:
    credentials = Credentials(access_key, secret, token)
    now = now.replace(tzinfo=UTC)
    url = sign_query(
        method,
        address,
        f"/{quote_key(key)}",
        parameters,
        credentials,
        region=region,
        now=now,
        expires=expires,
        headers=headers,
    )
    assert url == botocores(method, address, key, parameters, credentials, region, now, expires, headers)


def signed(**changes: object) -> str:
    values: dict[str, object] = {"region": "us-east-1", "now": NOW, "expires": 3600, **changes}
    return sign_query("GET", "https://b.s3.amazonaws.com", "/a", {}, GIVEN, **values)  # type: ignore[arg-type]


def test_a_time_means_the_same_in_every_zone() -> None:
    assert signed(now=NOW.astimezone(timezone(timedelta(hours=9)))) == signed()


def test_the_key_of_the_day_is_kept_for_its_own_day_region_and_secret() -> None:
    first = signed()
    urls = [first, signed(now=NOW + timedelta(days=1)), signed(region="eu-west-1")]
    assert len({url.rpartition("=")[2] for url in urls}) == 3
    assert signed() == first


@pytest.mark.parametrize("expires", [0, -1, LONGEST + 1])
def test_a_validity_that_no_server_accepts_is_refused(expires: int) -> None:
    with pytest.raises(ValueError, match="1 to 604800 seconds"):
        signed(expires=expires)


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        signed(now=NOW.replace(tzinfo=None))


def test_credentials_show_nothing() -> None:
    assert repr(Credentials("AKID", "secret", "token")) == "Credentials()"
    assert GIVEN.secret not in signed()
