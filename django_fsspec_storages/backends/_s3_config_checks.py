"""What is wrong with configuration of the SDK that a project gives in its own words. No SDK."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django_fsspec_storages.backends._s3_checks import unknown_name
from django_fsspec_storages.filesystems.s3_sdk import config_keywords

__all__ = ["CONFIG", "config"]

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


def config(value: Any) -> str | None:
    """Refuse what is no configuration of botocore's, as an object or as a dict of its keywords."""
    if isinstance(value, Mapping):
        return unknown_name(value, CONFIG, "which is no keyword of botocore's Config", config_keywords)
    fits = isinstance(getattr(value, "_user_provided_options", None), dict)
    return None if fits else "is no botocore Config, nor a dict of its keywords"
