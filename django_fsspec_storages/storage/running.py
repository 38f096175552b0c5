"""How a storage runs a logic: with its deadline, its map of errors, and one line in the log."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from django_fsspec_storages import names
from django_fsspec_storages.errors import Explained, Translate, translate
from django_fsspec_storages.filesystems.driver import Logic, arun, run
from django_fsspec_storages.filesystems.timeouts import TIMED
from django_fsspec_storages.storage.options import CommonOptions

if TYPE_CHECKING:
    from django_fsspec_storages.filesystems.base import Contract

__all__ = ["PUBLIC", "Running", "Watch"]

T = TypeVar("T")

#: Constructor options that say where the files are: messages show the server in them, and no more.
PUBLIC = ("endpoint_url", "host", "fo")

logger = logging.getLogger("django_fsspec_storages")


class Watch:
    """One operation, for the log: nothing is measured or written unless somebody listens at DEBUG."""

    bytes: int | None = None
    attempts = 1
    _began = 0.0

    def __init__(self, describe: Callable[[], str], operation: str, name: object) -> None:
        self._describe = describe
        self.operation = operation
        self.name = str(name)

    def __enter__(self) -> Self:
        if logger.isEnabledFor(logging.DEBUG):
            self._began = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._began:
            logger.debug(
                "%s: %s %r bytes=%s ms=%.1f attempts=%d%s",
                self._describe(),
                self.operation,
                self.name,
                self.bytes,
                (time.perf_counter() - self._began) * 1000,
                self.attempts,
                f" failed={kind.__name__}" if kind else "",
            )


class Running(CommonOptions):
    """The part of a storage that runs things."""

    shown_alias: Any

    @property
    def fs(self) -> Contract:
        """The filesystem."""
        raise NotImplementedError

    async def aprepare(self) -> None:
        """Have the filesystem made in a thread, if it is not yet: an event loop must not wait for an SDK's import."""
        raise NotImplementedError

    def overrides(self, method: str) -> bool:
        """Tell whether a project has its own version of a method, by a subclass or on the instance."""
        if method in vars(self):
            return True
        home = next(cls for cls in type(self).__mro__ if method in vars(cls))
        return not is_ours(home) and home.__module__.partition(".")[0] != "django"

    def chooses_names(self) -> bool:
        """Tell whether a project has a say in which names are free, and so must be asked before a save."""
        return any(map(self.overrides, ("get_available_name", "is_name_available", "exists")))

    def where(self) -> str:
        """Return how messages call this storage: class, alias, protocol and location; never a secret."""
        shown = self.shown_alias
        alias = f" {shown!r}" if shown is not None else ""
        location = names.without_login(self._place())
        return f"{type(self).__name__}{alias} ({self.protocol}{self._server()}, {location!r})"

    def _place(self) -> str:
        """Return where on the server the files are, for messages."""
        return str(self._folder_of_names())

    def _folder_of_names(self) -> Any:
        """Return what every name is confined to; a provider's location may say more than that."""
        return self.location

    def _server(self) -> str:
        """Return the server's address after a space, or nothing, for messages."""
        options: Any = self.extra_options
        options = options if isinstance(options, dict) else {}
        named = next((options[option] for option in PUBLIC if isinstance(options.get(option), str)), "")
        address = names.address(named)
        port = f":{options['port']}" if address and isinstance(options.get("port"), int) else ""
        return f" {address}{port}" if address else ""

    def explain(self, error: BaseException) -> type[OSError] | Explained | None:
        """Return the built-in class that says what the provider's error says; None where the common map will do."""
        return self.fs.explain(error)

    def keeps_timeouts(self) -> bool:
        """Tell whether ``connect_timeout`` and ``read_timeout`` reach the filesystem."""
        return self.protocol in TIMED

    def with_waits(self, error: OSError | None) -> OSError | None:
        """Return an error of ours, which names the waits that were configured if it says that there was no answer."""
        if not isinstance(error, TimeoutError):
            return error
        kept = (
            ("connect_timeout", "read_timeout", "total_timeout")
            if self.keeps_timeouts()
            else ("total_timeout",)
        )
        waits = [f"{option} is {seconds} s" for option in kept if (seconds := getattr(self, option))]
        if not waits:
            return error
        return TimeoutError(error.errno, f"{error.strerror} ({', '.join(waits)})", error.filename)

    def translator(self, name: object) -> Translate:
        """Return the map from the filesystem's errors to ours, for one name."""
        return partial(_translate, self, str(name))

    def watch(self, operation: str, name: object) -> Watch:
        """Return a context manager that logs an operation."""
        return Watch(self.where, operation, name)

    def seconds(self) -> float | None:
        """Return how long an operation may take; None for any time."""
        seconds = self.total_timeout
        known = isinstance(seconds, (int, float)) and seconds is not False  # which is none
        return seconds if known else None  # what else it is, fs says to the logic

    def run(self, operation: str, name: object, logic: Logic[T]) -> T:
        """Run a logic in this thread; what goes wrong is one of our errors and names the storage and the file."""
        with self.watch(operation, name) as watch:
            return self.run_watched(watch, logic)

    def run_watched(self, watch: Watch, logic: Logic[T]) -> T:
        """Run a logic that notes bytes and attempts for the log by itself."""
        return run(logic, self.translator(watch.name), self._seconds_for(logic))

    def _seconds_for(self, logic: Logic[T]) -> float | None:
        try:
            return self.seconds()
        except BaseException:  # a project's property
            logic.close()
            raise

    async def arun(self, operation: str, name: object, logic: Logic[T]) -> T:
        """Run a logic from this event loop; as :meth:`run`."""
        with self.watch(operation, name) as watch:
            return await self.arun_watched(watch, logic)

    async def arun_watched(self, watch: Watch, logic: Logic[T]) -> T:
        """Run a logic that notes bytes and attempts for the log by itself."""
        return await arun(logic, self.translator(watch.name), self._seconds_for(logic))


def is_ours(cls: type[Any]) -> bool:
    """Tell whether a class is of this package."""
    return cls.__module__.partition(".")[0] == "django_fsspec_storages"


def _translate(running: Running, name: str, error: BaseException) -> OSError | None:
    return running.with_waits(translate(error, name, running.where(), running.explain))
