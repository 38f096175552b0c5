"""Environment variables: what servers see, and what must not reach the SDKs that tests call."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

__all__ = ["AWS_VARIABLES", "installing", "serving", "without_aws"]

#: What AWS SDKs and their HTTP clients read: a developer's own must decide nothing here.
AWS_VARIABLES = re.compile(r"AWS_.*|BOTO_CONFIG|.*_CA_BUNDLE|(http|https|all|no)_proxy", re.IGNORECASE)

#: What a server keeps of our own environment.
_KEPT = ("LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "SYSTEMROOT")

#: As it was before tests changed it: installing needs the machine's proxies and certificates.
_BEFORE = dict(os.environ)


def installing() -> dict[str, str]:
    """Return an environment for pip: all of ours, without what would change how Python itself runs."""
    return {name: value for name, value in _BEFORE.items() if not name.startswith(("PYTHON", "COVERAGE"))}


def serving(home: str) -> dict[str, str]:
    """Return an environment for a server, whose home and temporary folder is the one given."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return {**kept, "HOME": home, "TMPDIR": home}


@contextmanager
def without_aws() -> Iterator[None]:
    """Take away every variable and file that AWS SDKs would read unasked, and give them back at the end."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if AWS_VARIABLES.fullmatch(name)]:
            patch.delenv(name)
        patch.setenv("AWS_CONFIG_FILE", os.devnull)
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield
