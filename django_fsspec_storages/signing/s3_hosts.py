"""The hosts of S3: the domains of Amazon's regions, and what an endpoint URL says of another provider's.

Rules: `AWS partitions <https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>`_
and botocore's ``partitions.json``, with which the tests compare them.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from typing import NamedTuple

__all__ = [
    "AWS",
    "EAST",
    "GLOBAL",
    "LABEL",
    "Place",
    "domain",
    "is_ipv4",
    "is_label",
    "is_name",
    "is_region",
    "partition",
    "place_of",
]

#: One part of a host's name.
LABEL = r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)"

#: The partition that a region is of if no other claims it.
AWS = "aws"
#: The region whose hosts name none, and the one that stands in for it in a signature.
GLOBAL, EAST = "aws-global", "us-east-1"

#: How the regions of a partition begin, and the domain of its hosts.
_DOMAINS = {
    AWS: "amazonaws.com",
    "cn": "amazonaws.com.cn",
    "eu-isoe": "cloud.adc-e.uk",
    "eusc-de": "amazonaws.eu",
    "us-gov": "amazonaws.com",
    "us-iso": "c2s.ic.gov",
    "us-isob": "sc2s.sgov.gov",
    "us-isof": "csp.hci.ic.gov",
}

#: Scheme, host, port and path; without what has no place there or would have to be normalised.
_URL = re.compile(
    r"(https?)://([A-Za-z0-9.-]{1,255}|\[[0-9A-Fa-f:.]+\])(?::([1-9][0-9]{0,4}))?"
    r"((?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)*)/?"
)


class Place(NamedTuple):
    """What an endpoint URL says.

    :param authority: host and port.
    :param path: without a slash at its end.
    :param ip: whether the host is an address, which no bucket can be put before.
    """

    scheme: str
    authority: str
    path: str
    ip: bool


def is_label(text: str) -> bool:
    """Tell whether a text can be one part of a host's name."""
    return re.fullmatch(LABEL, text) is not None


def is_name(text: str) -> bool:
    """Tell whether a text can be a host's name, or the beginning of one."""
    return all(is_label(part) for part in text.split("."))


def is_ipv4(text: str) -> bool:
    """Tell whether a text looks like an IPv4 address."""
    return re.fullmatch(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}", text) is not None


def place_of(url: str) -> Place | None:
    """Return what an endpoint URL says, or None if it is none or has more than scheme, host, port and a plain path."""
    found = _URL.fullmatch(url)
    if found is None:
        return None
    scheme, host, port, path = found.groups()
    if port is not None and int(port) > 65535:
        return None
    authority = f"{host}:{port}" if port else host
    if not host.startswith("["):
        return Place(scheme, authority, path, is_ipv4(host)) if is_name(host) else None
    try:
        IPv6Address(host[1:-1])
    except ValueError:
        return None
    return Place(scheme, authority, path, ip=True)


def is_region(name: str) -> bool:
    """Tell whether a name can be a region's, Amazon's or another provider's."""
    if not is_label(name) or name.isdigit():
        return False
    # botocore takes more names for a region, and means something else by them: fips-us-east-1, s3-external-1.
    return name == GLOBAL or not ("fips" in name or name.startswith(("aws-", "s3-")))


def partition(region: str) -> str:
    """Return how the regions of a region's partition begin, or :data:`AWS`."""
    found = re.fullmatch(r"(.+)-\w+-[0-9]+", region)
    return found[1] if found is not None and found[1] in _DOMAINS else AWS


def domain(region: str) -> str:
    """Return the domain of the hosts of a region."""
    return _DOMAINS[partition(region)]
