"""Tells what becomes of tags: in a preview as a line at each, and to the account of the run."""

from collections.abc import Mapping

from providers.ociregistry.before import Before, unchanged
from providers.ociregistry.errors import OciError
from providers.ociregistry.outlook import foresee, tell, unexplained
from providers.ociregistry.reference import ManifestReference
from providers.ociregistry.session import Session
from providers.ociregistry.tag import TagInputs, TagState
from providers.ociregistry.wire import Properties, recorded_images, recorded_tag, tag_inputs


class TagTeller:
    """Keeps the account of tags, by the state from before and the declared inputs."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def read(self, urn: str, properties: Properties) -> None:
        """Note the state of a version tag, in case that the program declares it no more."""
        if "sources" in properties:
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

        A platform that is built though nothing of its inputs changed is asked for, which tells
        whether its image is lost.
        """
        asked = unexplained(inputs, before)
        absent = [platform for platform in asked if await self._is_lost(before, platform)]
        found = foresee(inputs, before, absent)
        self._session.account.note(urn, found.entry)
        if found.line:
            await self._session.log(found.line, urn)

    def tell(self, urn: str, inputs: TagInputs, before: Before, state: TagState) -> None:
        """Note what an update did."""
        self._session.account.note(urn, tell(inputs, before, state))

    async def _is_lost(self, before: Before, platform: str) -> bool:
        """Tell whether a recorded source is surely absent; no answer leaves it open."""
        try:
            image = ManifestReference.parse(before.images.get(platform, ""))
            return not await self._session.hosts.ask(
                image.repository.host, lambda: self._session.tagger.holds(image)
            )
        except OciError:
            return False


def _before(state: Properties, inputs: Mapping[str, str], *, gone: bool = False) -> Before:
    images = recorded_images(state)
    return Before(recorded=recorded_tag(state), inputs=inputs, images=images, gone=gone)
