"""Where S3 URLs lead: byte for byte where botocore's presigned ones do, or an honest None."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import botocore
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from django_fsspec_storages.signing.s3_endpoints import Endpoint, resolve
from django_fsspec_storages.signing.s3_hosts import AWS, partition, place_of
from django_fsspec_storages.signing.s3_parameters import query_and_headers
from django_fsspec_storages.signing.sigv4 import LONGEST, Credentials, quote_key, sign_query
from tests.support.presigned import presigned

NOW = datetime(2026, 11, 26, 13, 5, 7, tzinfo=UTC)
GIVEN = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
TEMPORARY = Credentials("ASIAEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "token/+=& ü")


def botocores_regions() -> list[str]:
    data = Path(botocore.__file__).parent / "data"
    partitions = json.loads((data / "partitions.json").read_text())["partitions"]
    legacy = json.loads((data / "endpoints.json").read_text())["partitions"]
    names = {name for one in [*partitions, *legacy] for name in one["regions"]}
    return sorted(name for name in names if not name.endswith("-global") or name == "aws-global")


NAMES = [
    "bucket",
    "my-bucket-1",
    "my.bucket",
    "My.Bucket",
    "UPPER",
    "under_score",
    "under_score.dotted",
    "ab",
    "123",
    "a" * 63,
    "a" * 64,
    "a" * 255,
    "-bucket",
    "bucket-",
    "a..b",
    "a.-b",
    "1.2.3.4",
    "--op-s3-bucket",
]
ARNS = [
    "arn:aws:s3:us-west-2:123456789012:accesspoint:ap",
    "arn:aws:s3:us-west-2:123456789012:accesspoint/ap",
    "arn:aws:s3:us-east-1:123456789012:accesspoint:AP-1",
    "arn:aws-cn:s3:cn-north-1:123456789012:accesspoint:ap",
    "arn:aws-us-gov:s3:us-gov-west-1:123456789012:accesspoint:ap",
    "arn:aws:s3:nyc3:123456789012:accesspoint:ap",
    "arn:aws:s3-object-lambda:eu-central-1:123456789012:accesspoint:banner",
    "arn:aws:s3-object-lambda:us-east-1:123456789012:accesspoint/banner",
    "arn:aws:s3-outposts:us-west-2:123456789012:outpost:op-01234567890123456:accesspoint:ap",
    "arn:aws:s3-outposts:us-west-2:123456789012:outpost/op-01234567890123456/accesspoint/ap",
]
#: Of which botocore makes something that only it can.
OTHER_BUCKETS = [
    "bucket--usw2-az1--x-s3",
    "ap--usw2-az1--xa-s3",
    "test-accessp-o0b1d075431d83bebde8xz5w8ijx1qzlbp3i3kuse10--op-s3",
    "short--op-s3",
    "bucket\n",
    "arn:aws:s3::123456789012:accesspoint:mfzwi23gnjvgw.mrap",
]
REFUSED_BUCKETS = [
    "",
    "two words",
    "büCKET",
    "a" * 256,
    "a/b",
    "arn:aws:s3:::bucket",
    "arn:aws:s3:us-west-2:1234:accesspoint:ap",
    "arn:aws:s3:us-west-2:123456789012:accesspoint:a.b",
    "arn:aws:s3:us-west-2:123456789012:accesspoint:-ap",
    "arn:aws:s3:us-west-2:123456789012:outpost:op-0:accesspoint:ap",
    "arn:aws:s3-outposts:us-west-2:123456789012:accesspoint:ap",
    "arn:aws:sqs:us-west-2:123456789012:accesspoint:ap",
]
REGIONS = [
    *(None, "us-east-1", "us-west-2", "eu-central-1", "aws-global", "us-east-99", "EU-west-1"),
    *("nyc3", "auto", "garage", "a" * 63),
    *(name for name in botocores_regions() if partition(name) != AWS),
]
OTHER_REGIONS = ["fips-us-east-1", "us-west-2-fips", "aws-cn-global", "aws-us-gov-global", "s3-external-1"]
REFUSED_REGIONS = ["", "12", "-x", "x-", "a.b", "us east", "us-east-1\n", "a" * 64]
URLS = [
    "https://nyc3.digitaloceanspaces.com",
    "https://s3.eu-west-1.amazonaws.com",
    "http://127.0.0.1:9000",
    "https://999.1.1.1",
    "http://[::1]:9000",
    "https://[2001:DB8::1]",
    "http://minio:80",
    "https://S3.Example.org:443",
    "https://example.org/",
    "https://example.org/base",
    "http://example.org:9000/a/v1.2/~b..c/",
    "http://127.0.0.1/base",
    "https://s3-accelerate.amazonaws.com",
    "http://s3-accelerate.dualstack.amazonaws.com",
    "https://s3-accelerate.xamazonaws.com",
    "https://s3-accelerate.else.amazonaws.com",
]
OTHER_URLS = [
    "https://user:pw@example.org",
    "https://example.org/a//b",
    "https://example.org/a/../b",
    "https://example.org/./",
    "https://example.org/%20",
    "https://example.org/a;b",
    "https://example.org:0443",
    "https://example.org:",
    "https://example.org.",
    "HTTPS://example.org",
    "https://example.org#f",
    "https://[fe80::1%25eth0]",
]
REFUSED_URLS = ["", "example.org", "ftp://example.org", "https://my_host", "https://-h", "https://h:99999", "https://h?a=1", "https://[x]", "https://[1::2::3]"]  # fmt: skip

TRICKY_KEYS = [
    "/lead",
    "a//b",
    "a/./b/../c",
    "..",
    ".",
    "a b+c%20~d",
    "ü/日本/🎉",
    "a?b#c&d=e;f",
    "\n\t\\'\"<>{}",
    "x" * 1024,
]
text = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)
options = st.fixed_dictionaries(
    {
        "region": st.sampled_from(REGIONS),
        "endpoint_url": st.none() | st.none() | st.sampled_from(URLS),
        "use_ssl": st.booleans(),
        "addressing_style": st.sampled_from([None, "auto", "virtual", "path"]),
        "use_accelerate_endpoint": st.booleans(),
        "use_dualstack_endpoint": st.booleans(),
        "use_fips_endpoint": st.booleans(),
        "use_arn_region": st.sampled_from([None, True, False]),
        "us_east_1_regional_endpoint": st.sampled_from([None, "legacy", "regional"]),
    }
)


def url_of(endpoint: Endpoint, key: str, credentials: Credentials = GIVEN, **changes: Any) -> str:
    values: dict[str, Any] = {"method": "GET", "parameters": {}, "now": NOW, "expires": 3600, **changes}
    return sign_query(
        address=endpoint.address,
        path=f"{endpoint.prefix}/{quote_key(key)}",
        credentials=credentials,
        region=endpoint.region,
        service=endpoint.service,
        **values,
    )


def is_left_alone(bucket: str, options: dict[str, Any]) -> bool:
    """What botocore makes a URL of that leads nowhere."""
    place = place_of(options.get("endpoint_url") or "")
    if place is not None and place.ip and (bucket.startswith("arn:") or "." in bucket):
        return True
    dualstack, region = options.get("use_dualstack_endpoint", False), options.get("region") or ""
    return dualstack and ("-iso" in region or (region == "aws-global" and options["use_accelerate_endpoint"]))


@settings(max_examples=300, deadline=None)
@given(
    bucket=st.sampled_from(NAMES + ARNS),
    options=options,
    key=text | st.sampled_from(TRICKY_KEYS),
    method=st.sampled_from([None, "GET", "HEAD", "PUT", "DELETE"]),
    parameters=st.dictionaries(
        st.sampled_from(["ResponseContentDisposition", "ResponseContentType", "VersionId", "IfMatch"]), text
    ),
    credentials=st.sampled_from([GIVEN, TEMPORARY]),
    now=st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)),
    expires=st.integers(1, LONGEST),
)
def test_urls_lead_where_botocores_do(
    bucket: str,
    options: dict[str, Any],
    key: str,
    method: str | None,
    parameters: dict[str, str],
    credentials: Credentials,
    now: datetime,
    expires: int,
) -> None:
    now = now.replace(tzinfo=UTC)
    theirs = presigned(
        bucket, key, credentials, method=method, parameters=parameters, now=now, expires=expires, **options
    )
    endpoint = resolve(bucket, **options)
    if endpoint is None:
        assert theirs is None or is_left_alone(bucket, options)
        return
    found = query_and_headers("get_object", parameters)
    assert found is not None
    query, headers = found
    ours = url_of(
        endpoint,
        key,
        credentials,
        method=method or "GET",
        parameters=query,
        headers=headers,
        now=now,
        expires=expires,
    )
    assert ours == theirs


def agree(bucket: str, chosen: dict[str, Any]) -> None:
    """Compare a URL with botocore's, without the luck of a draw."""
    endpoint = resolve(bucket, **chosen)
    theirs = presigned(bucket, "a", GIVEN, now=NOW, expires=3600, **chosen)
    if endpoint is None:
        assert theirs is None or is_left_alone(bucket, chosen), (bucket, chosen)
    else:
        assert url_of(endpoint, "a") == theirs


@pytest.mark.parametrize("region", [None, *botocores_regions()])
def test_every_region_that_botocore_knows_is_covered(region: str | None) -> None:
    for style, east in product(["auto", "virtual", "path"], ["legacy", "regional"]):
        chosen: dict[str, Any] = {
            "region": region,
            "addressing_style": style,
            "us_east_1_regional_endpoint": east,
        }
        for bucket in ["bucket", "my.bucket", "UPPER"]:
            assert resolve(bucket, **chosen) is not None
            agree(bucket, chosen)


@pytest.mark.parametrize(
    "region", [None, "us-east-1", "us-west-2", "aws-global", "cn-north-1", "us-iso-east-1", "nyc3"]
)
def test_every_combination_of_options_agrees(region: str | None) -> None:
    for accelerate, dualstack, fips, style, east, arn in product(
        *[[False, True]] * 3, ["auto", "virtual", "path"], ["legacy", "regional"], [True, False]
    ):
        chosen = {
            "region": region,
            "addressing_style": style,
            "use_accelerate_endpoint": accelerate,
            "use_dualstack_endpoint": dualstack,
            "use_fips_endpoint": fips,
            "use_arn_region": arn,
            "us_east_1_regional_endpoint": east,
        }
        for bucket in ["bucket", "my.bucket", "UPPER", "ab", *ARNS[2:4], *ARNS[6:9]] if arn else ARNS[2:4]:
            agree(bucket, chosen)


@pytest.mark.parametrize("url", URLS)
def test_every_endpoint_url_agrees(url: str) -> None:
    for region, style, flag in product(
        [None, "us-west-2", "cn-north-1", "aws-global"], ["auto", "virtual", "path"], [False, True]
    ):
        chosen = {
            "region": region,
            "endpoint_url": url,
            "use_ssl": flag,
            "addressing_style": style,
            "use_dualstack_endpoint": flag,
            "use_fips_endpoint": flag,
        }
        for bucket in ["bucket", "my.bucket", "1.2.3.4", "UPPER", "ab", ARNS[0], ARNS[6], ARNS[8]]:
            agree(bucket, chosen)


@pytest.mark.parametrize(
    ("chosen", "url"),
    [
        ({}, "https://bucket.s3.amazonaws.com/a"),
        ({"use_ssl": False}, "http://bucket.s3.amazonaws.com/a"),
        ({"region": "eu-west-1"}, "https://bucket.s3.amazonaws.com/a"),
        (
            {"region": "eu-west-1", "addressing_style": "virtual"},
            "https://bucket.s3.eu-west-1.amazonaws.com/a",
        ),
        ({"region": "eu-west-1", "addressing_style": "path"}, "https://s3.eu-west-1.amazonaws.com/bucket/a"),
        ({"region": "us-east-1", "addressing_style": "path"}, "https://s3.amazonaws.com/bucket/a"),
        (
            {"region": "us-east-1", "us_east_1_regional_endpoint": "regional"},
            "https://bucket.s3.us-east-1.amazonaws.com/a",
        ),
        ({"region": "cn-north-1"}, "https://bucket.s3.cn-north-1.amazonaws.com.cn/a"),
        ({"region": "us-isob-east-1"}, "https://bucket.s3.us-isob-east-1.sc2s.sgov.gov/a"),
        ({"use_accelerate_endpoint": True}, "https://bucket.s3-accelerate.amazonaws.com/a"),
        (
            {"region": "eu-west-1", "use_dualstack_endpoint": True},
            "https://bucket.s3.dualstack.eu-west-1.amazonaws.com/a",
        ),
        (
            {"region": "us-west-2", "use_fips_endpoint": True, "addressing_style": "virtual"},
            "https://bucket.s3-fips.us-west-2.amazonaws.com/a",
        ),
        ({"endpoint_url": "http://minio:9000"}, "http://minio:9000/bucket/a"),
        ({"endpoint_url": "https://example.org/s3/"}, "https://example.org/s3/bucket/a"),
        (
            {"endpoint_url": "https://nyc3.digitaloceanspaces.com", "addressing_style": "virtual"},
            "https://bucket.nyc3.digitaloceanspaces.com/a",
        ),
        ({"endpoint_url": "http://[::1]:9000", "addressing_style": "virtual"}, "http://[::1]:9000/bucket/a"),
    ],
    ids=str,
)
def test_urls_as_one_expects_them(chosen: dict[str, Any], url: str) -> None:
    endpoint = resolve("bucket", **chosen)
    assert endpoint is not None
    assert url_of(endpoint, "a").partition("?")[0] == url
    assert endpoint.resource == "/bucket"


def test_an_access_point_is_signed_for_its_own_region_and_service() -> None:
    ours = [resolve(arn, region="us-east-1") for arn in (ARNS[0], ARNS[6], ARNS[8])]
    assert ours == [
        Endpoint("https://ap-123456789012.s3-accesspoint.us-west-2.amazonaws.com", "", "us-west-2", "s3", ""),
        Endpoint(
            "https://banner-123456789012.s3-object-lambda.eu-central-1.amazonaws.com",
            "",
            "eu-central-1",
            "s3-object-lambda",
            "",
        ),
        Endpoint(
            "https://ap-123456789012.op-01234567890123456.s3-outposts.us-west-2.amazonaws.com",
            "",
            "us-west-2",
            "s3-outposts",
            "",
        ),
    ]


@pytest.mark.parametrize("bucket", OTHER_BUCKETS)
def test_buckets_that_need_more_than_a_signature_are_left_to_botocore(bucket: str) -> None:
    assert resolve(bucket, region="us-west-2") is None


@pytest.mark.parametrize("region", OTHER_REGIONS)
def test_names_that_are_no_regions_are_left_to_botocore(region: str) -> None:
    assert presigned("bucket", "a", GIVEN, now=NOW, expires=1, region=region) is not None
    assert resolve("bucket", region=region) is None
    assert resolve(f"arn:aws:s3:{region}:123456789012:accesspoint:ap", region="us-east-1") is None


@pytest.mark.parametrize("url", OTHER_URLS)
def test_endpoint_urls_that_would_have_to_be_normalised_are_left_to_botocore(url: str) -> None:
    assert place_of(url) is None
    assert resolve("bucket", endpoint_url=url) is None


@pytest.mark.parametrize(
    ("bucket", "chosen"),
    [
        *((bucket, {}) for bucket in REFUSED_BUCKETS),
        *(("bucket", {"region": region}) for region in REFUSED_REGIONS),
        *(("bucket", {"endpoint_url": url}) for url in REFUSED_URLS),
        ("bucket", {"addressing_style": "sideways"}),
        ("bucket", {"us_east_1_regional_endpoint": "local"}),
        ("my.bucket", {"use_accelerate_endpoint": True}),
        ("bucket", {"use_accelerate_endpoint": True, "endpoint_url": "https://example.org"}),
        ("bucket", {"use_accelerate_endpoint": True, "use_fips_endpoint": True}),
        ("bucket", {"use_accelerate_endpoint": True, "region": "cn-north-1"}),
        ("bucket", {"use_fips_endpoint": True, "region": "cn-north-1"}),
        (ARNS[0], {"use_arn_region": False, "region": "us-east-1"}),
        (ARNS[0], {"use_accelerate_endpoint": True}),
        (ARNS[3], {"region": "us-east-1"}),
        (ARNS[6], {"use_dualstack_endpoint": True}),
        (ARNS[8], {"use_fips_endpoint": True}),
    ],
)
def test_what_botocore_refuses_has_no_endpoint(bucket: str, chosen: dict[str, Any]) -> None:
    assert presigned(bucket, "a", GIVEN, now=NOW, expires=1, **chosen) is None
    assert resolve(bucket, **chosen) is None


@settings(max_examples=300, deadline=None)
@given(url=st.from_regex(r"https?://[a-z0-9.\[\]:@-]{1,12}(/[a-z.;%?#/-]{0,6})?", fullmatch=True))
@example("http://a.b:80/c")
def test_endpoint_urls_are_read_as_botocore_reads_them(url: str) -> None:
    endpoint = resolve("bucket", endpoint_url=url)
    if endpoint is not None:
        assert url_of(endpoint, "a") == presigned(
            "bucket", "a", GIVEN, now=NOW, expires=3600, endpoint_url=url
        )


@settings(max_examples=300, deadline=None)
@given(
    bucket=st.text("abzAZ019.-_", min_size=1, max_size=10), style=st.sampled_from(["auto", "virtual", "path"])
)
@pytest.mark.parametrize("url", [None, "http://minio:9000", "https://example.org"])
def test_bucket_names_are_read_as_botocore_reads_them(url: str | None, bucket: str, style: str) -> None:
    chosen: dict[str, Any] = {"endpoint_url": url, "addressing_style": style, "region": "eu-west-1"}
    endpoint = resolve(bucket, **chosen)
    assert endpoint is not None
    assert url_of(endpoint, "a") == presigned(bucket, "a", GIVEN, now=NOW, expires=3600, **chosen)
