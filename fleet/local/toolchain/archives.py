"""Programs as their makers ship them: unpacked from a recorded archive, where their site has it."""

import hashlib
import io
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from fleet.console import TroubleError, say
from fleet.local.paths import Checkout
from fleet.local.remaining import UNKNOWN, Remaining
from fleet.local.toolchain import gobuild, published
from fleet.local.toolchain.modules import PULUMI, Module, target

_MANY = ("archives of", "they are")
_REMEDY = f"To build from Go modules instead, remove its line in {published.RECORDED}."


def unpacked(checkout: Checkout, module: Module) -> Path | None:
    """Return where the programs of ``module`` lie in the cache, from its recorded archive."""
    digest = published.recorded(checkout.root).get(archive(module))
    folder = _folder(checkout, module, digest) if digest else None
    there = folder and all((folder / name).is_file() for name in module.programs)
    return folder if there else None


def obstacles(checkout: Checkout, wanted: Iterable[Module]) -> dict[str, str]:
    """Return by name those of ``wanted`` whose archive is recorded, and why it can't be had.

    That is empty where it can.
    """
    recorded = published.recorded(checkout.root)
    known = [module for module in wanted if archive(module) in recorded]
    # A site that does not answer is waited for, so all are asked at once.
    with ThreadPoolExecutor(max_workers=max(len(known), 1)) as pool:
        whys = pool.map(lambda m: published.obstacle(published.address(m, target())), known)
        return {module.name: why for module, why in zip(known, whys, strict=True)}


def say_built(builds: Iterable[Module], whys: Mapping[str, str]) -> None:
    """Say, by host and reason, why the recorded archives that it should have are built instead.

    ``whys`` are the `obstacles`. What has no record is built because somebody wants it so.
    """
    hosts: dict[tuple[str, str], list[str]] = {}
    for module in builds:
        if module.name in whys:
            host = urlsplit(published.address(module, target())).netloc
            hosts.setdefault((host, whys[module.name]), []).append(module.name)
    for (host, why), names in hosts.items():
        archive_of, they_are = ("archive of", "it is") if len(names) == 1 else _MANY
        say(
            f"toolchain: the recorded {archive_of} {', '.join(names)} can't be had from {host} "
            f"({why}), so {they_are} built"
        )


def unrecorded(checkout: Checkout, modules: Iterable[Module]) -> list[Module]:
    """Return those of ``modules`` whose archive has no SHA-256 on record."""
    recorded = published.recorded(checkout.root)
    return [module for module in modules if archive(module) not in recorded]


def unpack(checkout: Checkout, module: Module, remaining: Remaining = UNKNOWN) -> Path:
    """Unpack the recorded archive of ``module`` into the cache; return the folder of its programs.

    No code of the archive is run for that, and nothing of it is used unless it is the recorded one.
    The folder is named by the archive, so that what was unpacked from another one is never used.
    Of two runs at a time one unpacks it.

    :raises TroubleError: when it is another one, or has not these programs.
    :raises fleet.http.errors.HttpError: when it can't be had.
    """
    with gobuild.alone_in_cache(checkout):
        return unpacked(checkout, module) or _unpacked(checkout, module, remaining)


def _unpacked(checkout: Checkout, module: Module, remaining: Remaining) -> Path:
    url = published.address(module, target())
    content = published.content(checkout.root, url, remaining, module.name)
    folder = _folder(checkout, module, hashlib.sha256(content).hexdigest())
    with tempfile.TemporaryDirectory(prefix=f".{module.name}-", dir=folder.parent) as temporary:
        made = Path(temporary, "archive")
        try:
            _extract(content, module, made)
            found = made / module.folder
            if missing := [name for name in module.programs if not (found / name).is_file()]:
                path = Path(module.folder, missing[0])
                raise tarfile.TarError(f"it has no {path}")  # noqa: TRY301
            shutil.rmtree(folder, ignore_errors=True)
            found.rename(folder)
        except (OSError, tarfile.TarError) as error:
            raise TroubleError(f"{url} can't be unpacked: {error}. {_REMEDY}") from error
    return folder


def _extract(content: bytes, module: Module, folder: Path) -> None:
    """Extract the programs of ``module``, and of the engine all else.

    Its language hosts are beside it, where it looks for them. Beside BuildKit are a runc and
    emulators; Debian's are used, which it keeps up to date.
    """
    wanted = [Path(module.folder, name) for name in module.programs]
    folder.mkdir()
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as opened:
        members = [m for m in opened if module == PULUMI or Path(m.name) in wanted]
        opened.extractall(folder, members, filter="data")


def archive(module: Module) -> str:
    """Return the name of the archive of ``module`` for this machine."""
    return published.name_of(published.address(module, target()))


def _folder(checkout: Checkout, module: Module, digest: str) -> Path:
    return checkout.cache / "tools" / f"{module.name}-archive-{digest[:16]}"
