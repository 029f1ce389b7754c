"""A recording engine: what a program asks of Pulumi, without Pulumi."""

import asyncio
from collections.abc import Collection, Coroutine
from dataclasses import dataclass, field
from typing import Any

import pulumi
from pulumi.runtime import mocks
from pulumi.runtime.proto import resource_pb2

from components.fleet import declare
from components.stack_references import Elsewhere
from fleet.plan.plan import Plan

IMAGE = "docker-build:index:Image"
TAG = "ociregistry:index:Tag"
STACK = "pulumi:pulumi:readStackOutputs"
STALE = "ociregistry:index:StalePointers"
MIRROR = "ociregistry:index:Mirror"
COMMIT = "c" * 40


def digest(name: str) -> str:
    """A digest that differs by name, so that a test sees which one went where."""
    return f"sha256:{name.encode().hex().ljust(64, '0')[-64:]}"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One resource as the program registered it; ``needs`` are URNs it depends on."""

    token: str
    name: str
    inputs: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of a resource beside its inputs; time limits as the engine reads them.

    ``provider`` is the reference of one that the program made, else empty.
    """

    retain: bool
    create: str
    update: str
    provider: str = ""


@dataclass
class Engine(pulumi.runtime.Mocks):
    """Answers as the providers do, and keeps every request in order."""

    asked: list[Asked] = field(default_factory=list)
    options: dict[str, Options] = field(default_factory=dict)
    preview: bool = False
    stacks: dict[str, dict[str, Any]] = field(default_factory=dict)

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.asked.append(Asked(token=args.typ, name=args.name, inputs=args.inputs))
        outputs = dict(args.inputs)
        if args.typ == IMAGE:
            outputs["digest"] = "" if self.preview else digest(args.name)
        if args.typ == TAG:
            outputs |= {"digest": digest(args.name), "size": 12, "platforms": self._platforms(args)}
            outputs["signed"] = {"statements": {"provenance": args.name}}
        if args.typ == MIRROR:
            # As one that has nothing to write: its state has a tag that is declared no more.
            outputs["tags"] = {**args.inputs["tags"], "py3.11-0.1.0": digest(args.name)}
        return f"{args.name}-id", outputs

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[str, Any], list[Any]]:
        assert args.token == STACK, "the program calls nothing else"
        name = args.args["name"]
        self.asked.append(Asked(token=args.token, name=name, inputs=args.args))
        return {"name": name, "outputs": self.stacks[name]}, []

    def of(self, token: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.token == token]

    def named(self, name: str) -> Asked:
        (found,) = [asked for asked in self.asked if asked.name == name]
        return found

    @staticmethod
    def _platforms(args: pulumi.runtime.MockResourceArgs) -> list[dict[str, Any]]:
        named = args.inputs.get("platforms") or []
        return [{"platform": name, "digest": digest(name), "size": 6} for name in named]


class Monitor(mocks.MockMonitor):
    """Keeps also the options of each resource, which mocks are not told, and lets some fail.

    A failure is answered as the engine answers it where it goes on with the rest.
    """

    def __init__(self, engine: Engine, fails: Collection[str]) -> None:
        super().__init__(engine)
        self._options = engine.options
        self._fails = fails

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the SDK's name
        limits = request.customTimeouts
        self._options[request.name] = Options(
            provider=request.provider,
            retain=request.retainOnDelete,
            create=limits.create,
            update=limits.update,
        )
        answer = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        if request.name in self._fails:
            return resource_pb2.RegisterResourceResponse(urn=answer.urn, result=resource_pb2.FAIL)
        return answer


def run(
    plan: Plan,
    *,
    preview: bool = False,
    stacks: dict[str, dict[str, Any]] | None = None,
    fails: Collection[str] = (),
) -> tuple[Engine, dict[str, Any]]:
    """Run the program on ``plan``; return what it asked for, and the stack's outputs.

    ``stacks`` are the outputs of other stacks by their names, ``fails`` the names of the resources
    that fail.
    """
    engine = Engine(preview=preview, stacks=stacks or {})
    # Each run gets a loop of its own, so that one test's pending work can't reach another's.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        mocks.set_mocks(
            engine,
            project="fleet",
            stack="test",
            preview=preview,
            monitor=Monitor(engine, fails),
            organization="organization",
        )
        outputs: dict[str, Any] = {}

        async def program() -> None:
            for name, rows in declare(plan, Elsewhere(), COMMIT).outputs.items():
                outputs[name] = await pulumi.Output.from_input(rows).future()

        loop.run_until_complete(_finished(program()))
    finally:
        asyncio.set_event_loop(None)
        loop.close()
    return engine, outputs


async def _finished(work: Coroutine[Any, Any, None]) -> None:
    await work
    await pulumi.runtime.stack.wait_for_rpcs()
