"""The resolver as the program calls it: with the declared index, cooldown and permissions."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from fleet.declaration.distributions import conditions, normalised
from fleet.declaration.versions import newest_first
from fleet.lock.model import bare, name_of, pinned_versions
from fleet.releases.lock import requirements
from fleet.releases.lock.requirements import Offer, Resolution, Wanted
from fleet.releases.lock.uv import NoWheelError
from fleet.releases.pypi.index import Cooldown, Release, has_any_wheel, releases_in
from fleet.releases.pypi.pypi import File
from fleet.releases.pypi.sdists import ENDINGS, SdistError

Metadata = Callable[[File, str], str | SdistError]
"""Returns the core metadata of a source distribution on a Python, or why it can't be had."""

_NEWEST = 3
"""Releases that are looked at beside those that are asked for: each is a download, or a build."""


@dataclass(frozen=True, kw_only=True)
class Resolver:
    """A resolver that asks ``index``, whose ``files`` are by distribution, within ``cooldown``.

    ``note`` takes what people ought to know.
    """

    index: str
    cooldown: Cooldown
    files: Callable[[str], tuple[File, ...]]
    metadata: Metadata
    note: Callable[[str], None]

    def __call__(self, wanted: Wanted) -> Resolution:
        """Return the newest distributions that satisfy ``wanted`` and are not too fresh.

        :raises ResolutionError: with the reason.
        """
        declared = tuple(self._declared(wanted))
        # What the lock holds, what the image below holds, and what is declared.
        allowed: dict[str, set[str]] = {}
        for pin in map(bare, (*wanted.near, *wanted.within, *wanted.allowed, *declared)):
            allowed.setdefault(name_of(pin), set()).add(pin.partition("==")[2])
        offers, refused = self._offers(wanted, allowed)
        options, apart = self._limits(allowed, {offer.name for offer in offers})
        for name, _, version in (pin.partition("==") for pin in declared):
            if self.cooldown.holds_back(self._releases(name)[version]):
                self.note(
                    f"{name}=={version} was uploaded less than {self.cooldown.days} days ago. It "
                    "is taken all the same, because the declaration names it"
                )
        try:
            found = requirements.resolve(wanted, options, apart=apart, offers=offers)
        except NoWheelError as error:
            raise _explained(error, refused) from None
        self._note_refused(refused, pinned_versions(found.pins))
        return found

    def _releases(self, name: str) -> Mapping[str, Release]:
        return releases_in(name, self.files(name))

    def _offers(
        self, wanted: Wanted, allowed: Mapping[str, set[str]]
    ) -> tuple[list[Offer], dict[str, str]]:
        """Return the releases without a wheel that may be taken, and by pin why another may not.

        They are those ``allowed``, and the newest within what is declared. Fresh ones would take
        the places of others.
        """
        found: list[Offer] = []
        refused: dict[str, str] = {}
        limits = {} if wanted.upstream else conditions(wanted.requirements)
        for name in sorted(set(map(normalised, wanted.from_source))):
            named = allowed.get(name, set())
            listed = self.cooldown.aged(self._releases(name), named)
            within = limits.get(name, SpecifierSet()).filter(listed, prereleases=True)
            fitting = [
                v for v in within if not listed[v].yanked and listed[v].allows(wanted.python)
            ]
            first = [version for version in sorted(named) if version in listed]
            for version in dict.fromkeys((*first, *newest_first(fitting)[:_NEWEST])):
                files = listed[version].files
                sdist = next((f for f in files if f.name.endswith(ENDINGS)), None)
                if sdist is None or has_any_wheel(files, wanted.python):
                    continue
                text = self.metadata(sdist, wanted.python)
                if isinstance(text, SdistError):
                    refused[f"{name}=={version}"] = str(text)
                else:
                    hashes = tuple(sorted(file.sha256 for file in files))
                    found.append(Offer(name=name, version=version, metadata=text, hashes=hashes))
        return found, refused

    def _limits(
        self, allowed: Mapping[str, set[str]], offered: set[str]
    ) -> tuple[list[str], list[str]]:
        """Return the options and constraints by which no release is fresh, but those ``allowed``.

        A distribution of which a fresh release is allowed is freed from the cut-off, and its other
        fresh releases are excluded by name. What is ``offered`` beside the index has no time.
        """
        options, apart = ["--default-index", self.index], list[str]()
        if not self.cooldown.days:
            return options, apart
        options += ["--exclude-newer", self.cooldown.until.strftime("%Y-%m-%dT%H:%M:%SZ")]
        for name in sorted({*allowed, *offered}):
            fresh = {v for v, r in self._releases(name).items() if self.cooldown.holds_back(r)}
            taken = fresh & allowed.get(name, set())
            if taken or name in offered:
                options.append(f"--exclude-newer-package={name}=false")
                apart += [f"{name}!={version}" for version in sorted(fresh - taken)]
        return options, apart

    def _declared(self, wanted: Wanted) -> Iterator[str]:
        """Yield as ``name==version`` the releases that are declared; what is upstream's is not.

        A condition ``==23`` names the release that the index calls 23.0.0.
        """
        for one in () if wanted.upstream else map(Requirement, wanted.requirements):
            name = normalised(one.name)
            for clause in one.specifier:
                if clause.operator == "==" and not clause.version.endswith(".*"):
                    named = clause.filter(self._releases(name), prereleases=True)
                    yield from (f"{name}=={version}" for version in named)

    def _note_refused(self, refused: Mapping[str, str], taken: Mapping[str, str]) -> None:
        """Note each release that would have been newer than the one that is taken of the same."""
        for pin, why in refused.items():
            name, _, version = pin.partition("==")
            if name in taken and Version(version) > Version(taken[name]):
                self.note(f"{name} {version} is passed over, {taken[name]} is taken. {why}")


def _explained(error: NoWheelError, refused: Mapping[str, str]) -> NoWheelError:
    """Return ``error`` with why nothing was offered in place of a wheel."""
    reasons = [why for pin, why in refused.items() if name_of(pin) in error.names]
    if not reasons:
        return error
    remedy = "Take another version, or offer a wheel of it on an index of your own (fleet:index)"
    # The key that allows it is there already, and is not to be named again.
    names = tuple(name for name in error.names if name not in set(map(name_of, refused)))
    return NoWheelError(f"{error}. {'; '.join(reasons)}. {remedy}", names)
