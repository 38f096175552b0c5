"""Which access key a storage on S3 signs with, where more than one place names one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from django.views.decorators.debug import sensitive_variables

from django_fsspec_storages.backends._s3_kinds import Credential
from django_fsspec_storages.options import Found, Option
from django_fsspec_storages.signing.sigv4 import Credentials

if TYPE_CHECKING:
    from django_fsspec_storages.backends._s3_server import S3Server

__all__ = ["credential_faults", "credentials_of", "set_option"]

_PARTS = ("access_key", "secret_key", "security_token")


class _Said(NamedTuple):
    """What is said of a part of the key.

    :param value: by OPTIONS, an attribute or a setting; None if they say nothing.
    :param ended: whether one of them says that there is none.
    :param environment: by the environment.
    """

    value: str | None
    ended: bool
    environment: str | None


@sensitive_variables()
def credentials_of(storage: S3Server) -> Credentials | None:
    """Return the access key that is configured; None: the SDK finds one, by the profile or by the machine's role.

    Id and secret are a pair. What OPTIONS, attributes and settings lack, the environment completes unless it holds
    another key. Its token belongs to its own key.
    """
    if storage.session_profile or storage.anonymous:
        return None
    key, secret = _said(storage, "access_key"), _said(storage, "secret_key")
    if key.ended or secret.ended:
        return None
    paired = _pair(key, secret)
    if paired is None:
        return None
    token = _said(storage, "security_token")
    belongs = not token.value and not token.ended and paired[0] == _owner(storage, key)
    return Credentials(*paired, token.environment if belongs else token.value)


def _pair(key: _Said, secret: _Said) -> tuple[str, str] | None:
    one, other = key.value, secret.value
    if not one and (not other or secret.environment in (None, other)):
        one = key.environment
    if not other and (not key.value or key.environment in (None, one)):
        other = secret.environment
    return (one, other) if one and other else None


def _owner(storage: S3Server, key: _Said) -> str | None:
    """Return the id that a token of the environment belongs to: ``AWS_SESSION_TOKEN`` goes with the plain name."""
    option = type(storage).declared_options()["access_key"]
    plain = option.environment.get(option.names[-1]) if isinstance(option, Credential) else None
    return plain or key.environment


def _said(storage: S3Server, name: str) -> _Said:
    option = type(storage).declared_options()[name]
    found = option.look_up()
    environment = next(iter(option.environment.values()), None) if isinstance(option, Credential) else None
    if name in vars(storage) or not isinstance(getattr(type(storage), name), Option):
        value = getattr(storage, name)
        return _Said(value or None, not value, environment)
    if found is None or (isinstance(option, Credential) and option.from_environment):
        return _Said(None, False, environment)
    return _Said(found.value, False, environment)


def credential_faults(storage: S3Server) -> Iterator[str]:
    """Yield what is wrong with key and profile, without showing them; no property is read."""
    said = {name: found for name in _PARTS if (found := set_option(storage, name)) is not None}
    given = {name: found for name, found in said.items() if not _is_from_environment(storage, name, found)}
    profile = set_option(storage, "session_profile")
    if profile is not None:
        for name, found in given.items():
            yield (
                f"option {name!r}, from {found.source}, and option 'session_profile', from {profile.source}, exclude "
                "each other: a profile has its own key"
            )
    elif any(map(storage.computes, (*_PARTS, "session_profile", "anonymous"))) or _has_none(storage):
        return
    elif (given or said.keys() - {"security_token"}) and credentials_of(storage) is None:
        named = ", ".join(f"{name!r} from {found.source}" for name, found in said.items())
        yield (
            f"options 'access_key' and 'secret_key' are a key together: there is {named}, and no other half that "
            "belongs to it"
        )


def _has_none(storage: S3Server) -> bool:
    return storage.anonymous or any(_said(storage, name).ended for name in ("access_key", "secret_key"))


def set_option(storage: S3Server, name: str) -> Found | None:
    """Return what somebody set an option to, unless that is nothing; no property is read."""
    found = None if storage.computes(name) else storage._set_option(name)
    return found if found is not None and found.value else None


def _is_from_environment(storage: S3Server, name: str, found: Found) -> bool:
    option = type(storage).declared_options()[name]
    return isinstance(option, Credential) and option.from_environment and option.look_up() is found
