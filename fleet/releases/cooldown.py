"""The cooldown: what was uploaded a short while ago is not taken yet, but by somebody's word."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from packaging.requirements import Requirement

from fleet.declaration.distributions import normalised
from fleet.lock.model import bare, pinned_versions
from fleet.releases.lock.requirements import Limits, Wanted
from fleet.releases.lock.uv import undated
from fleet.releases.pypi.index import Release, releases_in
from fleet.releases.pypi.pypi import File, PackageIndexError

Files = Callable[[str], tuple[File, ...]]


@dataclass(frozen=True, kw_only=True)
class Cooldown:
    """A number of ``days``, and the time ``until`` which a file has to be uploaded to count."""

    days: int
    until: datetime

    def is_fresh(self, file: File) -> bool:
        """Tell whether ``file`` was uploaded too short a while ago.

        :raises PackageIndexError: when the index does not say when.
        """
        if file.uploaded is None:
            raise PackageIndexError(undated(file.name))
        return file.uploaded > self.until

    def holds_back(self, release: Release) -> bool:
        """Tell whether the whole ``release`` is too fresh; one late file makes no release fresh."""
        return all(map(self.is_fresh, release.files))

    def counting(self, release: Release) -> tuple[File, ...]:
        """Return the files that count of ``release``, which is taken: late ones where all are."""
        return tuple(file for file in release.files if not self.is_fresh(file)) or release.files

    def aged(self, releases: Mapping[str, Release], taken: Iterable[str]) -> dict[str, Release]:
        """Return ``releases`` without fresh files; of the versions in ``taken`` all files count."""
        known = frozenset(taken)
        found: dict[str, Release] = {}
        for version, release in releases.items():
            old = tuple(file for file in release.files if not self.is_fresh(file))
            if version in known or old:
                files = release.files if version in known else old
                found[version] = Release(version=version, files=files)
        return found


def cooldown_of(days: int, now: datetime) -> Cooldown | None:
    """Return the cooldown of ``days`` at the time ``now``; ``None`` where there is none."""
    return Cooldown(days=days, until=now - timedelta(days=days)) if days else None


def allowed_in(wanted: Wanted) -> dict[str, set[str]]:
    """Return by distribution the versions that no cooldown holds back.

    They are what the lock holds, what the image below holds, and what is declared.
    """
    found: dict[str, set[str]] = {}
    pins = [*map(bare, (*wanted.near, *wanted.within, *wanted.allowed)), *declared_in(wanted)]
    for pin in pins:
        for name, version in pinned_versions([pin]).items():
            found.setdefault(name, set()).add(version)
    return found


def declared_in(wanted: Wanted) -> list[str]:
    """Return as ``name==version`` the versions that are declared; what is upstream's is not."""
    parsed = [] if wanted.upstream else [Requirement(text) for text in wanted.requirements]
    return [
        f"{normalised(one.name)}=={clause.version}"
        for one in parsed
        for clause in one.specifier
        if clause.operator == "==" and not clause.version.endswith(".*")
    ]


def limits_of(
    cooldown: Cooldown, allowed: Mapping[str, set[str]], offered: Iterable[str], files: Files
) -> Limits:
    """Return what keeps a resolution to releases that are not fresh, but for those ``allowed``.

    A distribution of which a fresh release is allowed is freed from the cut-off, and its other
    fresh releases are excluded by name. What is ``offered`` beside the index has no time.
    """
    exempt, without, late = set(offered), [], set()
    for name in sorted({*allowed, *exempt}):
        releases = releases_in(name, files(name))
        fresh = {v for v, release in releases.items() if cooldown.holds_back(release)}
        taken = fresh & allowed.get(name, set())
        if taken or name in exempt:
            exempt.add(name)
            without += [f"{name}!={version}" for version in sorted(fresh - taken)]
            old = (release for version, release in releases.items() if version not in fresh)
            late |= {f.sha256 for release in old for f in release.files if cooldown.is_fresh(f)}
    return Limits(
        before=cooldown.until.strftime("%Y-%m-%dT%H:%M:%SZ"),
        exempt=tuple(sorted(exempt)),
        without=tuple(without),
        late=frozenset(late),
    )
