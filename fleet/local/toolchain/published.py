"""The archives that the makers of the tools publish, and the SHA-256 recorded of each."""

import hashlib
import re
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from fleet.console import TroubleError
from fleet.http.blocking import Blocking
from fleet.http.errors import DeadlineError, HttpError, UnreachableError
from fleet.http.message import Call
from fleet.http.retry import RetryPolicy
from fleet.local.remaining import UNKNOWN, Remaining
from fleet.local.toolchain.modules import (
    BUILDKIT,
    DOCKER_BUILD,
    GITHUB,
    PULUMI,
    REGISTRY,
    Module,
)
from fleet.local.toolchain.modules import target as own_target

RECORDED: Final = Path("toolchain/published.sha256")
"""Lines of ``sha256  name``, as ``sha256sum`` writes them; a line that begins with # is for people.

An archive without a line is never downloaded: the program is then built from its Go module.
"""

_TARGETS = (("linux", "amd64"), ("linux", "arm64"), ("darwin", "amd64"), ("darwin", "arm64"))
_ENGINE = (PULUMI, DOCKER_BUILD, GITHUB)
# A site that sends nothing for a minute has failed sooner than this.
_DEADLINE = 900.0
_OFFER_DEADLINE = 5.0
_LINE = re.compile(r"^([0-9a-f]{64})  ([A-Za-z0-9._-]+)$", re.MULTILINE)
_HEADER = """\
# SHA-256 of what is published of Pulumi, BuildKit and distribution. `make checksums` downloads what
# has no line yet, and adds one. Before a commit, compare with what the makers say: of the engine
# pulumi-<version>-checksums.txt or its Homebrew formula, of the others what GitHub shows
# beside the files. What has no line here is not downloaded, but built from its Go module.
"""


def address(module: Module, target: tuple[str, str]) -> str:
    """Return where the archive of ``module`` is published.

    ``target`` is operating system and architecture, as Go names them.
    """
    system, machine = target
    x64 = "x64" if machine == "amd64" else machine
    values = {"name": module.name, "version": module.version}
    return module.archive.format(system=system, machine=machine, x64=x64, **values)


def addresses(target: tuple[str, str]) -> list[str]:
    """Return where all that is used on ``target`` is published: the daemons run on Linux alone.

    What not every stack needs comes last.
    """
    daemons = (BUILDKIT, REGISTRY) if target[0] == "linux" else ()
    return [address(module, target) for module in (PULUMI, DOCKER_BUILD, *daemons, GITHUB)]


def missing(known: Mapping[str, str], platform: str) -> list[str]:
    """Return the archives of engine and plugins for ``platform`` that are not ``known``.

    '' is taken for linux/amd64.
    """
    machine = platform.removeprefix("linux/") or "amd64"
    names = (name_of(address(module, ("linux", machine))) for module in _ENGINE)
    return [name for name in names if name not in known]


def name_of(url: str) -> str:
    """Return the name of the archive at ``url``."""
    return url.rpartition("/")[2]


def recorded(root: Path) -> dict[str, str]:
    """Return the recorded SHA-256 of each archive by its name."""
    path = root / RECORDED
    return parse(path.read_text(encoding="utf-8", errors="replace") if path.exists() else "")


def parse(text: str) -> dict[str, str]:
    """Return the SHA-256 of each archive by its name, from the text of such a file."""
    return {found[2]: found[1] for found in _LINE.finditer(text)}


def content(root: Path, url: str, remaining: Remaining = UNKNOWN, step: str = "") -> bytes:
    """Return the archive at ``url``, one of those that are recorded, whose bytes are recorded.

    :raises TroubleError: when they are others: nothing of them is used.
    :raises fleet.http.errors.HttpError: when they can't be had.
    """
    found, digest = _downloaded(url, remaining, step), recorded(root)[name_of(url)]
    seen = hashlib.sha256(found).hexdigest()
    if seen != digest:
        raise TroubleError(
            f"{url} has SHA-256 {seen}, and {digest} is recorded in {RECORDED}; it is not "
            "used.\nCompare both with the checksums of the release on GitHub. To build from Go "
            "modules instead, remove its line there."
        )
    return found


def obstacle(url: str) -> str:
    """Return why the site does not say within 5 s that it has the archive; empty if it does.

    A proxy may answer for it.

    :raises fleet.http.errors.HttpError: where the certificates to trust can't be read.
    """
    with Blocking(deadline=_OFFER_DEADLINE) as client:
        try:
            status = client.once(Call(method="HEAD", url=url)).status
        except DeadlineError:
            return f"no answer within {_OFFER_DEADLINE:g} s"
        except UnreachableError:
            return "it can't be reached"
        except HttpError:
            return "its answer can't be used"
    return "" if status == HTTPStatus.OK else f"it answers {status}"


def record(root: Path) -> int:
    """Record the SHA-256 of every archive that is used on any machine; return how many were added.

    Those of this machine come first, and each is written at once. What is recorded already is not
    downloaded again, and stays as somebody compared it; a line of another version goes.

    :raises TroubleError: naming those that can't be had, once all others are recorded.
    """
    known, urls = recorded(root), _all_addresses()
    missing = [name for name in urls if name not in known]
    if known.keys() - urls.keys():
        known = {name: digest for name, digest in known.items() if name in urls}
        _write(root, known)
    failed: list[str] = []
    lost: set[str] = set()
    for name in missing:
        url, host = urls[name], urlsplit(urls[name]).netloc
        # Each request to a host may wait until its deadline.
        if host in lost:
            failed.append(f"{url}: not asked, because {host} can't be reached")
            continue
        try:
            known[name] = hashlib.sha256(_downloaded(url)).hexdigest()
        except HttpError as error:
            lost |= {host} if isinstance(error, UnreachableError) else set()
            failed.append(str(error).partition("\n")[0])
            continue
        _write(root, known)
    added = len(missing) - len(failed)
    if failed:
        listed = "".join(f"\n  - {why}" for why in failed)
        raise TroubleError(
            f"{RECORDED}: added the SHA-256 of {added} archives, and {len(failed)} can't be had:"
            f"{listed}\nRun it again to add them. What has no line is built from its Go module."
        )
    return added


def _all_addresses() -> dict[str, str]:
    """Return where each archive of any machine is published, by its name; this machine's first."""
    targets = sorted(_TARGETS, key=lambda each: each != own_target())
    return {name_of(url): url for each in targets for url in addresses(each)}


def _write(root: Path, digests: Mapping[str, str]) -> None:
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(digests.items()))
    (root / RECORDED).write_text(f"{_HEADER}{lines}", encoding="utf-8")


def _downloaded(url: str, remaining: Remaining = UNKNOWN, step: str = "") -> bytes:
    call = Call(method="GET", url=url, limit=512 << 20, deadline=_DEADLINE)
    # An answer that was cut off is asked for once more; one that is too slow is not.
    again = RetryPolicy(attempts=2)
    what = f"toolchain: downloading {url}"
    with remaining.step(step, what), Blocking(retry=again) as client:
        try:
            reply = client.send(call)
        except HttpError as error:
            raise type(error)(
                f"{error}\nRun it again. To build from Go modules instead, remove its line in "
                f"{RECORDED}."
            ) from error
    if reply.status != HTTPStatus.OK:
        raise HttpError(f"{call.place}: answered {reply.status}; expected the archive")
    return reply.body
