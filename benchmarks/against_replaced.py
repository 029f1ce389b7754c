"""Ours and the replaced way in one run: same machine, registry, bases and packages.

    python -m benchmarks.against_replaced [--pythons 3.11 3.13] [--versions 0.33.0 0.34.0]
        [--bases slim] [--platforms linux/amd64 ...] [--new-version 0.35.0] [--no-repeat]
        [--image python-uvicorn] [--package uvicorn] [--extras standard]
        [--requires gunicorn httptools ...] [--no-one] [--unchecked]

Three runs, each done by both ways, in a clone of the last commit with a registry and a BuildKit
daemon of its own:

- *cold*: nothing of the images is anywhere. The builder holds no layer, no pulled base and no
  downloaded distribution, the registry no image and no build cache. It does hold the bases.
- *nothing changed*: the same again at once.
- *one new version* of the package is declared.

Ours is what ``make up`` does once the daemons run: resolve the lock, then ``pulumi up``, which runs
and checks every image before it names it; the other way checks nothing. It builds every tag at
every run, one after the other, twice: on a *fresh* machine a tag (the builder is pruned before each
one, outside the measured time), as its workflows did, and on *one* machine that keeps its builder
and so BuildKit's cache. ``--no-repeat`` takes its cold run for its second one on fresh machines
too, which is the same work again.

Without options, the images of the stack ``dev`` are built as they are declared. ``--image`` has the
first of them take another's name and assets, ``--package``, ``--extras`` and ``--requires`` other
distributions. ``--no-one`` leaves the second column of the other way out; with ``--unchecked`` ours
does not run its images either, so that both do the same work.

Both fetch what they install from the package index; ours once for all platforms, by what the lock
names.
"""

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmarks import replaced_way
from benchmarks.ours import Ours
from benchmarks.replaced_way import Builder, Job
from benchmarks.scratch import clone
from benchmarks.traffic import Storage, Upload, uploads
from fleet.console import say
from fleet.local import registry
from tests.ports import free_port

STACK = "dev"
_MEGABYTE = 10**6


@dataclass(frozen=True, kw_only=True)
class Done:
    """The cost of a run: its seconds, the blobs that it sent, the digests that its images keep.

    The digests are those of all runs since the first, whether a tag names them still or not.
    """

    seconds: float
    sent: tuple[Upload, ...]
    kept: frozenset[str]
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """The values that replace those of every declared image; an empty one replaces nothing.

    ``image`` is the name, and so the assets, that the first image has instead.
    """

    pythons: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    package: str = ""
    extras: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    image: str = ""

    def over(self, images: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        """Return declared ``images`` with this in its place."""
        lists = ("pythons", "versions", "bases", "platforms", "extras", "requires")
        chosen: dict[str, Any] = {key: list(getattr(self, key)) for key in lists}
        chosen = {key: value for key, value in {**chosen, "package": self.package}.items() if value}
        first, *others = images
        names = [self.image or first, *others]
        entries = ({**entry, **chosen} for entry in images.values())
        return dict(zip(names, entries, strict=True))


_UNCHECKED = "ARG IMAGE=scratch\nFROM ${IMAGE}\n"


class Contest:
    """Both ways on one registry and one builder below ``root``."""

    def __init__(self, root: Path, matrix: Matrix, *, checked: bool = True) -> None:
        self.scratch = clone(root, STACK)
        if not checked:
            (self.scratch.root / "assets/shared/verify/Dockerfile").write_text(_UNCHECKED)
        self._narrow(matrix)
        self.ours = Ours(self.scratch)
        here = self.scratch.here
        self._log = here.state / "log" / "registry.log"
        self.storage = Storage(here.state / "registry")
        self.builder = Builder(
            buildctl=here.bin / "buildctl", socket=here.socket, logins=here.docker_config
        )
        self.bases = frozenset(self.storage.held("stand-in"))

    def declare_version(self, version: str) -> None:
        """Add ``version`` to the first image, whose package it is a release of."""
        values = yaml.safe_load(self.scratch.config_file.read_text())
        image = next(iter(values["config"]["fleet:images"].values()))
        image["versions"] = [*image["versions"], version]
        self._write(values)

    def jobs(self) -> list[Job]:
        """Return what the other way builds for what is declared now."""
        plan, lock = self.ours.plan()
        return replaced_way.jobs(plan, lock, self.scratch.needs.host)

    def update(self) -> Done:
        """Run ours; return what it did."""
        begin = self._log.stat().st_size
        done = self.ours.update()
        return self._done(begin, done.seconds, self.ours.namespace, str(done))

    def build(self, jobs: Sequence[Job], *, fresh: bool) -> Done:
        """Run the other way; return what it did."""
        begin = self._log.stat().st_size
        seconds = replaced_way.run(self.builder, jobs, fresh=fresh)
        return self._done(begin, seconds, replaced_way.NAMESPACE)

    def _done(self, begin: int, seconds: float, namespace: str, note: str = "") -> Done:
        with self._log.open() as log:
            log.seek(begin)
            sent = tuple(uploads(log.read()))
        kept = frozenset(self.storage.held(namespace))
        return Done(seconds=seconds, sent=sent, kept=kept, note=note)

    def _narrow(self, matrix: Matrix) -> None:
        values = yaml.safe_load(self.scratch.config_file.read_text())
        config = values["config"]
        _, _, namespace = config["fleet:registry"].partition("/")
        config["fleet:registry"] = f"localhost:{free_port()}/{namespace}"
        config["fleet:images"] = matrix.over(config["fleet:images"])
        self._write(values)

    def _write(self, values: object) -> None:
        self.scratch.config_file.write_text(yaml.safe_dump(values, sort_keys=False))


def contest(found: Contest, new_version: str, *, repeat: bool, one: bool) -> None:
    """Run both ways and print what they cost."""
    try:
        _compare(found, new_version, repeat=repeat, one=one)
    finally:
        found.scratch.stop()


def _compare(found: Contest, new_version: str, *, repeat: bool, one: bool) -> None:
    old = found.jobs()
    found.builder.prune()
    found.ours.forget_lock()
    ours = [found.update(), found.update()]
    found.declare_version(new_version)
    ours.append(found.update())
    say(f"ours: {'; '.join(done.note for done in ours)}")
    new = [job for job in found.jobs() if job not in old]
    fresh = [found.build(old, fresh=True)]
    fresh.append(found.build(old, fresh=True) if repeat else fresh[0])
    fresh.append(_sum(fresh[1], found.build(new, fresh=True)))
    say(f"fresh machines: {', '.join(f'{done.seconds:.0f} s' for done in fresh)}")
    columns = [ours, fresh]
    if one:
        found.storage.forget(replaced_way.NAMESPACE)
        found.builder.prune()
        columns.append([found.build(jobs, fresh=False) for jobs in (old, old, [*old, *new])])
    # The layers of the bases: where these come from elsewhere, they are what both ways keep.
    theirs = frozenset[str]().union(*(column[-1].kept for column in columns[1:]))
    shared = found.bases | (ours[-1].kept & theirs)
    heads = ["ours", "fresh", "ratio", *(("one", "ratio") if one else ())]
    print(f"{'':30} " + " ".join(f"{h:>{8 if h == 'ratio' else 10}}" for h in heads))
    for run, dones in zip(_RUNS, zip(*columns, strict=True), strict=True):
        rows = [(done.seconds, *_megabytes(done, found.storage, shared)) for done in dones]
        print(table(run, rows))
        print(f"  ours: {dones[0].note}")
    print(_derived(repeat=repeat))


_RUNS = ("cold", "nothing changed", "one new version")
_UNITS = ("seconds", "MB sent", "MB kept so far")


def _megabytes(done: Done, storage: Storage, shared: frozenset[str]) -> tuple[float, float]:
    sent = storage.sent(done.sent, shared)
    return sent / _MEGABYTE, storage.size(done.kept - shared) / _MEGABYTE


def table(run: str, costs: Sequence[tuple[float, ...]]) -> str:
    """Return a line per unit: ours, then each column of the other way with its ratio to ours."""
    lines = []
    for unit, ours, *others in zip(_UNITS, *costs, strict=True):
        words = [f"{f'{run}, {unit}':30}", f"{ours:10.2f}"]
        for theirs in others:
            words += [f"{theirs:10.2f}", f"{theirs / ours:8.1f}" if ours else f"{'-':>8}"]
        lines.append(" ".join(words))
    return "\n".join(lines)


def _derived(*, repeat: bool) -> str:
    """Return which figures of the column ``fresh`` were worked out from others, not measured."""
    again = "the run before it" if repeat else "the cold run"
    text = f"fresh, one new version: {again}, and the new tags alone, added up."
    return text if repeat else f"fresh, nothing changed: not run again, the cold run's.\n{text}"


def _sum(again: Done, new: Done) -> Done:
    """Return the run of everything, of which ``new`` came last."""
    seconds = again.seconds + new.seconds
    return Done(seconds=seconds, sent=(*again.sent, *new.sent), kept=new.kept)


def main(arguments: list[str]) -> int:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.against_replaced")
    for name in ("pythons", "versions", "bases", "platforms", "extras", "requires"):
        parser.add_argument(f"--{name}", nargs="+", default=[])
    parser.add_argument("--image", default="")
    parser.add_argument("--package", default="")
    parser.add_argument("--no-one", action="store_true")
    parser.add_argument("--unchecked", action="store_true")
    parser.add_argument("--new-version", default="0.35.0")
    parser.add_argument("--no-repeat", action="store_true")
    chosen = parser.parse_args(arguments)
    matrix = Matrix(
        pythons=tuple(chosen.pythons),
        versions=tuple(chosen.versions),
        bases=tuple(chosen.bases),
        platforms=tuple(chosen.platforms),
        package=chosen.package,
        extras=tuple(chosen.extras),
        requires=tuple(chosen.requires),
        image=chosen.image,
    )
    # The log of the registry that is started names every upload.
    registry.LOG["accesslog"] = {"disabled": False}
    # A short path: sockets live below it, and theirs have 108 bytes at most.
    with tempfile.TemporaryDirectory(prefix="fleet-") as folder:
        found = Contest(Path(folder) / "c", matrix, checked=not chosen.unchecked)
        contest(found, chosen.new_version, repeat=not chosen.no_repeat, one=not chosen.no_one)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
