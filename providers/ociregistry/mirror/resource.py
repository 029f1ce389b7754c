"""The resource `ociregistry:index:Mirror`: properties in, properties out."""

import asyncio
from typing import Any

from fleet.registry.errors import ConflictError, OciError
from providers.ociregistry.context import Change, PartialFailureError, Session
from providers.ociregistry.fields import decoded, encoded
from providers.ociregistry.mirror.model import FAILED, Copied, Mirrored, MirrorInputs, in_words
from providers.ociregistry.mirror.properties import mirror_inputs
from providers.ociregistry.mirror.writer import MirrorWriter
from providers.ociregistry.properties import Properties


class MirrorResource:
    """Copies the images of a repository to another registry, under the same names.

    Its deletion writes nothing.
    """

    id_property = "repository"

    def __init__(self, session: Session) -> None:
        self._session = session

    async def check(self, _urn: str, _olds: Properties, news: Properties) -> dict[str, Any]:
        """Validate, and record the names as declared there.

        :raises InvalidInputsError: naming every property that is wrong.
        """
        inputs = mirror_inputs(news)
        self._session.declared.tags[inputs.repository].update(inputs.tags)
        return dict(news)

    def diff(self, _urn: str, olds: Properties, news: Properties) -> list[Change]:
        """Return each name that is to be written; another repository is another resource."""
        if olds.get("repository") != news["repository"]:
            return [Change(name="repository", path="repository", replaces=True)]
        return [
            Change(name="tags", path=f'tags["{each.tag}"]', from_inputs=False)
            for each in decoded(Mirrored, olds).due(mirror_inputs(news))
        ]

    async def create(self, urn: str, properties: Properties, *, preview: bool) -> dict[str, Any]:
        """Copy what the mirror does not have, or predict that."""
        found = await self._look(mirror_inputs(properties))
        state = Mirrored(tags={tag: digest for tag, digest in found.items() if digest})
        if preview:
            return await self._predict(urn, properties, state, known=False)
        return await self._write(properties, state, known=False)

    async def update(
        self, urn: str, olds: Properties, news: Properties, *, preview: bool
    ) -> dict[str, Any]:
        """Copy what changed or was moved, or predict that."""
        state = decoded(Mirrored, olds)
        if preview:
            return await self._predict(urn, news, state)
        return await self._write(news, state)

    async def read(
        self, urn: str, resource_id: str, properties: Properties, inputs: Properties
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Read what each name of the last declaration names now, by one request each.

        A whole verification asks for all platforms and evidence of the version tags as well.

        :raises OciError: on an import, for there is nothing to take over; if the registry fails.
        """
        if "copied" not in properties:
            raise OciError(f"{resource_id}: Mirror cannot be imported; just declare it")
        # The engine keeps the inputs of every run, outputs of updates alone.
        declared = mirror_inputs({**properties, **inputs})
        before = decoded(Mirrored, properties)
        found, lost = await self._look(declared), before.lost
        for tag, digest in {**before.tags, **before.left}.items():
            if tag in found:
                self._session.declared.recorded[declared.ref(tag)].add(digest)
        if self._session.settings.verify_all:
            lost = await self._writer.lost(declared, found, before.evidence)
        state = before.seen(found, declared, lost)
        if state.left:
            gone = sorted(state.left.keys() - state.tags.keys())
            moved = sorted(state.left.keys() & state.tags.keys())
            outside = (
                *(Copied(tag=t, previous="", reason="gone") for t in gone),
                *(Copied(tag=t, previous="", reason="moved") for t in moved),
            )
            await self._session.log(f"{resource_id}: {in_words(outside)}", urn)
        return {**properties, **encoded(state)}, dict(inputs)

    async def delete(self, _urn: str, _properties: Properties) -> None:
        """Do nothing: what was published there stays."""

    async def _look(self, inputs: MirrorInputs) -> dict[str, str | None]:
        tags = inputs.ordered
        answers = await asyncio.gather(
            *(self._session.sighted(inputs.ref(tag)) for tag in tags), return_exceptions=True
        )
        found: dict[str, str | None] = {}
        for tag, answer in zip(tags, answers, strict=True):
            if isinstance(answer, BaseException):
                raise answer
            found[tag] = answer
        return found

    @property
    def _writer(self) -> MirrorWriter:
        return MirrorWriter(self._session.tagger, self._session.referrers)

    async def _predict(
        self, urn: str, news: Properties, state: Mirrored, *, known: bool = True
    ) -> dict[str, Any]:
        """Return the outputs of a preview.

        :raises ConflictError: naming each tag that is another's there and shall not be displaced.
        """
        inputs = mirror_inputs(news)
        found = state.due(inputs, known=known)
        copied = tuple(each for each in found if each.reason != FAILED)
        if copied:
            await self._session.log(f"to be copied: {in_words(copied)}", urn)
        # What no update left there may be another's.
        ours = state.tags.keys() - state.left if known else frozenset[str]()
        absent = frozenset[str]() if known else inputs.tags.keys() - state.tags
        asked = [each.tag for each in copied if each.tag not in ours | absent]
        attempts = await self._writer.refuse_conflicts(inputs, asked, state if known else None)
        if attempts.failures:
            raise ConflictError(attempts.text(inputs))
        return {**news, **encoded(state.predicted(inputs)), "copied": encoded(found)}

    async def _write(
        self, news: Properties, before: Mirrored, *, known: bool = True
    ) -> dict[str, Any]:
        """Write all that is due, version tags first; what fails at one stops no other.

        Where no state has the mirror, what is there already gets the evidence that it lacks.

        :raises PartialFailureError: naming each that failed, with what was written.
        """
        inputs = mirror_inputs(news)
        wanted = before.due(inputs, known=known)
        tags = [each.tag for each in wanted] if known else list(inputs.ordered)
        attempts = await self._writer.write(inputs, tags, before if known else None)
        written = {tag: inputs.tags[tag] for tag in tags if tag not in attempts.failures}
        done = tuple(each for each in wanted if each.tag in written)
        for each in done:
            self._note(inputs, each, before)
        state = before if known else Mirrored()
        outputs = {**news, **encoded(state.after(inputs, written)), "copied": encoded(done)}
        if attempts.failures:
            raise PartialFailureError(
                attempts.text(inputs), resource_id=news["repository"], properties=outputs
            )
        return outputs

    def _note(self, inputs: MirrorInputs, copied: Copied, before: Mirrored) -> None:
        """Have the history know what moved, and the remover what is there."""
        ref = inputs.ref(copied.tag)
        if copied.tag in before.left:
            self._session.moves.found(ref, copied.previous)
        self._session.moves.made(ref, copied.reason, inputs.tags[copied.tag])
        self._session.sightings.written(ref, inputs.tags[copied.tag])
