"""Mirrors, acting: copies evidence, images and names, and looks whether all of it is there."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby

from fleet.http.text import indented
from fleet.registry.errors import (
    AuthenticationError,
    FailingError,
    InterruptedRunError,
    OciError,
    RegistryError,
    UnreachableError,
)
from fleet.registry.interruption import STOPPED, readable, require_running
from fleet.registry.manifest import Manifest
from fleet.registry.reference import ManifestReference
from fleet.registry.referrers import Referrer, ReferrerList
from providers.ociregistry.evidence.model import fingerprint, is_own
from providers.ociregistry.mirror.model import Mirrored, MirrorInputs
from providers.ociregistry.tag.reasons import shown
from providers.ociregistry.tag.writer import Tagger

_AT_ONCE = 4
"""Tags of a mirror that are copied at once: as many may fail before the others are not tried."""
_NOT_TRIED = "not tried, because the registry failed before"


@dataclass(kw_only=True)
class Attempts:
    """The failed tags of a mirror, each with its reason.

    Once its registry failed as a whole, `stopped` is true and nothing more is tried.
    """

    failures: dict[str, str] = field(default_factory=dict)
    stopped: bool = False

    async def each(self, tags: Collection[str], act: Callable[[str], Awaitable[None]]) -> None:
        """Await `act` of each tag; what fails at one, or is interrupted, is noted."""
        slots = asyncio.Semaphore(_AT_ONCE)

        async def one(tag: str) -> None:
            try:
                async with slots:
                    if self.stopped:
                        self.failures[tag] = _NOT_TRIED
                    else:
                        await act(tag)
            except STOPPED as error:
                self._note(tag, readable(error))

        try:
            require_running()
            await asyncio.gather(*map(one, tags))
        except InterruptedRunError as error:
            self.failures.update(dict.fromkeys(tags, str(error)))
        except asyncio.CancelledError:
            pass  # each has noted that it was interrupted

    def text(self, inputs: MirrorInputs) -> str:
        """Return all that failed, each reason once with the tags that it is of."""
        failed = [tag for tag in inputs.ordered if tag in self.failures]
        by_reason = sorted(
            failed, key=lambda tag: (self.failures[tag] == _NOT_TRIED, self.failures[tag])
        )
        lines = (
            indented(f"- {shown(tuple(tags))}: {reason}", 2)
            for reason, tags in groupby(by_reason, key=self.failures.__getitem__)
        )
        head = f"{inputs.repository}: {len(failed)} of {len(inputs.tags)} tags not copied"
        return "\n".join([head, *lines])

    def _note(self, tag: str, error: OciError) -> None:
        text = str(error)
        # What is about one tag or image alone names that, and is of no other in the same words.
        again = isinstance(error, FailingError | AuthenticationError)
        if isinstance(error, UnreachableError) or (again and text in self.failures.values()):
            self.stopped = True
        self.failures[tag] = text


class MirrorWriter:
    """Writes to mirrors through the `tagger`, with evidence by the lists of `referrers`."""

    def __init__(self, tagger: Tagger, referrers: ReferrerList) -> None:
        self._tagger = tagger
        self._referrers = referrers

    async def write(
        self, inputs: MirrorInputs, tags: Collection[str], recorded: Mirrored | None
    ) -> Attempts:
        """Write `tags`, version tags first, and return what failed; `recorded` is the state.

        A pointer is not written before a version tag that names the same.
        """
        attempts = Attempts()

        async def copy(tag: str) -> None:
            await self._copy(inputs, tag, recorded)

        await attempts.each([tag for tag in tags if tag not in inputs.pointers], copy)
        held = {tag: _holding(inputs, tag, attempts.failures) for tag in tags}
        attempts.failures |= {
            tag: f"not written before {version}, which names the same"
            for tag, version in held.items()
            if version
        }
        rest = [tag for tag in tags if tag in inputs.pointers and not held[tag]]
        await attempts.each(rest, copy)
        return attempts

    async def refuse_conflicts(
        self, inputs: MirrorInputs, tags: Collection[str], recorded: Mirrored | None
    ) -> Attempts:
        """Return which of `tags` are another's there and shall not be displaced."""
        attempts = Attempts()

        async def refuse(tag: str) -> None:
            wanted, state = inputs.tag(tag), recorded.recorded(tag) if recorded else None
            (source,) = wanted.sources
            await self._tagger.refuse_conflict(wanted, source.digest, state)

        await attempts.each(tags, refuse)
        return attempts

    async def lost(
        self, inputs: MirrorInputs, found: Mapping[str, str | None], brought: Mapping[str, str]
    ) -> tuple[str, ...]:
        """Return the version tags that are as declared, and not all of it is there.

        `found` is what each tag names, `brought` the fingerprints of the evidence that is recorded.

        :raises RegistryError: if the registry fails.
        """
        tags = [
            tag
            for tag in inputs.ordered
            if tag not in inputs.pointers and found[tag] and found[tag] == inputs.tags[tag]
        ]
        whole = await asyncio.gather(
            *(self._is_whole(inputs, inputs.tags[tag], brought.get(tag, "")) for tag in tags)
        )
        return tuple(tag for tag, is_whole in zip(tags, whole, strict=True) if not is_whole)

    async def _is_whole(self, inputs: MirrorInputs, digest: str, marks: str) -> bool:
        source = ManifestReference(repository=inputs.source, digest=digest)
        if not await self._tagger.holds_children(inputs.repository, source):
            return False
        if not marks:
            return True
        listed = (await self._referrers.find(inputs.source, digest)).digests
        brought = {each for each in listed if fingerprint(each) in marks.split()}
        return not await self._referrers.lacks(inputs.repository, digest, brought)

    async def _copy(self, inputs: MirrorInputs, tag: str, recorded: Mirrored | None) -> None:
        """Bring an image and the evidence of it, then name it."""

        async def evidence(index: Manifest) -> None:
            held = await self._referrers.copy(
                inputs.source, inputs.repository, index.digest, _own(inputs)
            )
            _require_all(inputs, tag, held)

        state = recorded.recorded(tag) if recorded else None
        # A pointer names what a version tag does, which comes with its evidence.
        is_pointer = tag in inputs.pointers
        await self._tagger.write(inputs.tag(tag), state, None if is_pointer else evidence)


def _own(inputs: MirrorInputs) -> Callable[[Referrer], bool]:
    return lambda entry: is_own(entry, inputs.owner)


def _require_all(inputs: MirrorInputs, tag: str, held: Iterable[str]) -> None:
    """Raise where a declared statement is not among those that are `held` at the mirror.

    :raises RegistryError: naming what to do.
    """
    declared = {*inputs.evidence.get(tag, "").split()}
    lacking = declared - {*map(fingerprint, held)}
    if lacking:
        raise RegistryError(
            f"{inputs.source} does not list {len(lacking)} of the {len(declared)} statements of "
            "its evidence, and nothing is named without them.\nRun `make refresh`, then `make up`, "
            "which signs what was lost"
        )


def _holding(inputs: MirrorInputs, tag: str, failures: Mapping[str, str]) -> str:
    """Return the failed version tag for which a pointer is not written, empty where none is."""
    if tag not in inputs.pointers or not inputs.tags[tag]:
        return ""
    same = [t for t in inputs.ordered if inputs.tags[t] == inputs.tags[tag]]
    versions = [t for t in same if t not in inputs.pointers]
    if any(version not in failures for version in versions):
        return ""
    return next(iter(versions), "")
