"""Which access key is used where more than one place names one, and what is refused."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from django.views.debug import ExceptionReporter

from django_fsspec_storages.backends._s3_credentials import credentials_of
from tests.backends.s3_support import Probe, effect

PARTS = ("key", "secret", "token")
ID, SECRET, TOKEN = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"

#: What no report may show; here, where no traceback quotes it.
HIDDEN = {"access_key": "hunter1", "secret_key": "hunter2"}


class Case(NamedTuple):
    """Where keys are named, and which is used: id, secret and token."""

    used: tuple[str | None, ...]
    options: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    environment: dict[str, str] = {}
    #: Parts of the one fault.
    fault: tuple[str, ...] = ()


NONE = (None, None, None)
PAIR = {"access_key": "a", "secret_key": "x"}
SET = {ID: "b", SECRET: "y"}
ENV = {ID: "c", SECRET: "z", TOKEN: "t"}

CASES = {
    "nothing: the SDK finds a role": Case(NONE),
    "options": Case(("a", "x", None), PAIR),
    "options with a token": Case(("a", "x", "s"), PAIR | {"security_token": "s"}),
    "settings": Case(("b", "y", None), {}, SET),
    "settings with a token": Case(("b", "y", "s"), {}, SET | {TOKEN: "s"}),
    "settings with a token of the old name": Case(("b", "y", "s"), {}, SET | {"AWS_SECURITY_TOKEN": "s"}),
    "options before settings": Case(("a", "x", None), PAIR, SET),
    "options and settings make one pair": Case(("a", "y", None), {"access_key": "a"}, {SECRET: "y"}),
    "the environment": Case(("c", "z", "t"), {}, {}, ENV),
    "the environment's own names for S3": Case(("d", "w", None), {}, {}, ENV | {"AWS_S3_ACCESS_KEY_ID": "d", "AWS_S3_SECRET_ACCESS_KEY": "w"}),
    "the environment's own names for S3, and a token": Case(("d", "w", "t"), {}, {}, {"AWS_S3_ACCESS_KEY_ID": "d", "AWS_S3_SECRET_ACCESS_KEY": "w", TOKEN: "t"}),
    "settings before the environment, whose token is its own": Case(("b", "y", None), {}, SET, ENV),
    "options before the environment, whose token is its own": Case(("a", "x", None), PAIR, {}, ENV),
    "a token alone in the environment belongs to nobody": Case(("b", "y", None), {}, SET, {TOKEN: "t"}),
    "a token alone in the environment, and no key": Case(NONE, {}, {}, {TOKEN: "t"}),
    "settings that repeat the environment have its token": Case(("c", "z", "t"), {}, {ID: "c", SECRET: "z"}, ENV),
    "settings' own token before the environment's": Case(("c", "z", "s"), {}, {ID: "c", SECRET: "z", TOKEN: "s"}, ENV),
    "an id in settings, its secret in the environment": Case(("b", "z", None), {}, {ID: "b"}, {SECRET: "z"}),
    "an id in settings that is the environment's": Case(("c", "z", "t"), {}, {ID: "c"}, ENV),
    "a secret in settings, its id in the environment": Case(("c", "y", "t"), {}, {SECRET: "y"}, {ID: "c", TOKEN: "t"}),
    "none in options: the SDK finds a role": Case(NONE, {"access_key": None}, SET, ENV),
    "no secret in options: the SDK finds a role": Case(NONE, {"secret_key": ""}, SET, ENV),
    "none in options, and no other in settings": Case(NONE, {"access_key": None}, {}, ENV),
    "neither in options": Case(NONE, {"access_key": None, "secret_key": None}, {}, ENV),
    "no token in options": Case(("c", "z", None), {"security_token": None}, {}, ENV),
    "a profile": Case(NONE, {"session_profile": "work"}),
    "a profile comes before the environment's key": Case(NONE, {"session_profile": "work"}, {}, ENV),
    "a profile of the environment, too": Case(NONE, {}, {}, ENV | {"AWS_S3_SESSION_PROFILE": "work"}),
    "an empty profile is none": Case(("b", "y", None), {}, SET | {"AWS_S3_SESSION_PROFILE": ""}),
    "anonymous": Case(NONE, {"anonymous": True}, SET, ENV),
    "anonymous, and half a key": Case(NONE, {"anonymous": True}, {ID: "b"}),
    # What is refused
    "an id alone": Case(NONE, {}, {ID: "b"}, {}, (f"'access_key' from the setting {ID}",)),
    "a secret alone": Case(NONE, {"secret_key": "x"}, {}, {}, ("'secret_key' from the option 'secret_key'",)),
    "an id alone in the environment": Case(NONE, {}, {}, {ID: "c"}, (f"'access_key' from the environment variable {ID}",)),
    "a token alone": Case(NONE, {}, {TOKEN: "s"}, {}, (f"'security_token' from the setting {TOKEN}",)),
    "an id, and another's secret in the environment": Case(NONE, {}, {ID: "b"}, ENV, (f"'access_key' from the setting {ID}", "no other half")),
    "a secret, and another's id in the environment": Case(NONE, {}, {SECRET: "y"}, ENV, (f"'secret_key' from the setting {SECRET}",)),
    "a profile and an id": Case(
        NONE, {"session_profile": "work"}, {ID: "b"}, {},
        (f"option 'access_key', from the setting {ID}", "option 'session_profile', from the option 'session_profile'"),
    ),
    "a profile and a key in options, whatever the environment says": Case(
        NONE, {"session_profile": "work", "access_key": "a"}, {}, ENV, ("option 'access_key', from the option 'access_key'",)
    ),
    "a profile and a token": Case(NONE, {"security_token": "s"}, {"AWS_S3_SESSION_PROFILE": "work"}, {}, ("option 'security_token'", "the setting AWS_S3_SESSION_PROFILE")),
    "a profile of the environment and a secret": Case(
        NONE, {"secret_key": "x"}, {}, {"AWS_S3_SESSION_PROFILE": "work"},
        ("option 'secret_key'", "the environment variable AWS_S3_SESSION_PROFILE"),
    ),
}  # fmt: skip


@pytest.fixture(params=CASES.values(), ids=list(CASES))
def case(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name, value in request.param.environment.items():
        monkeypatch.setenv(name, value)
    with override_settings(**request.param.settings, UNRELATED=2):
        yield request.param


def test_which_key_is_used(case: Case) -> None:
    storage = Probe(bucket_name="b", **case.options)
    found = credentials_of(storage)
    assert ((found.key, found.secret, found.token) if found else NONE) == case.used
    options = effect(storage)
    assert tuple(options.get(part) for part in PARTS) == case.used
    assert PARTS[-1] in options or case.used[-1] is None
    assert options.get("profile") == storage.session_profile
    assert options.get("anon", False) is storage.anonymous
    assert len({"key", "profile", "anon"} & options.keys()) <= 1


def test_what_is_no_key_is_refused_with_where_it_was_set_and_never_shown(case: Case) -> None:
    storage = Probe(bucket_name="b", **case.options)
    faults = storage.option_faults()
    assert len(faults) == bool(case.fault)
    if not faults:
        storage.require_options()
        return
    for part in case.fault:
        assert part in faults[0]
    with pytest.raises(ImproperlyConfigured) as refused:
        storage.exists("a.txt")
    assert faults[0] in str(refused.value)


def test_no_fault_shows_a_key() -> None:
    for options in ({"access_key": "hunter2"}, {"access_key": "hunter2", "session_profile": "work"}):
        assert "hunter2" not in "".join(Probe(bucket_name="b", **options).option_faults())


def test_a_key_may_be_attributes_and_properties_of_a_subclass(monkeypatch: pytest.MonkeyPatch) -> None:
    class Tenant(Probe):
        access_key = "a"

        @property
        def secret_key(self) -> str:  # type: ignore[override]
            raise LookupError("no request")

    for name, value in ENV.items():
        monkeypatch.setenv(name, value)
    with override_settings(UNRELATED=2):
        assert Tenant(bucket_name="b").option_faults() == []
        with pytest.raises(LookupError, match="no request"):
            effect(Tenant())
        Tenant.secret_key = property(lambda storage: "x")  # type: ignore[assignment]
        assert effect(Tenant())["key"] == "a"
        assert effect(Tenant())["secret"] == "x"
        assert "token" not in effect(Tenant())


@override_settings(DEBUG=False)
def test_an_error_report_shows_no_key_if_the_token_cannot_be_read() -> None:
    class Sealed(Probe):
        @property
        def security_token(self) -> str:  # type: ignore[override]
            raise LookupError("the vault is sealed")

    storage = Sealed(**HIDDEN)
    with pytest.raises(LookupError) as raised:
        credentials_of(storage)
    report = ExceptionReporter(None, raised.type, raised.value, raised.tb).get_traceback_html()
    assert "the vault is sealed" in report
    assert [secret for secret in HIDDEN.values() if secret in report] == []


def test_keys_that_change_are_used_at_once() -> None:
    storage = Probe(bucket_name="b")
    with override_settings(**SET):
        assert effect(storage)["key"] == "b"
    assert "key" not in effect(storage)
    storage.access_key, storage.secret_key = "e", "v"
    assert effect(storage)["key"] == "e"
