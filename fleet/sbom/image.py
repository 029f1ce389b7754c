"""An image from its layers: the files that name packages, and the packages in them."""

import posixpath
from collections.abc import Iterable, Iterator, Mapping

from fleet.sbom.alpine import read_installed
from fleet.sbom.debian import read_status
from fleet.sbom.layer import LONGEST_PATH, LayerFacts, ancestors
from fleet.sbom.model import Package, System, UnreadableImageError
from fleet.sbom.python import interpreter, marker_environment, read_metadata

# As many as Linux follows (path_resolution(7)).
_MOST_LINKS = 40
_DPKG = "var/lib/dpkg/status"
_DPKG_FOLDER = "var/lib/dpkg/status.d"
_APK = ("lib/apk/db/installed", "usr/lib/apk/db/installed")
_SYSTEM = ("etc/os-release", "usr/lib/os-release")
_PYTHON = ("METADATA", "PKG-INFO", ".egg-info")


class RootFolder:
    """The root folder of an image, as far as it matters: layers are added from the lowest up."""

    def __init__(self, place: str) -> None:
        self._place = place
        self.files: dict[str, bytes] = {}
        self._links: dict[str, str] = {}

    def add(self, layer: LayerFacts) -> None:
        """Put a layer on top.

        :raises UnreadableImageError: if links go in a circle or too far, or a hard link leads
            nowhere.
        """
        covered = layer.covering
        self._links = {
            path: target
            for path, target in self._links.items()
            if not _is_gone(path, covered, layer.folders, layer.opaque)
        }
        for path, target in layer.symbolic_links.items():
            self._links[self._in_real_folder(path)] = target
        covering = {self._in_real_folder(path) for path in covered}
        folders = {self._in_real_folder(path) for path in layer.folders}
        opaque = {self.real(path) for path in layer.opaque}
        self.files = {
            path: content
            for path, content in self.files.items()
            if not _is_gone(path, covering, folders, opaque)
        }
        for path, content in layer.files.items():
            self.files[self._in_real_folder(path)] = content
        for path, target in layer.hard_links.items():
            content_of_target = self.files.get(self._in_real_folder(target))
            if content_of_target is None:
                raise UnreadableImageError(
                    f"{self._place}: {path} is a hard link to {target}, which is not there"
                )
            self.files[self._in_real_folder(path)] = content_of_target

    def find(self, path: str) -> bytes | None:
        """Return the content at a path, through links that stay in the image; None without one.

        :raises UnreadableImageError: if a link at that very path leads to a file that is not known.
        """
        content = self.files.get(self.real(path))
        if content is None and self._in_real_folder(path) in self._links:
            raise UnreadableImageError(
                f"{self._place}: {path} is a link to something that is not read"
            )
        return content

    def real(self, path: str) -> str:
        """Return what a path leads to, links in all its parts followed."""
        found = self._in_real_folder(f"{path}/.")
        return "" if found == "." else found.removesuffix("/.")

    def _in_real_folder(self, path: str) -> str:
        """Return a path with the links to its folder followed; ``..`` ends at the root."""
        if not any(folder in self._links for folder in ancestors(path)):
            return path
        done = ""
        rest = path.split("/")[::-1]
        followed = 0
        while len(rest) > 1:
            part = rest.pop()
            here = f"{done}/{part}" if done else part
            target = self._links.get(here)
            if target is not None:
                followed += 1
                if followed > _MOST_LINKS:
                    raise UnreadableImageError(f"{self._place}: the links at {path} are circular")
                done = "" if target.startswith("/") else done
                rest.extend(target.split("/")[::-1])
            elif part == "..":
                done = done.rpartition("/")[0]
            elif part not in {"", "."}:
                if len(here) > LONGEST_PATH:
                    raise UnreadableImageError(
                        f"{self._place}: links at {path} lead to a path of more than "
                        f"{LONGEST_PATH} characters"
                    )
                done = here
        return f"{done}/{rest[0]}" if done else rest[0]


def _is_gone(
    path: str, covering: Iterable[str], folders: Iterable[str], opaque: Iterable[str]
) -> bool:
    above = ancestors(path)
    return path in covering or path in folders or any(a in covering or a in opaque for a in above)


def system_of(root: RootFolder) -> System:
    """Return the system by its os-release file (os-release(5))."""
    text = next((found for path in _SYSTEM if (found := root.find(path))), b"")
    lines = (line.partition("=") for line in text.decode(errors="replace").splitlines())
    fields = {key.strip(): value.strip().strip("\"'") for key, _, value in lines}
    return System(name=fields.get("ID", ""), version=fields.get("VERSION_ID", ""))


def packages_of(
    root: RootFolder, environment: Mapping[str, str], architecture: str, place: str
) -> tuple[Package, ...]:
    """Return the packages of an image, sorted; the first of two that are the same counts.

    ``environment`` is that of its configuration, ``architecture`` Go's name.

    :raises UnreadableImageError: if a record of packages is damaged.
    """
    found: dict[tuple[str, str, str, str], Package] = {}
    version = environment.get("PYTHON_VERSION", "")
    python = interpreter(version)
    for package in ([python] if python else []), _debian(root, place), _alpine(root, place):
        found |= {each.key: each for each in package}
    markers = marker_environment(version if python else "", architecture)
    for path in sorted(root.files):
        if path.endswith(_PYTHON):
            distribution = read_metadata(root.files[path], markers)
            if distribution:
                found.setdefault(distribution.key, distribution)
    return tuple(found[key] for key in sorted(found))


def _debian(root: RootFolder, place: str) -> Iterator[Package]:
    yield from read_status(root.find(_DPKG) or b"", f"{place}: {_DPKG}")
    folder = root.real(_DPKG_FOLDER)
    for path in sorted(root.files):
        if posixpath.dirname(path) == folder and not path.endswith(".md5sums"):
            yield from read_status(root.files[path], f"{place}: {path}")


def _alpine(root: RootFolder, place: str) -> Iterator[Package]:
    # One is a link to the other on newer ones, or its folder is: the same packages, once.
    for path in _APK:
        yield from read_installed(root.find(path) or b"", f"{place}: {path}")
