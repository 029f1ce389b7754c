"""Notices of the end of life of images whose version tags left the declaration.

A notice is a referrer of the image's index, not signed, in the form that Azure's registry and its
scanner read (https://github.com/dotnet/docker-tools/issues/1201): an annotation has the day.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from fleet.registry.client import Client
from fleet.registry.errors import OciError
from fleet.registry.manifest import OWNER_ANNOTATION
from fleet.registry.reference import Repository, is_digest
from fleet.registry.referrers import Attachment, Referrer, ReferrerList
from providers.ociregistry.evidence.model import KIND_ANNOTATION, NOTICE_KIND, is_own, kind_of
from providers.ociregistry.stale_pointers.model import StaleInputs, is_day
from providers.ociregistry.tag.reader import owner_of

MEDIA_TYPE: Final = "application/vnd.microsoft.artifact.lifecycle"
DAY_ANNOTATION: Final = "vnd.microsoft.artifact.lifecycle.end-of-life.date"


@dataclass(frozen=True, kw_only=True)
class Ending:
    """Version tags that left the declaration, each with its digest, and those that are back.

    `unseen` are declared tags whose images the last update did not declare: each may have a notice
    of a time that the state does not know. Alone, they are no reason for an update.
    """

    left: Mapping[str, str] = field(default_factory=dict)
    back: frozenset[str] = frozenset()
    unseen: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.left or self.back)


def ending(
    before: Mapping[str, str], pointers: Iterable[str], ended: Mapping[str, str], now: StaleInputs
) -> Ending:
    """Return which tags are to get a notice, and which are to lose theirs.

    `before` are the digests of all tags that the last update declared, of which `pointers` are no
    version tags; `ended` are those with a notice. An image that a declared tag names, too, has not
    come to its end.
    """
    declared, named = {*now.digests, *now.pointers}, {*now.digests.values()}
    versions = before.keys() - {*pointers, *ended, *declared}
    left = {tag: before[tag] for tag in sorted(versions)}
    known = {*before.values()}
    return Ending(
        left={tag: d for tag, d in left.items() if is_digest(d) and d not in named},
        back=frozenset(ended) & declared,
        unseen=frozenset(t for t, d in now.digests.items() if is_digest(d) and d not in known),
    )


@dataclass(kw_only=True)
class Noticed:
    """The changes of notices: the `days` of those that stand, and tags whose notice was taken back.

    A declared tag from whose image one could not be taken has a day, too, so that it is due again.
    `failed` are tags with their digests whose notice could not be written; `warnings` say why.
    """

    days: dict[str, str] = field(default_factory=dict)
    back: frozenset[str] = frozenset()
    failed: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


class NoticeWriter:
    """Attaches notices, and takes them back."""

    def __init__(self, registry: Client, referrers: ReferrerList) -> None:
        self._registry = registry
        self._referrers = referrers

    async def write(self, inputs: StaleInputs, wanted: Ending, today: str) -> Noticed:
        """Write the notices that are due, and take back those of tags that are declared again.

        Each has the registry's day, `today` where that tells none. What fails stops no other.
        """
        found = Noticed()
        await self._take_back(inputs, wanted, today, found)
        day = ""
        for tag, digest in wanted.left.items():
            try:
                day = day or await self._day(inputs.repository) or today
                if given := await self._give(inputs, tag, digest, day):
                    found.days[tag] = given
            except OciError as error:
                found.failed[tag] = digest
                found.warnings.append(
                    f"{inputs.repository}:{tag} left the declaration and has no notice of that, "
                    f"which the next update tries again: {error}"
                )
        return found

    async def _take_back(
        self, inputs: StaleInputs, wanted: Ending, today: str, found: Noticed
    ) -> None:
        """Take the notices off the images that declared tags name; tags may share one."""
        images: dict[str, list[str]] = {}
        for tag in sorted(wanted.back | wanted.unseen):
            # One that failed in this run is not back yet.
            if digest := inputs.digests.get(tag):
                images.setdefault(digest, []).append(tag)
        for digest, tags in images.items():
            place = f"{inputs.repository}:{tags[0]}"
            try:
                if await self._withdraw(inputs, digest):
                    found.warnings.append(
                        f"{place} is declared again, and its notice of the end of its life stays: "
                        "the registry deletes no digest"
                    )
                found.back |= {*tags}
            except OciError as error:
                found.days |= dict.fromkeys(tags, today)
                found.warnings.append(
                    f"{place} is declared, and may have a notice of the end of its life, which "
                    f"the next update takes back: {error}"
                )

    async def _day(self, repository: Repository) -> str:
        return (await self._registry.tags(repository)).date[: len("2026-11-23")]

    async def _give(self, inputs: StaleInputs, tag: str, digest: str, day: str) -> str:
        """Have a notice on what `tag` names, and return its day: that of one that is there already.

        Empty where the tag is gone, names another digest by now, or is another owner's.

        :raises RegistryError: if the registry fails.
        """
        manifest = await self._registry.get(inputs.repository, tag)
        if manifest is None or manifest.digest != digest:
            return ""
        if owner_of(manifest, f"{inputs.repository}:{tag}") not in {"", inputs.owner}:
            return ""
        for entry in await self._found(inputs, digest):
            if known := day_of(entry):
                return known
        notice = Attachment.to(
            manifest,
            media_type=MEDIA_TYPE,
            body=b"",
            annotations={
                DAY_ANNOTATION: day,
                OWNER_ANNOTATION: inputs.owner,
                KIND_ANNOTATION: NOTICE_KIND,
            },
        )
        await self._referrers.attach(inputs.repository, digest, [notice], lambda _: False)
        return day

    async def _withdraw(self, inputs: StaleInputs, digest: str) -> bool:
        """Take the notices off an image that is declared again; return whether one stays.

        :raises RegistryError: if the registry fails.
        """
        own = frozenset(entry.digest for entry in await self._found(inputs, digest))
        return bool(own and await self._referrers.detach(inputs.repository, digest, own))

    async def _found(self, inputs: StaleInputs, digest: str) -> list[Referrer]:
        found = await self._referrers.find(inputs.repository, digest)
        return [entry for entry in found.entries if is_notice(entry, inputs.owner)]


def is_notice(entry: Referrer, owner: str) -> bool:
    """Tell whether a referrer is a notice of `owner`."""
    return is_own(entry, owner) and kind_of(entry) == NOTICE_KIND


def day_of(notice: Referrer) -> str:
    """Return the day in a notice, empty where that is none."""
    day = notice.annotations.get(DAY_ANNOTATION, "")
    return day if is_day(day) else ""
