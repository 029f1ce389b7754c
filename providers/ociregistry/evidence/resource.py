"""The resource `ociregistry:index:Evidence`: properties in, properties out."""

from typing import Any

from fleet.evidence.errors import EvidenceError
from fleet.registry.errors import OciError
from fleet.registry.reference import TagReference
from providers.ociregistry.context import Change, Session
from providers.ociregistry.evidence.model import (
    EvidenceInputs,
    RecordedEvidence,
    diff,
    reasons,
)
from providers.ociregistry.evidence.properties import (
    evidence_inputs,
    output_properties,
    recorded_evidence,
    shortened_texts,
    unknown_outputs,
)
from providers.ociregistry.evidence.signer import require_key
from providers.ociregistry.properties import Properties


class EvidenceResource:
    """Signs, reads and compares evidence; its deletion writes nothing."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def identify(self, inputs: Properties) -> str:
        """Return the id: the reference of the tag."""
        return str(inputs["ref"])

    async def check(self, _urn: str, _olds: Properties, news: Properties) -> dict[str, Any]:
        """Validate inputs, and keep the texts of this run: the state gets their fingerprints alone.

        :raises InvalidInputsError: naming every property that is wrong.
        """
        inputs, texts = shortened_texts(news)
        evidence_inputs(inputs)
        self._session.texts.update(texts)
        return inputs

    def diff(self, _urn: str, olds: Properties, news: Properties) -> list[Change]:
        """Return what has to be signed again; another tag is another resource."""
        found = diff(recorded_evidence(olds), evidence_inputs(news))
        return [
            Change(name=n, path=n, replaces=n == "ref", from_inputs=n != "statements")
            for n in found
        ]

    async def create(self, urn: str, properties: Properties, *, preview: bool) -> dict[str, Any]:
        """Have the statements signed and attached, or predict that."""
        inputs = evidence_inputs(properties)
        if not preview:
            return await self._written(inputs)
        await self._predict(urn, inputs, None)
        return unknown_outputs(inputs, await self._predicted_digest(inputs))

    async def update(
        self, urn: str, olds: Properties, news: Properties, *, preview: bool
    ) -> dict[str, Any]:
        """Sign and attach the statements that are missing or changed, or predict that."""
        inputs, recorded = evidence_inputs(news), recorded_evidence(olds)
        if not preview:
            return await self._written(inputs)
        await self._predict(urn, inputs, recorded)
        return unknown_outputs(inputs, await self._predicted_digest(inputs))

    async def read(
        self, urn: str, resource_id: str, properties: Properties, inputs: Properties
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Read what is there of recorded evidence; none is imported, for an update adopts it."""
        if not properties.get("digest"):
            return None
        ref, session = TagReference.parse(resource_id), self._session
        recorded = recorded_evidence(properties).state
        state = await session.hosts.ask(
            ref.repository.host,
            lambda: session.evidence.read(
                ref.repository, recorded, whole=session.settings.verify_all
            ),
        )
        lost = sorted(recorded.statements.keys() - state.statements.keys())
        if lost:
            await session.log(f"{ref}: its evidence was lost: {', '.join(lost)}", urn)
        found = {"statements": dict(state.statements), "listed": state.listed}
        return {**properties, **found}, dict(inputs)

    async def delete(self, _urn: str, _properties: Properties) -> None:
        """Do nothing: what was stated of an image stays with it."""

    async def _written(self, inputs: EvidenceInputs) -> dict[str, Any]:
        if not inputs.tag.complete:
            raise EvidenceError(
                f"{inputs.ref} has no evidence: its build or verification failed (see the errors "
                "above or below)"
            )
        texts = (self._session.text(inputs.provenance), self._session.text(inputs.tests))
        state = await self._session.evidence.write(inputs, *texts)
        return output_properties(inputs, state)

    async def _predicted_digest(self, inputs: EvidenceInputs) -> str:
        """Return what will be signed, or an empty string where only an update can tell.

        An index of several sources is joined as an update does it: that reads, and writes nothing.
        """
        tag, session = inputs.tag, self._session
        if not tag.joins:
            return tag.sources[0].digest
        if not tag.complete:
            return ""
        try:
            index = await session.hosts.ask(
                tag.sources[0].repository.host, lambda: session.tagger.desired(tag)
            )
        except OciError:
            return ""
        return index.digest

    async def _predict(
        self, urn: str, inputs: EvidenceInputs, recorded: RecordedEvidence | None
    ) -> None:
        """Log why something would be signed, and warn once of a key that is given and wrong.

        That there is none is no fault of a preview: an update alone has to have it.
        """
        why = "; ".join(reasons(recorded, inputs))
        await self._session.log(f"{inputs.ref}: to be signed: {why}", urn)
        given = self._session.settings.signing_key
        if given is None or not inputs.keys:
            return
        try:
            require_key(given, inputs.keys)
        except EvidenceError as error:
            if not self._session.warned_of_key:
                self._session.warned_of_key = True
                await self._session.warn(f"an update could not sign: {error}", urn)
