"""The adapter between the engine's requests and the resources; it decides nothing itself."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from pulumi.provider.experimental import provider as p

from fleet.registry.errors import InterruptedRunError, OciError
from fleet.registry.interruption import readable
from fleet.registry.login import parse_logins
from providers.ociregistry.context import Change, Session
from providers.ociregistry.fields import MIRROR, STALE_POINTERS, TAG
from providers.ociregistry.mirror.resource import MirrorResource
from providers.ociregistry.properties import InvalidInputsError, Properties, plain_map, wrap_map
from providers.ociregistry.report import FAILURE
from providers.ociregistry.schema import package_schema
from providers.ociregistry.stale_pointers.resource import StaleResource
from providers.ociregistry.tag.resource import TagResource

LOGINS = "logins"
"""The one setting of the provider's configuration."""

UNREAD = "unread"
"""The output that says why a refresh could not read a resource; absent where it could."""

_Resource = TagResource | StaleResource | MirrorResource


class _UnreadError(OciError):
    """The refresh could not read a resource, and said so in a warning."""


class OciProvider(p.Provider):
    """Serves the types `Tag`, `StalePointers` and `Mirror` of `ociregistry:index`."""

    def __init__(self, session: Session | None = None) -> None:
        self._session = session or Session()
        self._resources: dict[str, _Resource] = {
            TAG: TagResource(self._session),
            STALE_POINTERS: StaleResource(self._session),
            MIRROR: MirrorResource(self._session),
        }

    async def get_schema(self, request: p.GetSchemaRequest) -> p.GetSchemaResponse:  # noqa: ARG002
        """Return the package schema, from which the engine learns the types for an import."""
        return p.GetSchemaResponse(schema=json.dumps(package_schema()))

    async def check_config(self, request: p.CheckRequest) -> p.CheckResponse:
        """Validate the settings of the stack: names of variables, whose values nobody looks up.

        Where they changed, the engine goes on with this process, which saw nothing of the refresh.
        """
        before, after = map(plain_map, (request.old_inputs, request.new_inputs))
        self._session.took_over = before.get(LOGINS, {}) != after.get(LOGINS, {}) and bool(before)
        try:
            parse_logins(after.get(LOGINS, {}))
        except OciError as error:
            return p.CheckResponse(
                inputs=request.new_inputs, failures=[p.CheckFailure(LOGINS, str(error))]
            )
        return p.CheckResponse(inputs=request.new_inputs)

    async def configure(self, request: p.ConfigureRequest) -> p.ConfigureResponse:
        """Read and check the settings of this run, and the values that those of the stack name.

        Both are in the environment and in no input.

        :raises OciError: naming every one that is wrong, before anything is asked or written.
        """
        self._session.configure(plain_map(request.args).get(LOGINS, {}))
        return p.ConfigureResponse(
            accept_secrets=False,
            supports_preview=True,
            accept_resources=False,
            accept_outputs=False,
        )

    async def diff_config(self, request: p.DiffRequest) -> p.DiffResponse:
        """Return what changed of the configuration: that updates it, and replaces no resource.

        Whether anything did is left to the engine, for the SDK's server (3.259) sends `changes` as
        another value than it was given here.
        """
        before, after = map(plain_map, (request.old_state, request.new_inputs))
        return p.DiffResponse(diffs=[LOGINS] if before.get(LOGINS) != after.get(LOGINS) else [])

    async def check(self, request: p.CheckRequest) -> p.CheckResponse:
        """Validate inputs; every problem is reported, each at its property."""
        resource = self._resource(request.type)
        news = plain_map(request.new_inputs)
        try:
            inputs = await resource.check(request.urn, plain_map(request.old_inputs), news)
        except InvalidInputsError as error:
            failures = [p.CheckFailure(name, reason) for name, reason in error.problems.items()]
            return p.CheckResponse(inputs=request.new_inputs, failures=failures)
        return p.CheckResponse(inputs=wrap_map(inputs))

    async def diff(self, request: p.DiffRequest) -> p.DiffResponse:
        """Compare the recorded state with the checked inputs.

        A state that could not be read is a change, so that its update fails, and nothing else.
        """
        resource, olds = self._resource(request.type), plain_map(request.old_state)
        found = resource.diff(request.urn, olds, plain_map(request.new_inputs))
        if UNREAD in olds and not any(change.replaces for change in found):
            found = [Change(name=UNREAD, path=UNREAD, kind="DELETE", from_inputs=False)]
        kinds = p.PropertyDiffKind
        detailed = {
            change.path: p.PropertyDiff(
                kinds.UPDATE_REPLACE if change.replaces else kinds[change.kind],
                change.from_inputs,
            )
            for change in found
        }
        return p.DiffResponse(
            changes=bool(found),
            replaces=[change.name for change in found if change.replaces],
            diffs=[change.name for change in found],
            detailed_diff=detailed,
        )

    async def create(self, request: p.CreateRequest) -> p.CreateResponse:
        """Create, or predict that in a preview."""
        resource = self._resource(request.type)
        inputs = plain_map(request.properties)

        def create() -> Awaitable[dict[str, Any]]:
            return resource.create(request.urn, inputs, preview=request.preview)

        outputs = await self._previewed(request, inputs, create)
        return p.CreateResponse(
            resource_id=inputs[resource.id_property], properties=wrap_map(outputs)
        )

    async def read(self, request: p.ReadRequest) -> p.ReadResponse:
        """Read for a refresh or an import; an empty id tells that it is gone.

        An error here would end the run before the program starts, whatever else there is to do
        (`--continue-on-error` included). So a refresh keeps the state and records as `unread` why
        it could not be read. An import has no state to keep, and fails.
        """
        olds, inputs = plain_map(request.properties), plain_map(request.inputs)
        known = {name: value for name, value in olds.items() if name != UNREAD}
        try:
            found = await self._resource(request.type).read(
                request.urn, request.resource_id, known, inputs
            )
        except InterruptedRunError:
            raise
        except Exception as error:
            if not known:
                raise
            reason = str(readable(error))
            text = f"{request.resource_id} could not be verified, and its state is kept: {reason}"
            await self._session.warn(text, request.urn)
            found = {**known, UNREAD: reason}, inputs
        if found is None:
            return p.ReadResponse(resource_id="")
        outputs, inputs = found
        return p.ReadResponse(
            resource_id=request.resource_id,
            properties=wrap_map(outputs),
            inputs=wrap_map(inputs),
        )

    async def update(self, request: p.UpdateRequest) -> p.UpdateResponse:
        """Update in place, or predict that in a preview.

        :raises OciError: if the state could not be read: nothing is known of what is there. Of a
            mirror, a preview warns instead.
        """
        resource = self._resource(request.type)
        olds, news = plain_map(request.olds), plain_map(request.news)

        async def update() -> dict[str, Any]:
            if UNREAD not in olds:
                return await resource.update(request.urn, olds, news, preview=request.preview)
            if isinstance(resource, StaleResource) and not request.preview:
                await resource.claim(request.urn, news)
            raise _UnreadError(
                f"{news[resource.id_property]} could not be verified, so nothing is changed: "
                f"{olds[UNREAD].removesuffix('.')}.\nRun again with a refresh when that is mended."
            )

        outputs = await self._previewed(request, news, update)
        return p.UpdateResponse(properties=wrap_map(outputs))

    async def _previewed(
        self,
        request: p.CreateRequest | p.UpdateRequest,
        news: Properties,
        act: Callable[[], Awaitable[dict[str, Any]]],
    ) -> dict[str, Any]:
        """Return what `act` returns; in a preview, what fails at a mirror is a warning instead.

        The engine ends a preview at the first failure, and with it the list of removals: a mirror
        that is down would take the source's along.
        """
        try:
            return await act()
        except OciError as error:
            resource = self._resource(request.type)
            at_mirror = not isinstance(resource, TagResource) and news.get("source")
            if not (request.preview and at_mirror):
                raise
            if not isinstance(error, _UnreadError):
                await self._session.warn(f"an update would fail: {error}", request.urn)
            return {**news, FAILURE: str(error)}

    async def delete(self, request: p.DeleteRequest) -> None:
        """Forget a Tag and a Mirror; for StalePointers, remove what is ours."""
        await self._resource(request.type).delete(request.urn, plain_map(request.properties))

    async def close(self) -> None:
        """Close the connections to registries."""
        await self._session.close()

    def _resource(self, token: str) -> _Resource:
        try:
            # A child's type in its URN is preceded by those of its parents: `parent$type`.
            return self._resources[token.rpartition("$")[2]]
        except KeyError:
            raise OciError(
                f"{token} is not a resource of this provider; it has {', '.join(self._resources)}"
            ) from None
