"""The second process of the tests: ``python -m tests.contract.process`` reads a task a line and answers each."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from django.core.files.base import ContentFile  # noqa: E402

from django_fsspec_storages.filesystems.driver import filesystem_loop  # noqa: E402
from tests.contract.backends import construct  # noqa: E402
from tests.contract.calls import AsyncCalls, Calls, settle  # noqa: E402
from tests.contract.racing import PATIENCE, race  # noqa: E402
from tests.support.interruptions import press_until  # noqa: E402

_storage: Any = None


def task_construct(configuration: dict[str, Any]) -> None:
    """Make the storage that the other tasks use."""
    global _storage
    _storage = construct(configuration)


def task_lazily(configuration: dict[str, Any], module: str) -> list[bool]:
    """Tell whether a module is imported by constructing a storage and asking for a URL, and by using it."""
    task_construct(configuration)
    _storage.url("a.txt")
    repr(_storage)
    before = module in sys.modules
    with contextlib.suppress(FileNotFoundError):  # memory has nothing of another process
        task_read("a.txt")
    return [before, module in sys.modules]


def task_save(name: str, content: str) -> str:
    """Save a text."""
    return str(_storage.save(name, ContentFile(content.encode())))


def task_read(name: str) -> str:
    """Return a text."""
    with _storage.open(name) as file:
        return str(file.read().decode())


def task_delete(name: str) -> None:
    """Delete a file."""
    _storage.delete(name)


def task_facts(name: str) -> list[Any]:
    """Return what the storage says of a name."""
    exists = _storage.exists(name)
    return [exists, _storage.size(name) if exists else None, sorted(_storage.listdir("")[1])]


def task_race(name: str, contents: list[str]) -> list[str]:
    """Save several texts under one name, all at once."""
    return race([lambda content=content: task_save(name, content) for content in contents])  # type: ignore[misc]


def task_interrupt(name: str, colour: str, size: int) -> dict[str, Any]:
    """Have Ctrl-C pressed in the middle of a save, while the content is read."""
    calls = AsyncCalls(_storage) if colour == "async" else Calls(_storage)
    try:
        calls.save(name, _Interrupting(size))
    except KeyboardInterrupt:
        outcome = "interrupted"
    else:
        outcome = "saved"
    finally:
        calls.close()
    settle()
    return {"outcome": outcome, **_state(name)}


def task_interrupt_waiting(name: str, content: str, request: str) -> dict[str, Any]:
    """Have Ctrl-C pressed while a save waits for an answer of the coroutine filesystem's server."""
    # Four parts move at once; a save that could go on would come to what is not interrupted.
    gates = [_storage.fs.server.hold(request, nth) for nth in range(1, 5 if request == "part" else 2)]
    gate = gates[-1]
    pressed = threading.Event()

    def interrupt(*received: Any) -> None:
        if not pressed.is_set():
            pressed.set()
            raise KeyboardInterrupt

    def press() -> None:
        gate.arrived.wait(PATIENCE)
        press_until(pressed)
        # Only a part is cancelled; all else is shielded, and ends before the interruption comes through.
        if not gate.left.wait(PATIENCE if request == "part" else 0.3):
            filesystem_loop().call_soon_threadsafe(gate.open)

    before = signal.signal(signal.SIGINT, interrupt)
    thread = threading.Thread(target=press)
    thread.start()
    try:
        task_save(name, content)
    except KeyboardInterrupt:
        outcome = "interrupted"
    else:
        outcome = "saved"
    finally:
        thread.join()
        signal.signal(signal.SIGINT, before)
    settle()
    return {"outcome": outcome, "cancelled": gate.cancelled, **_state(name)}


def _state(name: str) -> dict[str, Any]:
    content = task_read(name) if _storage.exists(name) else None
    return {"content": content, "leftovers": [found.path for found in _leftovers()]}


def _leftovers() -> list[Any]:
    return list(_storage.fs.leftovers(_storage.fs_path(""))) if hasattr(_storage, "fs") else []


class _Interrupting:
    """A file in whose middle somebody presses Ctrl-C."""

    name = "interrupting"

    def __init__(self, size: int) -> None:
        self.size = size

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        yield b"x" * self.size
        if threading.current_thread() is threading.main_thread():
            signal.raise_signal(signal.SIGINT)
        else:
            os.kill(os.getpid(), signal.SIGINT)
        yield b"y" * self.size


def task_hang(name: str, size: int) -> None:
    """Begin a save that never ends: its content says that the save has begun, and waits to be killed."""

    def chunks(chunk_size: int | None = None) -> Iterator[bytes]:
        yield b"x" * size
        sys.stdout.write(json.dumps({"result": "begun"}) + "\n")
        sys.stdout.flush()
        threading.Event().wait()
        yield b""

    content = ContentFile(b"")
    content.chunks = chunks  # type: ignore[method-assign]
    _storage.save(name, content)


def task_fork(name: str | None, content: str) -> dict[str, Any]:
    """Use the storage, fork, and use it in the child, which reports through a pipe; without a name it only reads."""
    if name is not None:
        _storage.save("before.txt", ContentFile(b"before the fork"))
    task_read("before.txt")
    asyncio.run(_aread("before.txt"))
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # Python 3.12: the process has threads. So have servers'
        child = os.fork()
    if child == 0:
        _child(name, content, writing)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return {"child": json.loads(said), "parent": task_read("before.txt")}


def _child(name: str | None, content: str, writing: int) -> None:
    signal.alarm(PATIENCE)  # a child that hangs is killed
    try:
        saved = "before.txt" if name is None else task_save(name, content)
        said = {
            "saved": saved,
            "read": [task_read("before.txt"), task_read(saved)],
            "async": asyncio.run(_aread(saved)),
        }
    except BaseException as error:
        said = {"error": repr(error)}
    os.write(writing, json.dumps(said).encode())
    os._exit(0)


async def _aread(name: str) -> str:
    if not hasattr(_storage, "aopen"):
        return task_read(name)
    async with await _storage.aopen(name) as file:
        return str((await file.read()).decode())


def main() -> None:
    """Answer until the input ends."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started us may have it ignored
    tasks: dict[str, Callable[..., Any]] = {
        name.removeprefix("task_"): function
        for name, function in globals().items()
        if name.startswith("task_")
    }
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            answer = {"result": tasks[asked.pop("task")](**asked)}
        except Exception:
            answer = {"error": traceback.format_exc()}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
