"""What a source distribution requires, asked of its build backend in a builder.

The backend is code of others. What it needs is fetched here, by hash and without being run; in the
builder it has no network and no secret, and what it answers is read as a stranger's text.
"""

import io
import re
import shutil
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from fleet.http.text import one_line
from fleet.lock.model import Base, bare, holds, name_of
from fleet.releases.lock.builders import Build, BuilderError
from fleet.releases.lock.requirements import Resolution, Wanted
from fleet.releases.lock.uv import LONGEST_REASON, ResolutionError
from fleet.releases.pypi.index import chosen
from fleet.releases.pypi.pypi import File
from fleet.releases.pypi.sdists import SdistError, build_requires, metadata_built

_LARGEST = 1024 * 1024
_HERE = Path(__file__).parent
_USUAL = "linux/amd64"
# A name that an index chose becomes that of a file.
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]*")


@dataclass(frozen=True, kw_only=True)
class Backends:
    """The build backends of source distributions, asked on the ``base`` that compiles for a Python.

    ``content`` and ``files`` are the index's; ``build`` returns what a build leaves.
    """

    base: Callable[[str], Base]
    content: Callable[[File], bytes]
    files: Callable[[str], tuple[File, ...]]
    distributions: Callable[[Wanted], Resolution]
    build: Callable[[Build], bytes]
    say: Callable[[str], None]

    def metadata(self, sdist: File, python: str) -> str:
        """Return the core metadata that a wheel of ``sdist`` on ``python`` would have.

        It is asked for one platform: linux/amd64 where that is declared, so that a lock does not
        hang on who writes it.

        :raises SdistError: where the backend can't be had, or can't tell.
        :raises BuilderError: where that could not be found out.
        """
        base = self.base(python)
        platform = _USUAL if _USUAL in base.platforms else min(base.platforms)
        needed = self._needed(sdist, python, platform)
        self.say(f"asking {sdist.name} in a builder what it requires on Python {python}")
        with TemporaryDirectory(prefix="metadata-") as name:
            folder = Path(name)
            shutil.copy(_HERE / "ask_backend.sh", folder)
            shutil.copy(_HERE / "ask_backend.Dockerfile", folder / "Dockerfile")
            ending = ".zip" if sdist.name.endswith(".zip") else ".tar.gz"
            (folder / f"source{ending}").write_bytes(self.content(sdist))
            (folder / "requirements.txt").write_text("".join(f"{pin}\n" for pin in needed))
            (folder / "wheels").mkdir()
            for wheel in needed.values():
                (folder / "wheels" / wheel.name).write_bytes(self.content(wheel))
            build = Build(folder=folder, base=base.pinned, platform=platform)
            try:
                left = _files_in(self.build(build))
            except (BuilderError, tarfile.TarError) as error:
                raise BuilderError(
                    f"{sdist.name}: its requirements can't be read: {error}"
                ) from None
        if "REPORT" not in left or "ERROR" in left:
            why = one_line(left.get("ERROR", b"it gave no reason"), LONGEST_REASON).rstrip(".")
            raise SdistError(
                f"{sdist.name}: its build backend did not report its requirements: {why}"
            )
        return metadata_built(sdist.name, left["REPORT"])

    def _needed(self, sdist: File, python: str, platform: str) -> Mapping[str, File]:
        """Return what builds ``sdist``, each pin with the wheel of it that installs there."""
        requires = build_requires(sdist.name, self.content(sdist))
        if not requires:
            return {}
        try:
            found = self.distributions(Wanted(requirements=requires, python=python, upstream=True))
        except ResolutionError as error:
            raise SdistError(
                f"{sdist.name}: its build requirements can't be resolved: {error}"
            ) from None
        needed: dict[str, File] = {}
        for pin in (bare(pin) for pin in found.pins if holds(pin, python, platform)):
            locked = [f for f in self.files(name_of(pin)) if f.sha256 in found.hashes[pin]]
            wheel = chosen(locked, python, platform, "glibc")
            if wheel is None or not _FILE.fullmatch(wheel.name):
                raise SdistError(
                    f"{sdist.name}: its build requirement {pin} has no wheel for {platform}"
                )
            needed[pin] = wheel
        return needed


def _files_in(archive: bytes) -> dict[str, bytes]:
    """Return the plain files in ``archive`` by name, none longer than any real metadata."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as files:
        found = {member.name: files.extractfile(member) for member in files if member.isreg()}
        return {name: file.read(_LARGEST) for name, file in found.items() if file}
