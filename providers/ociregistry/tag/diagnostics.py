"""Tells what becomes of tags: in a preview as a line at each, and to the account of the run."""

from collections.abc import Mapping
from functools import partial

from fleet.registry.errors import OciError
from providers.ociregistry.context import Session
from providers.ociregistry.properties import Properties, recorded_tag, tag_inputs
from providers.ociregistry.tag.model import TagInputs, TagState
from providers.ociregistry.tag.predict import foresee, tell, unexplained
from providers.ociregistry.tag.prior_state import Before, unchanged


class TagTeller:
    """Keeps the account of tags, by the state from before and the declared inputs."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def read(self, urn: str, properties: Properties, inputs: Properties) -> None:
        """Note the state of a version tag, in case that the program declares it no more."""
        if inputs.get("platforms"):
            self._session.account.read_version(urn, properties)

    def read_gone(self, urn: str, properties: Properties, inputs: Properties) -> None:
        """Note a tag that the refresh found absent: the engine drops its state."""
        before = _before(properties, inputs.get("inputs", {}), gone=True)
        self._session.account.found_gone(urn, before)

    def before(self, urn: str, olds: Properties | None) -> Before:
        """Return what was known of a tag; `olds` is its state, None where it is created."""
        account = self._session.account
        return account.gone(urn) if olds is None else _before(olds, account.inputs(urn))

    def stays(self, urn: str, olds: Properties, news: Properties) -> None:
        """Note a tag that does not differ; a refresh compares as well, before any check."""
        if self._session.account.has_checked(urn):
            inputs = tag_inputs(news, may_lack_owner=True)
            self._session.account.note(urn, unchanged(inputs, recorded_tag(olds)))

    async def foresee(self, urn: str, inputs: TagInputs, before: Before) -> None:
        """Note what an update would do, and log why.

        Where a tag is built though none of its inputs changed, the registry is asked whether it
        lost the build.
        """
        lost = unexplained(inputs, before) and await self._is_lost(before)
        found = foresee(inputs, before, lost=lost)
        self._session.account.note(urn, found.entry)
        if found.line:
            await self._session.log(found.line, urn)

    def tell(self, urn: str, inputs: TagInputs, before: Before, state: TagState) -> None:
        """Note what an update did."""
        self._session.account.note(urn, tell(inputs, before, state))

    async def _is_lost(self, before: Before) -> bool:
        """Tell whether a recorded source is surely absent; no answer leaves it open."""
        hosts, tagger = self._session.hosts, self._session.tagger
        try:
            for source in before.recorded.sources if before.recorded is not None else ():
                there = await hosts.ask(source.repository.host, partial(tagger.holds, source))
                if not there:
                    return True
        except OciError:
            return False
        return False


def _before(state: Properties, inputs: Mapping[str, str], *, gone: bool = False) -> Before:
    return Before(recorded=recorded_tag(state), inputs=inputs, gone=gone)
