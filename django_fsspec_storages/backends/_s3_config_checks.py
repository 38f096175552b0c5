"""What is wrong with configuration of the SDK that a project gives in its own words. No SDK."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django_fsspec_storages.backends._s3_checks import unknown_name, wrong_kind
from django_fsspec_storages.filesystems.s3_sdk import client_keywords, config_keywords

__all__ = ["CONFIG", "config", "constructor"]

#: The keywords of ``botocore.config.Config``; the installed one is asked only of those it does not have.
CONFIG = frozenset(
    {
        "account_id_endpoint_mode",
        "auth_scheme_preference",
        "client_cert",
        "client_context_params",
        "connect_timeout",
        "defaults_mode",
        "disable_request_compression",
        "endpoint_discovery_enabled",
        "ignore_configured_endpoint_urls",
        "inject_host_prefix",
        "max_pool_connections",
        "parameter_validation",
        "proxies",
        "proxies_config",
        "read_timeout",
        "region_name",
        "request_checksum_calculation",
        "request_min_compression_size_bytes",
        "response_checksum_validation",
        "retries",
        "s3",
        "s3_disable_express_session_auth",
        "signature_version",
        "sigv4a_signing_region_set",
        "tcp_keepalive",
        "use_dualstack_endpoint",
        "use_fips_endpoint",
        "user_agent",
        "user_agent_appid",
        "user_agent_extra",
    }
)


#: The keywords of ``AioConfig`` beside these.
_AIO = frozenset({"connector_args", "http_session_cls", "warm_up_loader_caches"})

#: The keywords of the SDK's ``create_client`` that are a project's to say; as ``CONFIG``.
_CLIENT = frozenset(
    {
        "api_version",
        "aws_access_key_id",
        "aws_account_id",
        "aws_secret_access_key",
        "aws_session_token",
        "endpoint_url",
        "region_name",
        "use_ssl",
        "verify",
    }
)

_NUMBER, _MAPPING, _TEXT = ((int, float), "a number"), ((Mapping,), "a dict"), ((str,), "text")

#: What the SDK wants a keyword of ``Config`` to be, where it is plain about it.
_KINDS: dict[str, tuple[tuple[type[Any], ...], str]] = {
    **dict.fromkeys(("connect_timeout", "read_timeout"), _NUMBER),
    "max_pool_connections": ((int,), "a whole number"),
    **dict.fromkeys(("proxies", "proxies_config", "retries", "s3"), _MAPPING),
    **dict.fromkeys(("region_name", "user_agent", "user_agent_appid", "user_agent_extra"), _TEXT),
}

#: Key of ``retries`` -> the least that it may be.
_ATTEMPTS = {"max_attempts": 0, "total_max_attempts": 1}
_RETRIES = frozenset({"mode", *_ATTEMPTS})


def config(value: Any) -> str | None:
    """Refuse what is no configuration of botocore's, as an object or as a dict of its keywords."""
    if isinstance(value, Mapping):
        return _config(value, CONFIG)
    given = getattr(value, "_user_provided_options", None)
    if not isinstance(given, dict):
        return "is no botocore Config, nor a dict of its keywords"
    return _wrong_kind(given)


def constructor(value: Mapping[str, Any]) -> str | None:
    """Refuse constructor options of the filesystem that the SDK would make no client with."""
    client, given = value.get("client_kwargs"), value.get("config_kwargs")
    for name, kwargs in (("client_kwargs", client), ("config_kwargs", given)):
        if kwargs is not None and not isinstance(kwargs, Mapping):
            return f"has {name!r} that is {type(kwargs).__name__}, not a dict"
    what = "which is no keyword of the SDK's create_client, or not a project's to say"
    if wrong := unknown_name(client or {}, _CLIENT, what, client_keywords):
        return f"has 'client_kwargs' that {wrong}"
    wrong = _config(given or {}, CONFIG | _AIO)
    return f"has 'config_kwargs' that {wrong}" if wrong else None


def _config(value: Mapping[str, Any], known: frozenset[str]) -> str | None:
    what = "which is no keyword of botocore's Config"
    return unknown_name(value, known, what, config_keywords) or _wrong_kind(value)


def _wrong_kind(given: Mapping[str, Any]) -> str | None:
    for name, kinds in _KINDS.items():
        value = given.get(name)
        if value is not None and (wrong := wrong_kind(name, value, *kinds)):
            return wrong
    style = (given.get("s3") or {}).get("addressing_style")
    if style not in ("auto", "virtual", "path", None):
        return "has 's3' with an 'addressing_style' that is not one of 'auto', 'virtual', 'path'"
    return _wrong_retries(given.get("retries") or {})


def _wrong_retries(retries: Mapping[str, Any]) -> str | None:
    if wrong := unknown_name(
        retries, _RETRIES, "which is not one of 'max_attempts', 'mode', 'total_max_attempts'"
    ):
        return f"has 'retries' that {wrong}"
    for name, least in _ATTEMPTS.items():
        attempts = retries.get(name, least)
        if not isinstance(attempts, int) or attempts < least:
            return f"has 'retries' with {name!r} that is no whole number from {least} on"
    if retries.get("mode", "legacy") not in ("legacy", "standard", "adaptive"):
        return "has 'retries' with a 'mode' that is not one of 'legacy', 'standard', 'adaptive'"
    return None
