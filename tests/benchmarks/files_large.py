"""Large files each way: time beside the peer, and beside sshfs where it is below ours; memory and what it computes."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.files_bench import BENCHES, SSHFS, Bench, Run
from tests.benchmarks.measuring import MB, Row
from tests.benchmarks.rivals import OURS, PEERS, Figures, Worker, in_turns, row_of

__all__ = ["measure_memory", "measure_transfers"]

_RTT = 0.01
_PIECE = 64 * 1024
_MOST = 64 * MB

_PIECES = {"work": "pieces", "name": "large", "size": _PIECE}
_AT_ONCE = {"work": "read", "name": "large"}
_SAVE = {"work": "save_file"}

#: How sshfs does the same.
_PLAIN = {"read": "cat", "save_file": "put"}


def _source(folder: str, size: int) -> Path:
    path = Path(folder, "source")
    with path.open("wb") as file:
        file.writelines(os.urandom(MB) for _ in range(size // MB))
    return path


def measure_transfers(protocol: str, run: Run) -> list[Row]:
    """Return the rows of the clock. With TLS there is no round trip: the proxy could not read where data goes."""
    rtt = None if protocol == "ftps" else _RTT
    size = f"{run.sizes.transfer // MB} MB"
    network = f"{(rtt or 0) * 1e3:.0f} ms RTT"
    rows = []
    with tempfile.TemporaryDirectory() as folder, BENCHES[protocol](run, rtt) as bench:
        source = _source(folder, run.sizes.transfer)
        shutil.copy(source, bench.folder / "large")
        for what, call in (
            (f"read {size} in 64 KB", _PIECES),
            (f"read {size} at once", _AT_ONCE),
            (f"save {size}", _SAVE),
        ):
            if protocol == "sftp":
                figures = _timed(bench, [OURS, SSHFS], call, source, run.sizes.rounds)
                rows.append(_row(f"{what}, {network}, beside sshfs", figures, 1.1))
            if PEERS in run.rivals.packages:
                rounds = run.sizes.few if protocol == "sftp" else run.sizes.rounds
                figures = _timed(bench, [OURS, PEERS], call, source, rounds)
                # The peer's saves are pipelined, its reads are not.
                several = 1 / 3 if call != _SAVE else 1.1
                rows.append(_row(f"{what}, {network}", figures, several if protocol == "sftp" else None))
            elif protocol != "sftp":
                rows.append(
                    _row(f"{what}, {network}", _timed(bench, [OURS], call, source, run.sizes.rounds), None)
                )
    return rows


def _timed(
    bench: Bench, packages: Sequence[str], call: Mapping[str, Any], source: Path, rounds: int
) -> list[Figures]:
    expected = source.stat().st_size

    def measure(worker: Worker, turn: int) -> dict[str, Any]:
        asked = dict(call)
        if worker.package == SSHFS:
            asked["work"] = _PLAIN.get(asked["work"], asked["work"])
        if call is not _SAVE:
            done = worker.call(**asked)
            assert done["result"] == expected, done
            return done
        done = worker.call(**asked, name=f"saved-{worker.package}-{turn}", path=str(source))
        saved = bench.folder / done["result"]
        assert saved.read_bytes() == source.read_bytes()
        saved.unlink()
        return done

    with bench.workers(packages) as workers:
        for worker in workers:
            worker.call("exists", name="missing")  # logs in
        return in_turns(workers, measure, rounds)


def _row(what: str, figures: list[Figures], most: float | None) -> Row:
    row = row_of(what, figures, _seconds, "" if most is None else f"<= {most:.2f}")
    if most is not None and row.ratio is not None:
        row.met = row.ratio <= most
    return row


def _seconds(found: Figures) -> str:
    return f"{found.median('seconds'):.2f} s, {found.median('cpu'):.2f} s CPU"


def measure_memory(protocol: str, run: Run) -> list[Row]:
    """Return the rows of memory above the start, each time in a new process that has asked for one file before."""
    rows = []
    size = f"{run.sizes.large // MB} MB"
    rtts = (None,) if protocol == "ftps" else (None, _RTT)
    with tempfile.TemporaryDirectory() as folder:
        source = _source(folder, run.sizes.large)
        for rtt in rtts:
            with BENCHES[protocol](run, rtt) as bench:
                shutil.copy(source, bench.folder / "large")
                # Over a network the peer takes minutes, in no more memory.
                packages = run.rivals.packages if rtt is None else [OURS]
                for what, call in ((f"save {size}", _SAVE), (f"read {size} in 64 KB", _PIECES)):
                    figures = _weighed(bench, packages, call, source, run.sizes.few)
                    what = f"{what}, {(rtt or 0) * 1e3:.0f} ms RTT: peak memory"
                    row = row_of(what, figures, _weight, f"< {_MOST // MB} MB")
                    row.met = max(figures[0].all("peak")) < _MOST
                    rows.append(row)
    return rows


def _weighed(
    bench: Bench, packages: Sequence[str], call: Mapping[str, Any], source: Path, rounds: int
) -> list[Figures]:
    def weigh(package: str, turn: int) -> dict[str, Any]:
        with bench.worker(package) as worker:
            worker.call("exists", name="missing")
            if call is not _SAVE:
                read: dict[str, Any] = worker.ask("peak", **call)
                return read
            name = f"saved-{package}-{turn}"
            saved: dict[str, Any] = worker.ask("peak", **call, name=name, path=str(source))
            assert (bench.folder / name).stat().st_size == source.stat().st_size
            (bench.folder / name).unlink()
            return saved

    return in_turns(packages, weigh, rounds)


def _weight(found: Figures) -> str:
    return f"{found.median('peak') / MB:.0f} MB, {_seconds(found)}"
