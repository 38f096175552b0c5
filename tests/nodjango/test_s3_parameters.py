"""boto3's parameters in a presigned URL: in the query or in the signed headers, as botocore has them."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_fsspec_storages.signing.s3_parameters import query_and_headers
from django_fsspec_storages.signing.sigv4 import Credentials, sign_query
from tests.support.presigned import LOWEST, presigned, session

NOW = datetime(2026, 11, 26, 13, 5, 7, tzinfo=UTC)
GIVEN = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
METHODS = {"get_object": "GET", "head_object": "HEAD", "put_object": "PUT", "delete_object": "DELETE"}
#: Of S3 Express, of newer checksums and locks, and the body: botocore is asked.
LEFT_ALONE = {
    "Body",
    "WriteOffsetBytes",
    "ChecksumSHA512",
    "ChecksumMD5",
    "ChecksumXXHASH64",
    "ChecksumXXHASH3",
    "ChecksumXXHASH128",
    "ObjectLockEventHold",
    "ObjectLockEventHoldDurationDays",
    "ObjectLockEventHoldDurationYears",
    "IfMatchLastModifiedTime",
    "IfMatchSize",
}

text = st.text(st.characters(codec="utf-8"), max_size=30)
header_text = st.text("aB*; =,\"'ü\t", max_size=12)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "string": text,
    "integer": st.integers(0, 10_000),
    "long": st.integers(0, 2**50),
    "boolean": st.booleans(),
    "timestamp": st.datetimes(
        datetime(2000, 1, 1),
        datetime(2090, 1, 1),
        timezones=st.sampled_from([UTC, timezone(timedelta(hours=-9, minutes=-30))]),
    ),
    "map": st.dictionaries(st.from_regex(r"[a-z0-9_.-]{1,8}", fullmatch=True), st.text("aB*; =", max_size=12), max_size=3),
}  # fmt: skip


def members(operation: str) -> dict[str, Any]:
    """Return the parameters of a call in botocore's model, with their shapes."""
    model = session().get_service_model("s3")
    name = operation.replace("_", " ").title().replace(" ", "")
    found = model.operation_model(name).input_shape.members
    return {name: shape for name, shape in found.items() if name not in ("Bucket", "Key")}


def value_of(shape: Any) -> st.SearchStrategy[Any]:
    if shape.type_name == "string" and shape.serialization["location"] == "header":
        return header_text
    return VALUES[shape.type_name]


@st.composite
def calls(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    operation = draw(st.sampled_from(sorted(METHODS)))
    known = {
        name: shape
        for name, shape in members(operation).items()
        if name not in LEFT_ALONE and not (LOWEST and shape.type_name == "boolean")
    }
    names = draw(st.lists(st.sampled_from(sorted(known)), unique=True, max_size=6))
    return operation, {name: draw(value_of(known[name])) for name in names}


def signed(operation: str, query: dict[str, str], headers: dict[str, str]) -> str:
    """Return the URL that we sign."""
    return sign_query(
        METHODS[operation],
        "https://bucket.s3.amazonaws.com",
        "/a",
        query,
        GIVEN,
        region="us-east-1",
        now=NOW,
        expires=60,
        headers=headers,
    )


def botocores(operation: str, parameters: dict[str, Any]) -> str | None:
    """Return the URL that botocore signs; None if it signs none."""
    return presigned("bucket", "a", GIVEN, operation=operation, parameters=parameters, now=NOW, expires=60)


@settings(max_examples=500, deadline=None)
@given(calls())
def test_urls_are_those_that_botocore_signs(call: tuple[str, dict[str, Any]]) -> None:
    operation, parameters = call
    found = query_and_headers(operation, parameters)
    assert found is not None
    query, headers = found
    assert signed(operation, query, headers) == botocores(operation, parameters)


@pytest.mark.parametrize("operation", sorted(METHODS))
def test_every_parameter_has_the_name_and_the_place_of_botocores_model(operation: str) -> None:
    samples = {"string": "x", "integer": 1, "long": 1, "boolean": True, "timestamp": NOW, "map": {"x": "x"}}
    for name, shape in members(operation).items():
        found = query_and_headers(operation, {name: samples.get(shape.type_name)})
        if name in LEFT_ALONE:
            assert found is None, name
            continue
        assert found is not None, name
        places = {"querystring": found[0], "header": found[1], "headers": found[1]}
        target = shape.serialization["name"] + ("x" if shape.type_name == "map" else "")
        assert target in places[shape.serialization["location"]], name


def test_parameters_keep_their_order() -> None:
    given = {"VersionId": "1", "ResponseContentType": "text/plain", "PartNumber": 2}
    query, _ = query_and_headers("get_object", given) or ({}, {})
    assert list(query) == ["versionId", "response-content-type", "partNumber"]


@pytest.mark.parametrize("key", ["x" * 32, b"\x00\xff" * 16])
def test_a_key_of_the_customer_is_encoded_and_has_its_digest(key: str | bytes) -> None:
    given = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": key}
    _, headers = query_and_headers("put_object", given) or ({}, {})
    name = "x-amz-server-side-encryption-customer"
    assert base64.b64decode(headers[f"{name}-key"]) == (key if isinstance(key, bytes) else key.encode())
    assert len(base64.b64decode(headers[f"{name}-key-MD5"])) == 16
    assert signed("put_object", {}, headers) == botocores("put_object", given)
    assert given["SSECustomerKey"] == key


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("copy_object", {}),
        ("get_object", {"Nonsense": "x"}),
        ("get_object", {"ContentType": "text/plain"}),
        ("get_object", {"Metadata": {"a": "b"}}),
        ("put_object", {"VersionId": "1"}),
        ("delete_object", {"SSECustomerKey": "x" * 32}),
        ("get_object", {"VersionId": 1}),
        ("get_object", {"VersionId": None}),
        ("get_object", {"PartNumber": "1"}),
        ("get_object", {"PartNumber": True}),
        ("get_object", {"ResponseExpires": "2026-11-26"}),
        ("get_object", {"IfModifiedSince": NOW.replace(tzinfo=None)}),
        ("put_object", {"BucketKeyEnabled": "true"}),
        ("put_object", {"SSECustomerKey": b"x", "SSECustomerKeyMD5": "y"}),
        ("put_object", {"ContentType": "application/x-www-form-urlencoded; charset=utf-8"}),
        ("put_object", {"Metadata": "text"}),
        ("put_object", {"Metadata": {"a": 1}}),
        ("put_object", {"Metadata": {"ü": "a"}}),
        ("put_object", {"Metadata": {"a": "ü"}}),
        ("put_object", {"Metadata": {"a b": "c"}}),
        ("put_object", {"Metadata": {"a": "b", "A": "c"}}),
    ],
    ids=str,
)
def test_what_is_not_covered_is_left_to_botocore(operation: str, parameters: dict[str, Any]) -> None:
    assert query_and_headers(operation, parameters) is None
