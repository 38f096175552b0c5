"""Proxies named by endpoint, as ``requests`` has them: botocore looks up the scheme alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

__all__ = ["endpoint_hosts", "proxies_by_scheme"]


def proxies_by_scheme(proxies: Mapping[str, Any], hosts: list[str]) -> dict[str, Any]:
    """Return the proxy for each scheme, when all that is asked are these hosts. None: no proxy.

    For each host, as in ``requests.utils.select_proxy``: ``scheme://host``, ``scheme``, ``all://host``, ``all``.
    """
    given = {key.lower().rstrip("/"): address for key, address in proxies.items()}
    found = {}
    for scheme in ("http", "https"):
        wanted = [
            *(f"{scheme}://{host}" for host in hosts),
            scheme,
            *(f"all://{host}" for host in hosts),
            "all",
        ]
        for key in wanted:
            if key in given:
                found[scheme] = given[key]
                break
    return found


def endpoint_hosts(
    endpoint: str | None, bucket: str | None, region: str | None, s3: Mapping[str, Any], fips: bool
) -> list[str]:
    """Return the hosts that requests may go to: with the bucket in the name first, and with a port where there is one.

    :param endpoint: the endpoint's URL; None: the SDK's, or Amazon's own.
    :param region: None: the SDK's.
    :param s3: the ``s3`` part of the SDK's configuration.
    """
    endpoint = endpoint or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        parts = urlsplit(endpoint)
        hosts = dict.fromkeys((parts.netloc.lower(), parts.hostname or ""))
    else:
        hosts = dict.fromkeys(_of_amazon(region or os.environ.get("AWS_DEFAULT_REGION"), s3, fips))
    return [*(f"{bucket}.{host}".lower() for host in hosts if bucket), *hosts]


def _of_amazon(region: str | None, s3: Mapping[str, Any], fips: bool) -> list[str]:
    dual = "dualstack." if s3.get("use_dualstack_endpoint") else ""
    if s3.get("use_accelerate_endpoint"):
        return [f"s3-accelerate.{dual}amazonaws.com"]
    hosts = ["s3.amazonaws.com"] if region in (None, "us-east-1", "aws-global") and not (dual or fips) else []
    if region:
        end = ".cn" if region.startswith("cn-") else ""
        hosts.append(f"s3{'-fips' if fips else ''}.{dual}{region}.amazonaws.com{end}")
    return hosts
