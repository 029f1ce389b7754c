"""The resource `ociregistry:index:Tag`: properties in, properties out."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from pulumi.runtime.rpc import UNKNOWN

from fleet.evidence.errors import EvidenceError
from fleet.registry.errors import OciError, RegistryError, UnreachableError
from fleet.registry.manifest import Manifest
from fleet.registry.reference import TagReference
from providers.ociregistry.context import Change, Session
from providers.ociregistry.evidence.model import EvidenceInputs, EvidenceState
from providers.ociregistry.evidence.properties import shortened_texts
from providers.ociregistry.evidence.signer import is_key_given, require_key
from providers.ociregistry.fields import encoded
from providers.ociregistry.properties import (
    Properties,
    input_properties,
    recorded_tag,
    state_properties,
    tag_inputs,
    unknown_state,
)
from providers.ociregistry.tag.model import STATE_ONLY, UNMOVED, Recorded, TagInputs, TagState
from providers.ociregistry.tag.predict import describe_update, line_of, predict
from providers.ociregistry.tag.reasons import shown

# Properties that are outputs alone: drift shows in them.
_OUTPUTS = frozenset({"digest", "platforms", "signed", "signed.statements"})


class TagResource:
    """Creates, reads, compares and updates tags; its deletion writes nothing."""

    id_property = "ref"

    def __init__(self, session: Session) -> None:
        self._session = session

    async def check(self, urn: str, olds: Properties, properties: Properties) -> dict[str, Any]:
        """Validate, and record the tag as declared.

        The texts of its evidence are kept for this run: the state gets their fingerprints alone. An
        import is checked with the inputs that it read, which may name no owner.

        :raises InvalidInputsError: naming every property that is wrong.
        """
        if isinstance(declared := properties.get("evidence"), Mapping):
            evidence, texts = shortened_texts(declared)
            properties = {**properties, "evidence": evidence}
            self._session.texts.update(texts)
        inputs = tag_inputs(properties, may_lack_owner=olds.get("owner") == "")
        self._session.declared.tags[inputs.ref.repository].add(inputs.ref.tag)
        self._session.inputs[urn] = olds.get("inputs", {})
        return {**properties, **_defaults(inputs)}

    def diff(self, _urn: str, olds: Properties, news: Properties) -> list[Change]:
        """Return the differing properties."""
        return [
            Change(
                name=name.partition(".")[0],
                path=name,
                replaces=name == "ref",
                from_inputs=name not in _OUTPUTS,
            )
            for name in tag_inputs(news, may_lack_owner=True).diff(recorded_tag(olds))
        ]

    async def create(self, urn: str, properties: Properties, *, preview: bool) -> dict[str, Any]:
        """Make the tag name what is declared, or predict that."""
        prior = self._session.gone.get(urn)
        if prior and prior.ref != properties["ref"]:
            # What was gone is what this replaces, another tag.
            prior = None
        return await self._point(urn, properties, None, prior, preview=preview)

    async def update(
        self, urn: str, olds: Properties, news: Properties, *, preview: bool
    ) -> dict[str, Any]:
        """Re-point the tag, or predict that."""
        recorded = recorded_tag(olds, self._session.inputs.get(urn))
        return await self._point(urn, news, recorded, recorded, preview=preview)

    async def _point(
        self,
        urn: str,
        properties: Properties,
        recorded: Recorded | None,
        prior: Recorded | None,
        *,
        preview: bool,
    ) -> dict[str, Any]:
        """Write the tag, or predict that; `prior` is `recorded`, or what this run found gone."""
        inputs, kept = tag_inputs(properties), _recordable(properties)
        if prior is not None and (prior.gone or prior.state.is_drifted):
            self._session.moves.found(inputs.ref, "" if prior.gone else prior.state.digest)
        if inputs.held:
            await self._require_held(inputs)
        if not preview:
            known, declared = recorded.state if recorded else None, inputs.evidence
            sign = partial(self._sign, inputs, declared, recorded) if declared else None
            state = await self._session.tagger.write(inputs, known, sign)
            self._session.sightings.written(inputs.ref, state.digest)
            entry = describe_update(inputs, prior, state)
            if entry.action != "sign":
                self._session.moves.made(inputs.ref, shown(entry.reasons), state.digest)
            return {**kept, **state_properties(state)}
        digest = inputs.predicted_digest(recorded)
        # What is built carries our owner annotation, so that another's tag can't be equal to it: a
        # refusal is certain before anything was built.
        if inputs.on_conflict != "take-over" and (recorded is None or recorded.state.is_drifted):
            known = recorded.state if recorded else None
            await self._session.tagger.refuse_conflict(inputs, digest, known)
        await self._predict(urn, inputs, prior)
        if recorded is not None and set(inputs.diff(recorded)) <= UNMOVED:
            foreseen = state_properties(recorded.state)
        else:
            foreseen = unknown_state(digest)
        if inputs.evidence:
            stands = inputs.standing(recorded)
            foreseen["signed"] = encoded(stands) if stands else UNKNOWN
        return {**kept, **foreseen}

    async def _sign(
        self,
        inputs: TagInputs,
        declared: EvidenceInputs,
        recorded: Recorded | None,
        index: Manifest,
    ) -> EvidenceState:
        """Return what is signed of an index, once all of it is.

        :raises EvidenceError: if something has to be signed, and nothing that can sign it.
        """
        if stands := inputs.standing(recorded):
            return stands
        session = self._session
        # An update knows both, and its check kept what they are the fingerprints of.
        provenance, tests = (session.texts[m or ""] for m in (declared.provenance, declared.tests))
        try:
            return await session.evidence.write(inputs, declared, index, (provenance, tests))
        except EvidenceError as error:
            raise EvidenceError(f"{inputs.ref} was not updated: {error}") from error

    async def _require_held(self, inputs: TagInputs) -> None:
        """Refuse a pin to what the registry does not have, in a preview too.

        :raises OciError: if it is absent, or the registry fails.
        """
        (source,) = inputs.sources
        if not await self._session.tagger.holds(source):
            raise OciError(
                f"{inputs.ref} is pinned to {source.digest}, which the registry does not have\n"
                f"`make rollback TAG={inputs.ref.tag}` lists what there is; pin it to one of "
                "these, or take the pin out"
            )

    async def read(
        self, urn: str, resource_id: str, properties: Properties, inputs: Properties
    ) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Read a tag; one that no state knows is described with inputs that leave it as it is.

        :raises OciError: if the registry can't be reached or fails, or the tag of an import is no
            image of a fleet.
        """
        if not properties.get("digest"):
            found = await self._session.tagger.find(TagReference.parse(resource_id))
            if found is None:
                return None
            return _imported(found.inputs, state_properties(found.state))
        if not inputs.get("evidence"):
            # What nobody looks after any more is forgotten.
            properties = {name: held for name, held in properties.items() if name != "signed"}
        recorded = recorded_tag(properties)
        ref = TagReference.parse(recorded.ref)
        self._session.declared.recorded[ref].add(recorded.state.assembled)
        platforms = inputs.get("platforms", ())
        state = await self._session.hosts.ask(
            ref.repository.host, partial(self._read, urn, recorded, inputs)
        )
        for reason in recorded.drift(state, platforms):
            await self._session.log(reason, urn)
        if state is None:
            # The engine drops its state: its create has nothing else to compare with.
            self._session.gone[urn] = recorded_tag(properties, inputs.get("inputs"), gone=True)
            return None
        return {**properties, **state_properties(state)}, dict(inputs)

    async def _read(self, urn: str, recorded: Recorded, inputs: Properties) -> TagState | None:
        """Return the present state of a tag and of its evidence, None where the tag is absent.

        Evidence that can't be read is told and kept: that is no reason to leave a moved tag.
        """
        session, ref = self._session, TagReference.parse(recorded.ref)
        state = await session.tagger.read(recorded, whole=bool(inputs.get("platforms")))
        if state is None or state.signed is None:
            return state
        whole, digest = session.settings.verify_all, state.assembled
        try:
            signed = await session.evidence.read(ref.repository, digest, state.signed, whole=whole)
        except UnreachableError:
            raise
        except RegistryError as error:
            text = (
                f"{ref}: its evidence could not be verified, and the state of it is kept: {error}"
            )
            await session.warn(text, urn)
            return state
        return replace(state, signed=signed)

    async def _predict(self, urn: str, inputs: TagInputs, prior: Recorded | None) -> None:
        """Log why an update would act."""
        if line := line_of(predict(inputs, prior)):
            await self._session.log(line, urn)
        if inputs.evidence and not inputs.standing(prior):
            await self._warn_of_key(urn, inputs.evidence)

    async def _warn_of_key(self, urn: str, declared: EvidenceInputs) -> None:
        """Warn once of a key that is given and wrong.

        That there is none is no fault of a preview: an update alone has to have it.
        """
        session = self._session
        if session.warned_of_key or not (declared.keys and is_key_given(session.environment)):
            return
        try:
            require_key(session.environment, declared.keys)
        except EvidenceError as error:
            session.warned_of_key = True
            await session.warn(f"an update could not sign: {error}", urn)

    async def delete(self, _urn: str, _properties: Properties) -> None:
        """Do nothing: forgetting a tag never removes a name."""


def _defaults(inputs: TagInputs) -> dict[str, Any]:
    properties = input_properties(inputs)
    found = {name: properties[name] for name in ("annotations", "onConflict", "identity")}
    if not inputs.joins and inputs.complete:
        # The engine shows a drifted output beside the input of the same name.
        found["digest"] = inputs.sources[0].digest
    return {**found, "inputs": dict(inputs.inputs)} if inputs.inputs else found


def _recordable(inputs: Properties) -> dict[str, Any]:
    """Leave out what the engine keeps among the inputs anyway, and newer there.

    It saves the inputs of every run, also where nothing differed, but outputs only of updates.
    """
    return {name: value for name, value in inputs.items() if name not in {"inputs", "evidence"}}


def _imported(inputs: TagInputs, outputs: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Leave out what a registry cannot tell, so that the program's own values are not a change.

    A tag that nobody owns says so: what this fleet builds for it carries its owner.
    """
    properties = {k: v for k, v in input_properties(inputs).items() if k not in STATE_ONLY}
    return {**properties, **outputs}, properties
