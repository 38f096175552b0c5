"""Migrations, pickles, copies, equality: a storage is its alias, or its class and arguments."""

from __future__ import annotations

import copy
import pickle

import pytest
from django.core.files.storage import storages
from django.db import models
from django.db.migrations.writer import MigrationWriter
from django.test import override_settings

from django_fsspec_storages import stored
from tests.app.models import Document, storage_of_models

OURS = pytest.mark.ours("Django's own storages know no aliases and are equal only to themselves")


@pytest.fixture
def alias(space):
    """The place as an alias of STORAGES."""
    with override_settings(STORAGES={"contract": space.configuration()}):
        yield "contract"


def _migrated(field):
    """Return the field as a migration would make it."""
    text, imports = MigrationWriter.serialize(field)
    namespace = {}
    exec("\n".join(imports), namespace)
    return text, eval(text, namespace)


class TestMigrations:
    @OURS
    def test_a_field_names_the_alias(self, seed, alias):
        seed({"a.txt": b"1"})
        text, field = _migrated(models.FileField(storage=storages[alias]))
        assert f"django_fsspec_storages.stored('{alias}')" in text
        assert field.storage is storages[alias]
        assert stored(alias) is storages[alias]

    @OURS
    def test_the_alias_is_found_by_equal_options_too(self, seed, space, alias):
        seed({"a.txt": b"1"})
        text, _ = _migrated(models.FileField(storage=space.storage()))
        assert f"stored('{alias}')" in text

    def test_without_an_alias_it_is_the_class_and_its_arguments(self, seed, space):
        seed({"a.txt": b"1"})
        text, field = _migrated(models.FileField(storage=space.storage()))
        assert type(space.storage()).__name__ in text
        assert field.storage.location == space.storage().location
        assert field.storage.base_url == space.storage().base_url

    def test_two_reconstructions_are_the_same(self, seed, space):
        seed({"a.txt": b"1"})
        texts = {MigrationWriter.serialize(models.FileField(storage=space.storage()))[0] for _ in range(2)}
        assert len(texts) == 1


class TestPickles:
    @pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
    def test_a_storage_comes_back_and_works(self, seed, storage, protocol):
        seed({"a.txt": b"1"})
        with storage.open("a.txt") as file:
            file.read()
        again = pickle.loads(pickle.dumps(storage, protocol))
        assert type(again) is type(storage)
        with again.open("a.txt") as file:
            assert file.read() == b"1"

    @OURS
    def test_an_alias_is_pickled_by_its_name(self, seed, alias):
        seed({"a.txt": b"1"})
        pickled = pickle.dumps(storages[alias])
        assert pickle.loads(pickled) is storages[alias]
        assert len(pickled) < 100

    @OURS
    def test_what_was_set_afterwards_is_pickled(self, seed, alias):
        seed({"a.txt": b"1"})
        changed = copy.copy(storages[alias])
        changed.base_url = "https://other.example/"
        assert pickle.loads(pickle.dumps(changed)).base_url == "https://other.example/"
        assert storages[alias].base_url != "https://other.example/"


class TestCopies:
    @pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
    def test_a_copy_works_and_is_another(self, seed, space, storage, copied):
        seed({"a.txt": b"1"})
        twin = copied(storage)
        assert twin is not storage
        with twin.open("a.txt") as file:
            assert file.read() == b"1"

    @OURS
    @pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
    def test_a_copy_can_be_changed_by_itself(self, seed, storage, copied):
        seed({"a.txt": b"1"})
        twin = copied(storage)
        assert twin == storage
        assert hash(twin) == hash(storage)
        twin.base_url = "https://other.example/"
        assert twin != storage
        assert storage.base_url != "https://other.example/"


@OURS
class TestEquality:
    def test_equal_arguments_make_equal_storages(self, seed, space):
        seed({"a.txt": b"1"})
        first, second = space.storage(), space.storage()
        assert first == second
        assert hash(first) == hash(second)
        assert {first: 1}[second] == 1

    def test_other_arguments_or_another_class_do_not(self, seed, space, storage):
        seed({"a.txt": b"1"})
        other = type("Other", (type(storage),), {})(**space.configuration()["OPTIONS"])
        for different in (space.storage(base_url="https://other.example/"), other, object(), None):
            assert storage != different

    def test_equality_looks_nothing_up(self, seed, space):
        seed({"a.txt": b"1"})
        first, second = space.storage(), space.storage()
        before = hash(first)
        with override_settings(FSSPEC_STORAGE_ALLOW_OVERWRITE=True):
            assert first == second
            assert hash(first) == before


def test_a_models_file_can_be_pickled(seed, storage):
    seed({"a.txt": b"1"})
    with storage_of_models(storage):
        again = pickle.loads(pickle.dumps(Document(file="a.txt")))
        assert again.file == "a.txt"
        assert again.file.size == 1
