"""Faults put into the program one after the other: the fast tests must find each.

    python -m tests.seeded_faults [--only NUMBER ...]

Each takes a small piece of the program that a promise hangs on, and makes it wrong as a slip
would. They are put into a copy of the checkout, and the fast tests of that part are run there. A
fault that these do not find is named, and the exit status is 1. It takes some minutes.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fleet.console import say

ROOT: Final = Path(__file__).parents[1]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """``old``, which is in the file once, becomes ``new``; ``tests`` are paths below tests/."""

    file: str
    old: str
    new: str
    tests: str


def _faults() -> Iterator[Fault]:
    client, registry = "fleet/registry/client.py", "fleet/registry"
    yield Fault(
        file=client,
        old="if live == manifest.digest:",
        new="if live != manifest.digest:",
        tests=registry,
    )
    yield Fault(
        file=client,
        old="            if not is_digest(reference):\n                _require_named",
        new="            if is_digest(reference):\n                _require_named",
        tests=registry,
    )
    yield Fault(
        file=client,
        old="if is_digest(expected) and expected != found:",
        new="if is_digest(expected) and not found:",
        tests=registry,
    )
    yield Fault(
        file=client,
        old="            found |= set(_page_of(reply.body, call.place))",
        new="            found = set(_page_of(reply.body, call.place))",
        tests=registry,
    )
    yield Fault(
        file=client,
        old="if address in seen or len(seen) == _PAGES:",
        new="if False:",
        tests=registry,
    )
    yield Fault(
        file="fleet/registry/docker_login.py",
        old="if host == canonical(repository.host)",
        new="if host",
        tests=registry,
    )
    yield Fault(
        file="fleet/registry/docker_login.py",
        old="key = max(fitting, key=lambda one: fitting[one])",
        new="key = min(fitting, key=lambda one: fitting[one])",
        tests=registry,
    )
    yield Fault(
        file="fleet/registry/login.py",
        old="if declared.get(host) == entry}",
        new="if host in declared}",
        tests=registry,
    )
    yield Fault(
        file="fleet/http/retry.py",
        old="            if (done := await settled()) is not None:\n                return done\n",
        new="",
        tests=registry,
    )
    yield Fault(
        file="fleet/http/retry.py", old="if asked > self.longest:", new="if False:", tests="fleet"
    )
    declaration, plan = "fleet/declaration", "fleet/plan"
    yield Fault(
        file="fleet/plan/pointers.py",
        old="versions.eligible(versions_of(image, python, base), yanked)",
        new="versions_of(image, python, base)",
        tests=plan,
    )
    yield Fault(
        file="fleet/plan/pointers.py",
        old="versions.highest(line)",
        new="max(line)",
        tests=plan,
    )
    yield Fault(
        file="fleet/plan/plan.py",
        old="policy={**STALE_DEFAULTS, **image.pointers}",
        new="policy=dict(image.pointers)",
        tests=plan,
    )
    yield Fault(
        file="fleet/plan/plan.py",
        old="identity=digest_of([build.identity for build in builds])",
        new="identity=builds[0].identity",
        tests=plan,
    )
    yield Fault(
        file="fleet/plan/wheel_builds.py",
        old="if pin in held.compiled]",
        new="]",
        tests=plan,
    )
    yield Fault(
        file="fleet/plan/build_inputs.py",
        old='found["installer"] = ',
        new="_ = ",
        tests=plan,
    )
    yield Fault(
        file="fleet/declaration/logins.py",
        old="found = {} if is_embedded(host) or not host else",
        new="found = {} if not host else",
        tests=f"{declaration} fleet/local",
    )
    provider = "providers/ociregistry"
    stale = f"{provider}/stale_pointers"
    yield Fault(
        file=f"{stale}/model.py",
        old="live_pointers(view.live.keys() - inputs.pointers, inputs.grammar)",
        new="live_pointers(view.live.keys(), inputs.grammar)",
        tests=provider,
    )
    yield Fault(
        file=f"{stale}/model.py",
        old="if removals <= inputs.max_removals * live:",
        new="if removals < inputs.max_removals * live or removals < live:",
        tests=provider,
    )
    yield Fault(
        file=f"{stale}/model.py", old='if day > view.read_on else ""', new='if False else ""',
        tests=provider,
    )  # fmt: skip
    yield Fault(
        file=f"{stale}/removability.py",
        old='if owner not in {"", inputs.owner}:',
        new="if False:",
        tests=provider,
    )
    yield Fault(
        file=f"{stale}/removability.py",
        old="        if not may_be_version(tag):",
        new="        if True:",
        tests=provider,
    )
    yield Fault(
        file=f"{stale}/allow_list.py",
        old="self.removals.get(ref) == digest:",
        new="ref in self.removals:",
        tests=provider,
    )
    yield Fault(
        file=f"{stale}/departure.py",
        old="or declared.removers[repository] - {urn}:",
        new="or False:",
        tests=provider,
    )
    yield Fault(
        file=f"{provider}/tag/writer.py",
        old="if live not in {before, manifest.digest}:",
        new="if False:",
        tests=provider,
    )
    yield Fault(
        file=f"{provider}/tag/writer.py",
        old="        if lost:\n            raise",
        new="        if False:\n            raise",
        tests=provider,
    )
    yield Fault(
        file=f"{provider}/tag/predict.py",
        old="if recorded.identity != inputs.identity:",
        new="if recorded.identity == inputs.identity:",
        tests=provider,
    )
    images = "assets"
    yield Fault(
        file="assets/shared/image/start/common.sh",
        old='elif [ -f "$app_root/main.py" ]; then',
        new="elif false; then",
        tests=images,
    )
    yield Fault(
        file="assets/shared/image/start/common.sh",
        old='            fail "PRE_START_PATH names',
        new='            note "PRE_START_PATH names',
        tests=images,
    )
    yield Fault(
        file="assets/shared/image/building/install.py",
        old="for wheel in sorted(wanted, key=lambda path: path.name):",
        new="for wheel in wanted:",
        tests=images,
    )


FAULTS: Final = tuple(_faults())


def main(arguments: list[str]) -> int:
    """Return 0 when the tests find every fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.seeded_faults")
    parser.add_argument("--only", type=int, nargs="+", metavar="NUMBER")
    chosen = parser.parse_args(arguments).only or range(1, len(FAULTS) + 1)
    missed = []
    with tempfile.TemporaryDirectory(prefix="fleet-") as folder:
        copy = Path(folder) / "checkout"
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", ROOT, copy], check=True)
        shutil.copytree(ROOT / "tests", copy / "tests", dirs_exist_ok=True)
        (copy / ".venv").symlink_to(sys.prefix)
        for tests in dict.fromkeys(FAULTS[number - 1].tests for number in chosen):
            if _fail(copy, tests):
                raise SystemExit(f"{tests}: these tests fail without any fault")
        for number in chosen:
            fault = FAULTS[number - 1]
            found = _found(copy, fault)
            missed += [] if found else [number]
            say(f"{number:2} {'found ' if found else 'MISSED'} {fault.file}: {fault.old.strip()}")
    say(f"{len(missed)} of {len(list(chosen))} faults were not found")
    return bool(missed)


def _found(copy: Path, fault: Fault) -> bool:
    path = copy / fault.file
    before = path.read_text("utf-8")
    path.write_text(before.replace(fault.old, fault.new), "utf-8")
    try:
        return _fail(copy, fault.tests)
    finally:
        path.write_text(before, "utf-8")


def _fail(copy: Path, tests: str) -> bool:
    """Tell whether some of ``tests`` fail in ``copy``."""
    words = ["-q", "-x", "-p", "no:cacheprovider", "-n", "2", "-m", "not integration and not slow"]
    argv = [sys.executable, "-B", "-m", "pytest", *words]
    argv += [f"tests/{each}" for each in tests.split()]
    done = subprocess.run(argv, cwd=copy, check=False, capture_output=True, text=True)
    # pytest-xdist ends with 2, interrupted, where -x stops it.
    if done.returncode not in (0, 1, 2):
        raise SystemExit(f"the tests could not be run:\n{done.stdout}{done.stderr}")
    return done.returncode != 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
