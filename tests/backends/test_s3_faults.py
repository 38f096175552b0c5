"""Wrong S3 options: refused when they are given, at first use and by the system check; and never a secret shown."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from traceback import walk_tb
from typing import Any

import boto3.s3.transfer
import pytest
from botocore.config import Config
from botocore.session import get_session
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db.migrations.writer import MigrationWriter
from django.test import override_settings
from django.utils.functional import lazy
from django.views.debug import ExceptionReporter

from django_fsspec_storages.backends._s3_checks import PARAMETERS, TRANSFER
from django_fsspec_storages.backends._s3_config_checks import CONFIG
from django_fsspec_storages.backends._s3_connect import request_parameters
from django_fsspec_storages.backends._s3_credentials import credentials_of
from django_fsspec_storages.backends._s3_options import S3Options
from django_fsspec_storages.backends.s3 import S3Storage
from tests.backends.s3_support import Probe, warned
from tests.backends.test_s3_options import ROWS, Row

PEM = "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----"
SECRET = "hunter2"

#: An option, a value that is wrong by itself, and what is said of it.
WRONG: list[tuple[str, Any, str]] = [
    ("bucket_name", "media--use1-az4--x-s3", "'media--use1-az4--x-s3' is in S3 Express One Zone"),
    ("bucket_name", "media--use1-az4--xa-s3", "is in S3 Express One Zone"),
    ("bucket_name", "media/uploads", "'media/uploads' holds a slash"),
    ("bucket_name", "s3://media", "holds a slash"),
    ("location", "/media", "'/media' begins with a slash; use 'media' instead"),
    ("custom_domain", "https://cdn.example", "'https://cdn.example' has a scheme"),
    ("custom_domain", "//cdn.example", "has a scheme"),
    ("custom_domain", "cdn.example/", "'cdn.example/' ends in a slash"),
    ("object_parameters", {"CacheContrl": SECRET}, "has 'CacheContrl' (did you mean 'CacheControl'?), which S3 does not"),
    ("object_parameters", {"Cache-Control": SECRET}, "(did you mean 'CacheControl'?)"),
    ("object_parameters", {"Body": SECRET}, "has 'Body', which S3 does not take for an object"),
    ("object_parameters", {5: SECRET}, "has 5, which S3 does not"),
    ("object_parameters", [SECRET], "the value is list, not dict"),
    ("object_parameters", {"Metadata": {"number": 5}}, "has 'Metadata' that is no dict of text"),
    ("object_parameters", {"Metadata": SECRET}, "has 'Metadata' that is str, not a dict of text"),
    ("object_parameters", {"Metadata": {"k": f"{SECRET}ü"}}, "has 'Metadata' with 'k' that is not ASCII"),
    ("object_parameters", {"Metadata": {"ü": SECRET}}, "has 'Metadata' with 'ü' that is not ASCII"),
    ("object_parameters", {"CacheControl": 5}, "has 'CacheControl' that is int, not text"),
    ("object_parameters", {"ContentType": None}, "has 'ContentType' that is NoneType, not text"),
    ("object_parameters", {"Tagging": {"a": SECRET}}, "has 'Tagging' that is dict, not text"),
    ("object_parameters", {"Expires": True}, "has 'Expires' that is bool, not a time"),
    ("object_parameters", {"BucketKeyEnabled": "yes"}, "has 'BucketKeyEnabled' that is str, not True or False"),
    ("object_parameters", {"ObjectLockEventHoldDurationDays": "5"}, "that is str, not a whole number"),
    ("bucket_name", "my bucket", "'my bucket' is no bucket's name"),
    ("bucket_name", "médias", "'médias' is no bucket's name"),
    ("addressing_style", "virtuel", "'virtuel' is not one of 'auto', 'virtual', 'path'"),
    ("signature_version", "s3v5", "'s3v5' is not one of 's3v4', 's3', "),
    ("signature_version", 4, "4 is not one of"),
    ("url_protocol", "https", "'https' is not one of 'https:', 'http:'"),
    ("querystring_expire", 0, "0 is no finite time of a second at least"),
    ("querystring_expire", 0.5, "0.5 is no finite time of a second at least"),
    ("querystring_expire", float("inf"), "inf is no finite time"),
    ("querystring_expire", timedelta(0), "datetime.timedelta(0) is no finite time"),
    ("querystring_expire", "soon", "'soon' is str, not int or float or timedelta"),
    ("url_window", -1, "-1 is less than zero"),
    ("file_buffer_size", 1024, "1024 is not between 5 MiB and 5 GiB"),
    ("file_buffer_size", 6 * 2**30, "is not between 5 MiB and 5 GiB"),
    ("max_concurrency", 0, "0 is not greater than zero"),
    ("max_pool_connections", -1, "-1 is not greater than zero"),
    ("connect_timeout", -1, "-1 is no number of seconds greater than zero"),
    ("exclusive_create", "perhaps", "'perhaps' is not one of 'auto', True, False"),
    ("client_config", {"proxy": SECRET}, "has 'proxy' (did you mean 'proxies'?), which is no keyword of botocore's Config"),
    ("client_config", object(), "the value is no botocore Config, nor a dict of its keywords"),
    ("client_config", SECRET, "the value is no botocore Config"),
    ("client_config", {"connect_timeout": SECRET}, "has 'connect_timeout' that is str, not a number"),
    ("client_config", Config(read_timeout=SECRET), "has 'read_timeout' that is str, not a number"),
    ("client_config", {"max_pool_connections": 1.5}, "has 'max_pool_connections' that is float, not a whole number"),
    ("client_config", {"retries": 5}, "has 'retries' that is int, not a dict"),
    ("client_config", {"retries": {"max_attempt": 5}}, "has 'retries' that has 'max_attempt' (did you mean 'max_attempts'?)"),
    ("client_config", {"retries": {"total_max_attempts": 0}}, "has 'retries' with 'total_max_attempts' that is no whole number from 1 on"),
    ("client_config", {"retries": {"mode": "slow"}}, "has 'retries' with a 'mode' that is not one of 'legacy'"),
    ("client_config", {"s3": {"addressing_style": SECRET}}, "has 's3' with an 'addressing_style' that is not one of 'auto', 'virtual', 'path'"),
    ("client_config", {"s3": True}, "has 's3' that is bool, not a dict"),
    ("transfer_config", {"chunksize": 5}, "has 'chunksize'"),
    ("transfer_config", [5], "the value is no boto3 TransferConfig, nor a dict of its keywords"),
    ("proxies", {"http": 3128, "https": SECRET}, "the value has no address for 'http'"),
    ("proxies", SECRET, "the value is str, not dict"),
    ("gzip_content_types", "text/css", "'text/css' is str, not tuple"),
    ("cloudfront_key", 5, "the value is int, not str or bytes or PathLike"),
    ("cloudfront_signer", SECRET, "the value is no function that signs bytes, nor a CloudFrontSigner"),
    ("verify", 5, "5 is int, not bool or str or PathLike"),
    ("use_ssl", "maybe", "'maybe' is str, not bool"),
    ("anonymous", 1, "1 is int, not bool"),
    ("default_acl", 5, "5 is int, not str"),
]  # fmt: skip

#: Options that are wrong together, and what is said of them.
TOGETHER: list[tuple[dict[str, Any], str]] = [
    ({"cloudfront_key_id": "K1"}, "option 'cloudfront_key_id', from the option 'cloudfront_key_id', needs option 'cloudfront_key'"),
    ({"cloudfront_key": PEM}, "option 'cloudfront_key', from the option 'cloudfront_key', needs option 'cloudfront_key_id'"),
    ({"file_overwrite": True, "allow_overwrite": False}, "options 'file_overwrite', from the option 'file_overwrite', and 'allow_overwrite'"),
    ({"location": "https://cdn.example/media"}, "option 'location', from the option 'location': location='https://cdn.example/media' is a URL"),
    ({"location": f"https://user:{SECRET}@cdn.example/media"}, "location holds a user's name or password"),
    ({"endpoint_url": "minio:9000"}, "option 'endpoint_url', from the option 'endpoint_url', must begin with https:// or http://"),
    ({"endpoint_url": f"user:{SECRET}@minio:9000"}, "must begin with https:// or http://"),
    ({"endpoint_url": f"https://user:{SECRET}@minio:9000"}, "holds a user's name or password"),
    *[
        ({"endpoint_url": url}, "option 'endpoint_url', from the option 'endpoint_url', must be scheme://host[:port][/path]")
        for url in (
            *("https://exa mple", "https://", "https:///path", "https://minio:port", "https://minio:99999", "https://[::1"),
            *("https://min_io:9000", "https://minio/\t", "https://minio/?a=b", "https://minio#a", "https://a..b"),
            f"https://user:{SECRET}@min io",
        )
    ],
    *[
        ({"region_name": name}, f"option 'region_name', from the option 'region_name': {name!r} cannot be a region's name")
        for name in ("bad region!", "eu.west", "-eu", "12", "us_east_1", "https://eu-west-1")
    ],
    ({"endpoint_url": "https://minio", "accelerate": True}, "option 'accelerate', from the option 'accelerate', is for Amazon's own endpoints"),
    ({"endpoint_url": "https://minio", "dualstack": True}, "option 'dualstack'"),
    ({"endpoint_url": "https://minio", "fips": True}, "option 'fips'"),
    ({"access_key": SECRET}, "options 'access_key' and 'secret_key' are a key together"),
    ({"session_profile": "work", "secret_key": SECRET}, "option 'secret_key', from the option 'secret_key', and option 'session_profile'"),
    ({"bucket_name": None}, "option 'bucket_name' is required: set it in OPTIONS or as AWS_STORAGE_BUCKET_NAME"),
]  # fmt: skip

BACKEND = "tests.backends.s3_support.Probe"


def said_by_check(options: dict[str, Any], **settings: Any) -> list[str]:
    with override_settings(STORAGES={"media": {"BACKEND": BACKEND, "OPTIONS": options}}, **settings):
        return [f"{message.id} {message.msg}" for message in run_checks() if "'media'" in message.msg]


@pytest.mark.parametrize(("option", "value", "message"), WRONG)
def test_a_wrong_value_is_refused_in_options_as_a_setting_and_as_an_attribute(
    option: str, value: Any, message: str
) -> None:
    others = {} if option == "bucket_name" else {"bucket_name": "b"}
    others |= {"cloudfront_key_id": "K1"} if option == "cloudfront_key" else {}
    for attempt in (lambda: Probe(**others, **{option: value}), lambda: setattr(Probe(), option, value)):
        with pytest.raises(ImproperlyConfigured) as refused:
            attempt()
        assert f"option '{option}': " in str(refused.value)
        assert message in str(refused.value)
        assert SECRET not in str(refused.value)
    settings = S3Options.declared_options()[option].names
    for setting in settings:
        with override_settings(**{setting: value}):
            (fault,) = Probe(**others).option_faults()
        assert fault.startswith(f"option '{option}', from the setting {setting}: ")
        assert message in fault
    cls = type("Sub", (Probe,), {option: value})
    (fault,) = cls(**others).option_faults()
    assert fault.startswith(f"option '{option}', from the attribute Sub.{option}: ")
    assert SECRET not in fault


def test_a_keyword_of_a_newer_sdk_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, Any] = {"bucket_name": "b", "client_config": {"of_next_year": 1}}
    with pytest.raises(ImproperlyConfigured, match="has 'of_next_year', which is no keyword"):
        Probe(**options)
    monkeypatch.setitem(Config.OPTION_DEFAULTS, "of_next_year", None)
    assert Probe(**options).option_faults() == []


@pytest.mark.parametrize(("options", "message"), TOGETHER)
def test_options_that_are_wrong_together_are_refused_at_first_use(
    options: dict[str, Any], message: str
) -> None:
    storage = Probe(**({"bucket_name": "b"} | options))
    (fault,) = storage.option_faults()
    assert message in fault
    for use in (
        storage.require_options,
        lambda: storage.fs,
        lambda: storage.exists("a"),
        lambda: storage.url("a"),
    ):
        with pytest.raises(ImproperlyConfigured) as refused:
            use()
        assert fault in str(refused.value)
        assert SECRET not in str(refused.value)


@pytest.mark.parametrize(("options", "message"), TOGETHER)
def test_the_system_check_says_so_before(options: dict[str, Any], message: str) -> None:
    said = [text for text in said_by_check({"bucket_name": "b"} | options) if "E006" not in text]
    (text,) = said
    assert message in text
    assert SECRET not in text
    assert text.startswith(
        "fsspec_storages.E003" if options == {"bucket_name": None} else "fsspec_storages.E005"
    )


def test_the_system_check_warns_of_old_names_and_of_what_has_no_effect() -> None:
    settings = {"AWS_S3_ENCRYPTION": True, "AWS_PRELOAD_METADATA": True, "AWS_STORAGE_BUCKET_NAME": "b"}
    for _ in range(2):
        said = said_by_check({}, **settings)
        assert [text[:21] for text in said] == ["fsspec_storages.W001 "] * 2
        assert "AWS_S3_ENCRYPTION is an old name: use AWS_S3_OBJECT_PARAMETERS instead." in "".join(said)
        assert "The setting AWS_PRELOAD_METADATA has no effect: " in "".join(said)


def test_right_options_pass_the_system_check() -> None:
    assert said_by_check({"bucket_name": "b", "location": "media", "custom_domain": "cdn.example"}) == []


@pytest.mark.parametrize(
    "options",
    [
        {"cloudfront_key_id": "K1", "cloudfront_key": PEM},
        {"cloudfront_key_id": "K1", "cloudfront_signer": bytes.upper},
        {"cloudfront_key_id": "K1", "cloudfront_signer": None},
        {"file_overwrite": False, "allow_overwrite": False},
        {"bucket_name": "arn:aws:s3:eu-west-1:123456789012:accesspoint/media"},
        {"custom_domain": "cdn.example/a/path"},
        {"custom_domain": lazy(lambda: "cdn.example", str)()},
        {"endpoint_url": "http://[::1]:9000", "accelerate": False},
        {"client_config": Config(), "transfer_config": boto3.s3.transfer.TransferConfig()},
        {
            "client_config": Config(
                retries={"max_attempts": 0}, s3={"addressing_style": "path"}, read_timeout=0.5
            )
        },
        {
            "client_config": {
                "retries": {"mode": "standard"},
                "connect_timeout": None,
                "s3": None,
                "proxies": None,
            }
        },
        {
            "storage_options": {
                "config_kwargs": {"connector_args": {}},
                "client_kwargs": {"api_version": None},
            }
        },
        {
            "object_parameters": {
                "Expires": datetime.now(UTC),
                "BucketKeyEnabled": True,
                "Metadata": {"a": "b"},
            }
        },
        {"object_parameters": {"Expires": "2030-01-01", "SSECustomerKey": b"k" * 32, "Metadata": None}},
        {"location": ""},
        {"default_acl": "no canned ACL of today's"},
    ],
)
def test_what_is_right_together(options: dict[str, Any]) -> None:
    assert Probe(**({"bucket_name": "b"} | options)).option_faults() == []


def test_a_setting_contradicts_no_attribute() -> None:
    with override_settings(AWS_S3_FILE_OVERWRITE=True):
        assert type("Sub", (Probe,), {"allow_overwrite": False})(bucket_name="b").option_faults() == []
    both = type("Sub", (Probe,), {"allow_overwrite": False, "file_overwrite": True})
    (fault,) = both(bucket_name="b").option_faults()
    assert (
        "from the attribute Sub.file_overwrite, and 'allow_overwrite', from the attribute Sub.allow_overwrite"
        in fault
    )


def test_no_property_is_read_to_find_faults() -> None:
    def unready(storage: Any) -> Any:
        raise LookupError("no request")

    names = [name for name in S3Options.declared_options() if name != "protocol"]
    cls = type("Tenant", (Probe,), {name: property(unready) for name in names})
    assert cls().option_faults() == []
    config = type("Tenant", (Probe,), {"config": property(unready)})
    assert config(bucket_name="b").option_faults() == []


def test_an_old_attribute_config_that_is_none_is_refused() -> None:
    with warned():
        (fault,) = type("Sub", (Probe,), {"config": object()})(bucket_name="b").option_faults()
        assert fault.startswith(
            "the attribute Sub.config, an old name of option 'client_config', is no botocore Config"
        )
        assert type("Sub", (Probe,), {"config": Config()})(bucket_name="b").option_faults() == []
        assert type("Sub", (Probe,), {"config": None})(bucket_name="b").option_faults() == []


SECRETS: dict[str, Any] = {
    "access_key": SECRET,
    "secret_key": SECRET,
    "security_token": SECRET,
    "object_parameters": {"SSECustomerKey": SECRET},
    "proxies": {"https": f"http://user:{SECRET}@proxy:1"},
    "client_config": {"client_cert": SECRET},
    "transfer_config": {"max_concurrency": 1},
    "cloudfront_key": PEM,
    "cloudfront_signer": len,
    "storage_options": {"token": SECRET},
}


def test_secrets_are_those_that_are_declared() -> None:
    assert SECRETS.keys() == {option.key for option in S3Options.declared_options().values() if option.secret}


def test_no_repr_migration_or_error_shows_a_secret() -> None:
    storage = Probe(bucket_name="b", cloudfront_key_id="K1", **SECRETS)
    assert SECRET in str(storage.storage_options)
    assert storage.option_faults() == []
    shown = [repr(storage), str(storage), storage.where(), repr(storage.deconstruct())]
    shown += [repr(credentials_of(storage)), MigrationWriter.serialize(storage)[0]]
    assert "cloudfront_key_id" in shown[3]
    for option, value in SECRETS.items():
        with pytest.raises(ImproperlyConfigured) as refused:
            Probe(**{option: [value, SECRET]})
        shown.append(str(refused.value))
    assert [text for text in shown if SECRET in text] == []


def full_of_secrets(unreadable: str) -> Probe:
    """Return a storage with every secret, one of whose options cannot be read."""

    def sealed(storage: Any) -> Any:
        raise LookupError("the vault is sealed")

    options = {**SECRETS, "bucket_name": "b", "auto_create_bucket": True, "endpoint_url": "https://minio"}
    options |= {"proxies": {"https://minio": f"http://user:{SECRET}@proxy:1"}}
    cls: Any = type("Tenant", (Probe,), {unreadable: property(sealed)})
    storage: Probe = cls(**{name: value for name, value in options.items() if name != unreadable})
    return storage


@pytest.mark.parametrize("row", [row for row in ROWS if row.effect], ids=lambda row: row.option)
@override_settings(DEBUG=False)
def test_an_error_report_shows_no_secret_whichever_option_cannot_be_read(row: Row) -> None:
    storage = full_of_secrets(row.option)
    each = row.option in ("object_parameters", "default_acl")  # computed, they are read for each request
    uses = (
        [lambda: request_parameters(storage)]
        if each
        else [lambda: storage.exists("a.txt"), storage.filesystem_options]
    )
    for use in uses:
        with pytest.raises((ImproperlyConfigured, LookupError), match="the vault is sealed") as raised:
            use()
        report = ExceptionReporter(None, raised.type, raised.value, raised.tb).get_traceback_html()
        assert ("request_parameters" if each else "s3_filesystem_options") in report
        assert SECRET not in report


# What is known here without the SDK is what the SDK knows.


def members(operation: str) -> set[str]:
    return set(get_session().get_service_model("s3").operation_model(operation).input_shape.members)


def test_the_parameters_of_objects_are_those_of_the_sdk() -> None:
    operations = "PutObject", "CreateMultipartUpload", "GetObject", "HeadObject", "CopyObject"
    taken = set.union(*map(members, operations))
    of_one_request = {
        name
        for name in taken
        if name
        in {"Body", "Bucket", "ContentLength", "ContentMD5", "Key", "PartNumber", "Range", "WriteOffsetBytes"}
        or name.startswith(("CopySource", "If", "Response"))
        or name.endswith("Directive")
        or (name.startswith("Checksum") and name not in {"ChecksumAlgorithm", "ChecksumMode", "ChecksumType"})
    }
    assert taken - of_one_request <= PARAMETERS
    unknown_to_older_ones = {
        name for name in PARAMETERS - taken if not name.startswith("ObjectLockEventHold")
    }
    assert unknown_to_older_ones <= {"ChecksumType"}


def test_the_keywords_of_configurations_are_those_of_the_sdk() -> None:
    assert set(Config.OPTION_DEFAULTS) <= CONFIG
    Config(**dict.fromkeys(CONFIG & set(Config.OPTION_DEFAULTS)))
    transfer = boto3.s3.transfer.TransferConfig(**dict.fromkeys(TRANSFER - {"use_threads"}, 5 * 2**20))
    assert vars(transfer)["multipart_chunksize"] == 5 * 2**20


@pytest.mark.parametrize(
    "options",
    [
        *[
            {"endpoint_url": url}
            for url in (
                *(
                    "http://127.0.0.1:9000",
                    "https://[::1]:9000/",
                    "https://minio.example./s3/v1",
                    "http://localhost",
                ),
                *("https://account.r2.cloudflarestorage.com", "https://MINIO"),
            )
        ],
        *[
            {"region_name": name}
            for name in ("eu-west-1", "auto", "aws-global", "default", "fips-us-east-1", "EU")
        ],
    ],
    ids=str,
)
def test_what_the_sdk_takes_is_no_fault(options: dict[str, Any]) -> None:
    assert Probe(bucket_name="b", **options).option_faults() == []
    given = {"region_name": "us-east-1", **options}
    get_session().create_client("s3", aws_access_key_id="A", aws_secret_access_key="S", **given).close()


#: Calls that make the SDK's client, or boto3's.
CALLS: dict[str, Any] = {
    "exists": lambda storage: storage.exists("a.txt"),
    "url": lambda storage: storage.url("a.txt"),
    "upload_ticket": lambda storage: storage.upload_ticket("a.txt"),
    "connection": lambda storage: storage.connection,
}


@pytest.mark.parametrize("call", CALLS)
def test_no_debug_page_shows_a_key_where_the_sdk_makes_no_client(call: str) -> None:
    storage = S3Storage(
        bucket_name="b",
        access_key="AKIDEXAMPLE",
        secret_key=SECRET,
        storage_options={"client_kwargs": {"region_name": "bad region!"}},
    )
    try:
        CALLS[call](storage)
    except Exception:
        raised = sys.exc_info()
    else:
        pytest.fail("The SDK takes such a region.")
    page = ExceptionReporter(None, *raised).get_traceback_html()
    assert "InvalidRegionError" in page
    assert SECRET not in page


def test_the_frames_of_an_sdk_that_could_not_sign_are_empty() -> None:
    broken = {"client_kwargs": {"region_name": "bad region!"}}
    storage = S3Storage(bucket_name="b", querystring_auth=False, storage_options=broken)
    with pytest.raises(ValueError, match="the SDK cannot sign this: InvalidRegionError") as caught:
        storage.url("a.txt")
    cause = caught.value.__cause__
    assert cause is not None
    frames = [frame for frame, _ in walk_tb(cause.__traceback__) if "botocore" in frame.f_code.co_filename]
    assert not any(frame.f_locals for frame in frames)
