"""Every option of storage on S3, from every place that can set it, to what it changes."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from django.test import override_settings

from django_fsspec_storages import FsspecStorage
from django_fsspec_storages.backends._s3_options import S3Options
from tests.backends.s3_support import PEM, Probe, effect, parameters, sdk, warned, within


class Row(NamedTuple):
    """An option, as django-storages has it or as it is new here."""

    option: str
    settings: tuple[str, ...]
    default: Any
    value: Any
    #: What it adds to the constructor options of the filesystem; empty if the storage itself heeds it.
    effect: dict[str, Any] = {}
    environment: bool = False
    #: What else must be set.
    beside: dict[str, Any] = {}


GZIPPED = (
    "text/css",
    "text/javascript",
    "application/javascript",
    "application/x-javascript",
    "image/svg+xml",
)
KEY, SECRET = {"access_key": "id"}, {"secret_key": "its secret"}

ROWS = [
    Row("session_profile", ("AWS_S3_SESSION_PROFILE",), None, "work", {"profile": "work"}, environment=True),
    Row("access_key", ("AWS_S3_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID"), None, "id", {"key": "id"}, True, SECRET),
    Row("secret_key", ("AWS_S3_SECRET_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY"), None, "x", {"secret": "x"}, True, KEY),
    Row("security_token", ("AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"), None, "t", {"token": "t"}, False, KEY | SECRET),
    Row("bucket_name", ("AWS_STORAGE_BUCKET_NAME",), None, "media"),
    Row("object_parameters", ("AWS_S3_OBJECT_PARAMETERS",), {}, {"CacheControl": "max-age=1"}, parameters(CacheControl="max-age=1")),
    Row("default_acl", ("AWS_DEFAULT_ACL",), None, "public-read", parameters(ACL="public-read")),
    Row("querystring_auth", ("AWS_QUERYSTRING_AUTH",), True, False),
    Row("querystring_expire", ("AWS_QUERYSTRING_EXPIRE",), 3600, 60),
    Row("url_protocol", ("AWS_S3_URL_PROTOCOL",), "https:", "http:"),
    Row("file_overwrite", ("AWS_S3_FILE_OVERWRITE",), True, False),
    Row("location", ("AWS_LOCATION",), "", "media"),
    Row("gzip", ("AWS_IS_GZIPPED",), False, True),
    Row("gzip_content_types", ("GZIP_CONTENT_TYPES",), GZIPPED, ("text/plain",)),
    Row("region_name", ("AWS_S3_REGION_NAME",), None, "eu-west-1", {"client_kwargs": {"region_name": "eu-west-1"}}),
    Row("use_ssl", ("AWS_S3_USE_SSL",), True, False, {"use_ssl": False}),
    Row("verify", ("AWS_S3_VERIFY",), None, __file__, {"client_kwargs": {"verify": __file__}}),
    Row("endpoint_url", ("AWS_S3_ENDPOINT_URL",), None, "https://s3.example", {"endpoint_url": "https://s3.example"}),
    Row("addressing_style", ("AWS_S3_ADDRESSING_STYLE",), None, "path", sdk(s3={"addressing_style": "path"})),
    Row("signature_version", ("AWS_S3_SIGNATURE_VERSION",), "s3v4", "s3", sdk(signature_version="s3")),
    Row("proxies", ("AWS_S3_PROXIES",), None, {"https": "p:1"}, sdk(proxies={"https": "p:1"})),
    Row("client_config", ("AWS_S3_CLIENT_CONFIG",), None, {"tcp_keepalive": True}, sdk(tcp_keepalive=True)),
    Row("transfer_config", ("AWS_S3_TRANSFER_CONFIG",), None, {"max_concurrency": 3}, {"max_concurrency": 3}),
    Row("use_threads", ("AWS_S3_USE_THREADS",), True, False),
    Row("max_memory_size", ("AWS_S3_MAX_MEMORY_SIZE",), 0, 1024),
    Row("file_buffer_size", ("AWS_S3_FILE_BUFFER_SIZE",), None, 5242880, {"part_size": 5242880}),
    Row("file_name_charset", ("AWS_S3_FILE_NAME_CHARSET",), "utf-8", "latin-1"),
    Row("custom_domain", ("AWS_S3_CUSTOM_DOMAIN",), None, "cdn.example/media"),
    Row("cloudfront_key_id", ("AWS_CLOUDFRONT_KEY_ID",), None, "K1"),
    Row("cloudfront_key", ("AWS_CLOUDFRONT_KEY",), None, PEM),
    Row("cloudfront_signer", (), None, bytes.upper),
    # Of 1.7, under their own names
    Row("auto_create_bucket", ("AWS_AUTO_CREATE_BUCKET",), False, True, {"create_bucket": {}}),
    Row("bucket_acl", ("AWS_BUCKET_ACL",), None, "private", {"create_bucket": {"ACL": "private"}}, False, {"auto_create_bucket": True}),
    Row("preload_metadata", ("AWS_PRELOAD_METADATA",), False, True),
    # New
    Row("anonymous", ("AWS_S3_ANONYMOUS",), False, True, {"anon": True}),
    Row("exclusive_create", ("AWS_S3_EXCLUSIVE_CREATE",), "auto", False, {"exclusive_create": False}),
    Row("url_window", ("AWS_URL_WINDOW",), 0, 300),
    Row("accelerate", ("AWS_S3_ACCELERATE",), None, True, sdk(s3={"use_accelerate_endpoint": True})),
    Row("dualstack", ("AWS_S3_DUALSTACK",), None, True, sdk(s3={"use_dualstack_endpoint": True})),
    Row("fips", ("AWS_S3_FIPS",), None, True, sdk(use_fips_endpoint=True)),
    Row("max_concurrency", ("AWS_S3_MAX_CONCURRENCY",), None, 3, {"max_concurrency": 3}),
    Row("max_pool_connections", ("AWS_S3_MAX_POOL_CONNECTIONS",), None, 50, sdk(max_pool_connections=50)),
    Row("connect_timeout", ("AWS_S3_CONNECT_TIMEOUT", "FSSPEC_STORAGE_CONNECT_TIMEOUT"), 30.0, 2.0, sdk(connect_timeout=2.0)),
    Row("read_timeout", ("AWS_S3_READ_TIMEOUT", "FSSPEC_STORAGE_READ_TIMEOUT"), 30.0, 3.0, sdk(read_timeout=3.0)),
    Row("total_timeout", ("AWS_S3_TOTAL_TIMEOUT", "FSSPEC_STORAGE_TOTAL_TIMEOUT"), None, 4.0),
    Row("allow_overwrite", (), True, False),
]  # fmt: skip
EVERY_ROW = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.option)

#: What is accepted, and heeded by nothing.
IDLE = {"use_threads", "max_memory_size", "file_name_charset", "preload_metadata"}


def others(row: Row) -> dict[str, Any]:
    """Return what must be set for the option to be right: it is never in the row itself."""
    return {"bucket_name": "b", **row.beside} if row.option != "bucket_name" else dict(row.beside)


def check(storage: Any, row: Row) -> None:
    """See that the storage has the row's value, and the filesystem what it amounts to."""
    assert getattr(storage, row.option) == row.value
    assert type(getattr(storage, row.option)) is type(row.value)
    assert within(row.effect, effect(storage))
    assert storage.get_default_settings().get(row.option, row.value) == row.value


def test_the_rows_are_the_options() -> None:
    common = FsspecStorage.declared_options()
    declared = {
        name: option
        for name, option in S3Options.declared_options().items()
        if option is not common.get(name) and name != "extra_options"  # the common one, with a check
    }
    assert {row.option for row in ROWS} == {option.key for option in declared.values()}
    assert {row.option: row.settings for row in ROWS} == {
        name: option.names for name, option in declared.items()
    }
    assert len(ROWS) == len(declared)


@pytest.mark.usefixtures("default_waits")
@EVERY_ROW
def test_by_default(row: Row) -> None:
    storage = Probe(**others(row))
    assert getattr(storage, row.option) == row.default
    if row.effect:
        assert not within(row.effect, effect(storage))


@EVERY_ROW
def test_in_options(row: Row) -> None:
    check(Probe(**others(row), **{row.option: row.value}), row)


@EVERY_ROW
def test_as_an_attribute_of_a_subclass(row: Row) -> None:
    value = staticmethod(row.value) if callable(row.value) else row.value
    check(type("Sub", (Probe,), {row.option: value})(**others(row)), row)


@EVERY_ROW
def test_as_a_property_of_a_subclass(row: Row) -> None:
    storage = type("Sub", (Probe,), {row.option: property(lambda storage: storage.current)})(**others(row))
    storage.current = row.default
    assert not row.effect or not within(row.effect, effect(storage))
    storage.current = row.value
    check(storage, row)


@EVERY_ROW
def test_assigned_to_the_storage(row: Row) -> None:
    storage = Probe(**others(row))
    setattr(storage, row.option, row.value)
    check(storage, row)


@pytest.mark.parametrize(
    ("row", "number"),
    [pytest.param(row, n, id=name) for row in ROWS for n, name in enumerate(row.settings)],
)
def test_as_a_setting(row: Row, number: int) -> None:
    storage = Probe(**others(row))
    with override_settings(**{row.settings[number]: row.value}):
        check(storage, row)
        assert storage.option_source(row.option).source == f"the setting {row.settings[number]}"
    later = dict.fromkeys(row.settings[number + 1 :], 0)
    with override_settings(**{row.settings[number]: row.value, **later}):
        check(storage, row)


@pytest.mark.usefixtures("default_waits")
@pytest.mark.parametrize(
    ("row", "name"), [pytest.param(row, name, id=name) for row in ROWS for name in row.settings]
)
def test_in_the_environment(row: Row, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, str(row.value))
    asks_there = row.environment or row.option == "security_token"
    with override_settings(UNRELATED=2):
        storage = Probe(**others(row))
        assert getattr(storage, row.option) == (row.value if asks_there else row.default)
        if row.environment and row.effect:
            assert within(row.effect, effect(storage))


@EVERY_ROW
@pytest.mark.parametrize("nothing", [None, ""])
def test_a_setting_that_is_none_or_empty_counts_as_not_set(row: Row, nothing: Any) -> None:
    with override_settings(**dict.fromkeys(row.settings, nothing)):
        storage = Probe(**others(row))
        assert getattr(storage, row.option) == row.default
        assert not row.effect or not within(row.effect, effect(storage))
    if len(row.settings) > 1:
        with override_settings(**{row.settings[0]: nothing, row.settings[1]: row.value}):
            check(Probe(**others(row)), row)


@EVERY_ROW
@pytest.mark.parametrize("nothing", [None, False, ""])
def test_none_false_and_empty_end_the_search_in_options(row: Row, nothing: Any) -> None:
    if nothing is False and row.value is False:
        return  # where it is a value, and tested as one
    with override_settings(**dict.fromkeys(row.settings, row.value)):
        storage = Probe(**(others(row) | {row.option: nothing}))
    kept = {"url_protocol", "location", "default_acl", "bucket_acl"}
    wanted = nothing if nothing == "" and row.option in kept else None
    if nothing is False and S3Options.declared_options()[row.option].types[:1] in ((bool,), ()):
        wanted = False
    assert getattr(storage, row.option) == wanted
    with override_settings(**dict.fromkeys(row.settings, row.value)):
        assert not row.effect or not within(row.effect, effect(storage))


@EVERY_ROW
@pytest.mark.parametrize("nothing", [None, False, ""])
def test_none_false_and_empty_end_the_search_as_attributes(row: Row, nothing: Any) -> None:
    if nothing is False and row.value is False:
        return
    cls = type("Sub", (Probe,), {row.option: nothing})
    with override_settings(**dict.fromkeys(row.settings, row.value)):
        storage = cls(**others(row))
        assert getattr(storage, row.option) is nothing
        assert not row.effect or not within(row.effect, effect(storage))


@pytest.mark.parametrize("row", [row for row in ROWS if row.option not in IDLE], ids=lambda row: row.option)
def test_right_values_have_no_faults_and_warn_of_nothing(row: Row) -> None:
    beside = {"cloudfront_key_id": {"cloudfront_key": PEM}, "cloudfront_key": {"cloudfront_key_id": "K1"}}
    given = {**others(row), **beside.get(row.option, {}), row.option: row.value}
    with warned() as said:
        assert Probe(**given).option_faults() == []
    assert said == []


@pytest.mark.parametrize("row", [row for row in ROWS if row.option in IDLE], ids=lambda row: row.option)
def test_what_has_no_effect_says_so_and_why(row: Row) -> None:
    (name,) = row.settings
    with override_settings(**{name: row.value}), warned() as said:
        storage = Probe(bucket_name="b")
        storage.require_options()
        storage.require_options()
    (message,) = said
    assert message.startswith(f"The setting {name} has no effect: ")
    assert len(message) > 70
    with warned() as said:
        Probe(bucket_name="b", **{row.option: row.value}).require_options()
        type("Sub", (Probe,), {row.option: row.value})(bucket_name="b").require_options()
        Probe(bucket_name="b", **{row.option: row.default}).require_options()
    assert [text.partition(" has no effect: ")[0] for text in said] == [
        f"The option '{row.option}'",
        f"The attribute Sub.{row.option}",
    ]
    assert effect(Probe(**{row.option: row.value})) == effect(Probe())
