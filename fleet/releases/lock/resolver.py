"""The resolver as the program calls it: with the declared index, cooldown and permissions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from packaging.version import Version

from fleet.lock.model import name_of, pinned_versions
from fleet.releases.cooldown import Cooldown, Files, allowed_in, declared_in, limits_of
from fleet.releases.lock import requirements
from fleet.releases.lock.offers import Metadata, offers_of
from fleet.releases.lock.requirements import NO_LIMITS, NoWheelError, Resolution, Wanted
from fleet.releases.pypi.index import Release, releases_in
from fleet.releases.sources import Say


@dataclass(frozen=True, kw_only=True)
class Resolver:
    """A resolver that asks ``index``; ``cooldown`` is ``None`` where everything counts at once.

    ``files`` lists the files of a distribution there, ``metadata`` tells what a source distribution
    requires on a Python, and ``note`` is told what people ought to know.
    """

    index: str
    cooldown: Cooldown | None
    files: Files
    metadata: Metadata
    note: Say

    def __call__(self, wanted: Wanted) -> Resolution:
        """Return the newest distributions that satisfy ``wanted`` and are not too fresh.

        :raises ResolutionError: with the reason.
        """
        allowed = allowed_in(wanted)
        offers = offers_of(
            wanted.from_source,
            allowed,
            wanted.python,
            lambda name: self._counting(name, allowed.get(name, ())),
            self.metadata,
        )
        names = {offer.name for offer in offers.found}
        limits = NO_LIMITS
        if self.cooldown:
            limits = limits_of(self.cooldown, allowed, names, self.files)
            self._note_fresh(self.cooldown, declared_in(wanted))
        try:
            found = requirements.resolve(
                wanted, index=self.index, limits=limits, offers=offers.found
            )
        except NoWheelError as error:
            raise _explained(error, offers.refused) from None
        self._note_refused(offers.refused, pinned_versions(found.pins))
        return found

    def _releases(self, name: str) -> Mapping[str, Release]:
        return releases_in(name, self.files(name))

    def _counting(self, name: str, allowed: Iterable[str]) -> Mapping[str, Release]:
        """Return the releases that may be taken: fresh ones would take the places of others."""
        releases = self._releases(name)
        return self.cooldown.aged(releases, allowed) if self.cooldown else releases

    def _note_fresh(self, cooldown: Cooldown, pins: Iterable[str]) -> None:
        for pin in pins:
            name, _, version = pin.partition("==")
            release = self._releases(name).get(version)
            if release and cooldown.holds_back(release):
                self.note(
                    f"{pin} was uploaded less than {cooldown.days} days ago. It is taken all the "
                    "same, because the declaration names it"
                )

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
