"""What a project overrides is used, by ``save`` as by ``asave``: its virus scan is never skipped."""

from __future__ import annotations

import asyncio
import functools
import tempfile
import threading

import pytest
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.utils.deconstruct import deconstructible

from tests.contract.calls import AsyncCalls, Calls


@pytest.fixture
def override(space, colour):
    """Return a function that gives the calls of a subclass with methods of its own, or of a class after mix-ins."""
    made = []

    def override(*mixins, decorate=lambda cls: cls, **methods):
        configuration = space.configuration()
        base = type(space.storage())
        cls = decorate(type("Projects", (*mixins, base), {"__module__": __name__, **methods}))
        calls = (AsyncCalls if colour == "async" else Calls)(cls(**configuration["OPTIONS"]))
        made.append(calls)
        return calls

    yield override
    for calls in made:
        calls.close()


class Infected(Exception):
    """Found by a project's virus scan."""


class Scanning:
    """A project's mix-in."""

    def _save(self, name, content):
        if b"virus" in content.read():
            raise Infected(name)
        return super()._save(name, content)


class TestSaving:
    @pytest.mark.parametrize(
        "decorate",
        [lambda cls: cls, deconstructible, lambda cls: type("Below", (cls,), {})],
        ids=["mixed-in", "decorated", "below"],
    )
    def test_a_scan_in_save_is_never_skipped(self, space, override, decorate):
        calls = override(Scanning, decorate=decorate)
        with pytest.raises(Infected):
            calls.save("a.txt", ContentFile(b"a virus"))
        assert calls.save("b.txt", ContentFile(b"harmless")) == "b.txt"
        assert space.files() == {"b.txt": b"harmless"}

    def test_an_overridden_save_is_used(self, space, override):
        def save(self, name, content, max_length=None):
            return super(type(self), self).save("prefix-" + name, content, max_length)

        assert override(save=save).put("a.txt") == "prefix-a.txt"
        assert list(space.files()) == ["prefix-a.txt"]

    def test_a_widely_copied_save_that_hands_on_a_bare_spooled_file_works(self, space, override):
        def _save(self, name, content):
            content.seek(0)
            with tempfile.SpooledTemporaryFile() as copy:
                copy.write(content.read())
                return super(type(self), self)._save(name, copy)

        calls = override(_save=_save)
        names = [calls.put("a.txt", b"spooled"), calls.put("a.txt", b"spooled")]
        assert space.files() == dict.fromkeys(names, b"spooled")

    def test_an_overridden_exists_decides_what_is_free(self, space, override):
        def exists(self, name):
            return name == "reserved.txt" or super(type(self), self).exists(name)

        calls = override(exists=exists)
        assert calls.exists("reserved.txt")
        assert calls.put("reserved.txt") != "reserved.txt"
        assert calls.put("free.txt") == "free.txt"
        assert "reserved.txt" not in space.files()

    def test_an_overridden_alternative_name_is_taken_after_a_conflict(self, space, override):
        def get_alternative_name(self, file_root, file_ext):
            return f"{file_root}-again{file_ext}"

        calls = override(get_alternative_name=get_alternative_name)
        assert [calls.put("d/a.txt"), calls.put("d/a.txt")] == ["d/a.txt", "d/a-again.txt"]
        assert set(space.files()) == {"d/a.txt", "d/a-again.txt"}

    @pytest.mark.parametrize("method", ["exists", "is_name_available"])
    def test_what_decides_which_names_are_free_is_asked_after_a_conflict_too(self, space, override, method):
        def own(self, name, *rest, **more):
            asked.append(name)
            if len(asked) == 1:  # another is faster
                return method == "is_name_available"
            return getattr(super(type(self), self), method)(name, *rest, **more)

        asked = []
        calls = override(**{method: own})
        space.seed({"a.txt": b"another's"})
        name = calls.put("a.txt")
        assert name != "a.txt"
        assert asked == ["a.txt", "a.txt", name]

    def test_an_overridden_alternative_name_is_asked_until_it_is_free(self, space, override):
        def get_alternative_name(self, file_root, file_ext):
            tried.append(file_root)
            return f"{file_root}-{len(tried)}{file_ext}"

        tried = []
        calls = override(get_alternative_name=get_alternative_name)
        names = []
        for _ in range(3):
            tried.clear()
            names.append(calls.put("a.txt"))
        assert names == ["a.txt", "a-1.txt", "a-2.txt"]

    def test_an_overridden_available_name_is_taken(self, space, override):
        def get_available_name(self, name, max_length=None):
            return super(type(self), self).get_available_name(
                "dated/" + name.removeprefix("dated/"), max_length
            )

        calls = override(get_available_name=get_available_name)
        names = [calls.put("a.txt", b"1"), calls.put("a.txt", b"2")]
        assert names[0] == "dated/a.txt"
        assert space.files() == {names[0]: b"1", names[1]: b"2"}

    def test_an_available_name_that_insists_means_to_overwrite(self, space, override):
        calls = override(get_available_name=lambda self, name, max_length=None: name)
        assert [calls.put("a.txt", b"the first"), calls.put("a.txt", b"2")] == ["a.txt", "a.txt"]
        assert space.files() == {"a.txt": b"2"}

    def test_an_available_name_that_deletes_first_means_it_too(self, space, override):
        def get_available_name(self, name, max_length=None):
            if self.exists(name):
                self.delete(name)
            return name

        calls = override(get_available_name=get_available_name)
        assert [calls.put("a.txt", b"the first"), calls.put("a.txt", b"2")] == ["a.txt", "a.txt"]
        assert space.files() == {"a.txt": b"2"}

    def test_an_available_name_that_escapes_is_refused(self, space, override):
        before = space.world()
        calls = override(get_available_name=lambda self, name, max_length=None: "../canary.txt")
        with pytest.raises(SuspiciousFileOperation):
            calls.put("a.txt")
        assert space.world() == before


@pytest.mark.ours("Django's storages have no async API")
class TestTwins:
    #: Method, what it is asked, and what the project's own answers.
    ANSWERS = {
        "exists": (("a.txt",), True),
        "listdir": (("",), (["folder"], ["file"])),
        "size": (("a.txt",), 42),
        "url": (("a.txt",), "https://own.example/"),
        "delete": (("a.txt",), None),
        "get_modified_time": (("a.txt",), "modified"),
        "get_created_time": (("a.txt",), "created"),
        "get_accessed_time": (("a.txt",), "accessed"),
        "get_available_name": (("a.txt",), "available"),
    }

    @pytest.mark.parametrize("method", ANSWERS)
    def test_an_overridden_method_answers_in_both_colours(self, override, method):
        arguments, answer = self.ANSWERS[method]
        asked = []

        def own(self, *args):
            asked.append(args)
            return answer

        assert getattr(override(**{method: own}), method)(*arguments) == answer
        assert asked == [arguments]

    def test_an_overridden_url_may_take_fewer_parameters(self, override):
        calls = override(url=lambda self, name: "own:" + name)
        assert calls.url("a.txt") == "own:a.txt"

    def test_an_overridden_open_gives_its_file(self, seed, override):
        seed({"a.txt": b"content"})

        def _open(self, name, mode="rb"):
            return ContentFile(b"own", name=name)

        assert override(_open=_open).read("a.txt") == b"own"

    @pytest.mark.writes
    def test_a_file_of_an_overridden_open_publishes_nothing_when_it_fails(self, space, override):
        def _open(self, name, mode="rb"):
            return super(type(self), self)._open(name, mode)

        def failing():
            yield b"x" * 700_000
            raise Infected

        calls = override(_open=_open)
        with pytest.raises(Infected):
            calls.write("a.bin", failing())
        assert space.files() == {}
        calls.write("a.bin", [b"1"])
        assert space.files() == {"a.bin": b"1"}

    def test_an_overridden_stream_is_streamed(self, seed, override):
        seed({"a.txt": b"content"})

        def open_stream(self, name, start=0, length=None):
            return [b"own", b"er"]

        storage = override(open_stream=open_stream).storage

        async def read():
            async with await storage.aopen_stream("a.txt") as stream:
                return [piece async for piece in stream]

        assert asyncio.run(read()) == [b"own", b"er"]

    def test_an_overridden_stream_of_ours_keeps_its_length_and_is_closed(self, seed, override):
        seed({"a.txt": b"content"})
        opened = []

        def open_stream(self, name, start=0, length=None):
            opened.append(super(type(self), self).open_stream(name, start, length))
            return opened[-1]

        storage = override(open_stream=open_stream).storage

        async def read():
            async with await storage.aopen_stream("a.txt", 3) as stream:
                return stream.length, stream.size, await anext(stream)

        assert asyncio.run(read()) == (4, 7, b"tent")
        with pytest.raises(StopIteration):
            next(opened[0])

    def test_a_subclass_that_overrides_nothing_stays_native(self, override):
        from django_fsspec_storages.storage.twins import TWINS, _gives_way

        native, own = override().storage, override(size=lambda self, name: 1).storage
        assert {twin for twin in TWINS if _gives_way(native, twin)} == set()
        assert {twin for twin in TWINS if _gives_way(own, twin)} == {"asize"}

    def test_a_backend_of_this_package_that_overrides_stays_native_and_its_subclasses_give_way(
        self, override
    ):
        from django_fsspec_storages.storage.twins import TWINS, _gives_way

        methods = {
            "sign": lambda self, name, **signing: "signed",
            "object_metadata": lambda self, name, content: {},
        }
        backend = type(override(**methods).storage)
        assert {twin for twin in TWINS if _gives_way(backend(), twin)} == {"aopen", "asave", "aurl"}
        backend.__module__ = "django_fsspec_storages.backends.tried"
        assert {twin for twin in TWINS if _gives_way(backend(), twin)} == set()
        below = type("Below", (backend,), {"__module__": __name__, "object_metadata": lambda self, *args: {}})
        assert {twin for twin in TWINS if _gives_way(below(), twin)} == {"aopen", "asave"}

    def test_the_url_of_a_manifest_which_must_be_read_is_asked_for_in_a_thread(self, override):
        from django_fsspec_storages.static import ManifestMixin, StaticMixin

        threads = []

        def read_manifest(self):
            threads.append(threading.current_thread())
            return '{"version": "1.1", "paths": {"a.txt": "a.1.txt"}, "hash": ""}'

        calls = override(ManifestMixin, StaticMixin, read_manifest=read_manifest)
        assert calls.url("a.txt").endswith("/a.1.txt")
        assert (threads[0] is threading.main_thread()) is (calls.colour == "sync")

    def test_the_filesystem_is_made_in_a_thread(self, space, override, monkeypatch):
        threads = []
        calls = override()
        make = type(calls.storage)._filesystem

        def made(storage):
            threads.append(threading.current_thread())
            return make(storage)

        monkeypatch.setattr(type(calls.storage), "_filesystem", made)
        calls.exists("a.txt")
        assert (threads[0] is threading.main_thread()) is (calls.colour == "sync")

    @pytest.mark.parametrize("below", [False, True])
    def test_a_projects_own_twin_skips_no_scan(self, space, override, below):
        async def asave(self, name, content, max_length=None):
            return await cls.asave(self, name, content, max_length)

        cls = type(override(Scanning).storage)
        if below:
            storage = type("Metrics", (cls,), {"__module__": __name__, "asave": asave})
        else:
            storage = type("Metrics", (Scanning, cls.__mro__[2]), {"__module__": __name__, "asave": asave})
        storage = storage(**space.configuration()["OPTIONS"])
        with pytest.raises(Infected):
            asyncio.run(storage.asave("a.txt", ContentFile(b"a virus")))
        assert space.files() == {}

    def test_a_decorated_copy_of_our_twin_skips_no_scan(self, space, override):
        def timed(twin):
            @functools.wraps(twin)
            async def timed(self, *args, **kwargs):
                return await twin(self, *args, **kwargs)

            return timed

        storage = override(Scanning).storage
        timing = type(
            "Timing", (type(storage),), {"__module__": __name__, "asave": timed(type(storage).asave)}
        )
        storage = timing(**space.configuration()["OPTIONS"])
        with pytest.raises(Infected):
            asyncio.run(storage.asave("a.txt", ContentFile(b"a virus")))
        assert space.files() == {}

    def test_a_hook_may_say_that_there_is_no_metadata(self, space, override):
        calls = override(object_metadata=lambda self, name, content: None)
        calls.put("a.txt", b"1")
        calls.write("b.txt", [b"2"])
        assert space.files() == {"a.txt": b"1", "b.txt": b"2"}

    def test_an_option_that_a_project_computes_is_asked_for_in_a_thread(self, space, override):
        threads = []

        def location(self):
            threads.append(threading.current_thread())
            return space.configuration()["OPTIONS"]["location"]

        calls = override(location=property(location))
        assert not calls.exists("a.txt")
        assert {thread is threading.main_thread() for thread in threads} == {calls.colour == "sync"}

    def test_an_option_that_a_project_computes_is_held_to_what_the_option_says(self, space, override):
        calls = override(allow_overwrite=property(lambda storage: storage.said))
        calls.storage.said = False
        assert not calls.exists("a.txt")
        calls.storage.said = "maybe"
        for use in (
            lambda: calls.exists("a.txt"),
            lambda: calls.put("a.txt", b"1"),
            lambda: calls.listdir(""),
            lambda: calls.delete("a.txt"),
        ):
            with pytest.raises(
                ImproperlyConfigured,
                match=r"option 'allow_overwrite', from the property Projects\.allow_overwrite: 'maybe' is str, not bool",
            ):
                use()
        assert space.files() == {}

    def test_a_method_that_is_replaced_on_the_object_is_called(self, override):
        storage = override().storage
        storage.exists = lambda name: "replaced"
        assert asyncio.run(storage.aexists("a.txt")) == "replaced"
