"""How Hypothesis tries examples: for every ``conftest.py``, as tests take the settings that hold when they are read."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

__all__ = ["never_too_slow"]


def never_too_slow() -> None:
    """Let an example take as long as it takes, and many be of no use: that neither fails by chance.

    By default an example fails after 200 ms, which a busy machine may stall.
    """
    kept = settings.default  # such as Hypothesis' own for CI
    ignored = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    settings.register_profile("tests", kept, deadline=None, suppress_health_check=ignored)
    settings.load_profile("tests")
