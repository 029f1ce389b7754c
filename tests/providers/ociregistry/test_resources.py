import asyncio
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest

from providers.ociregistry import sdk as r
from providers.ociregistry.schema import package_schema

DIGEST = "sha256:" + "a" * 64


class Recording(pulumi.runtime.Mocks):
    def __init__(self) -> None:
        self.inputs: dict[str, dict[str, Any]] = {}

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.inputs[args.typ] = args.inputs
        outputs = {"digest": DIGEST, "previous": "old", "stale": {"t": DIGEST}}
        return "id", {**args.inputs, **outputs}

    def call(
        self, args: pulumi.runtime.MockCallArgs
    ) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        return {}, None


PLATFORMS = ("linux/amd64", "linux/arm/v7")


@pytest.fixture
def engine() -> Iterator[Recording]:
    # Pulumi's mocks take the thread's current loop, which asyncio.run elsewhere has unset.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    mocks = Recording()
    pulumi.runtime.set_mocks(mocks, preview=False)
    yield mocks
    loop.close()


def test_a_tag_sends_what_the_schema_declares(engine: Recording) -> None:
    seen: list[Any] = []

    @pulumi.runtime.test  # type: ignore[untyped-decorator]
    def program() -> pulumi.Output[Any]:
        sources: list[pulumi.Input[str]] = [pulumi.Output.from_input("h/n@"), "h/m@"]
        annotations = {"on_conflict": "as it is"}
        args = r.TagArgs(
            ref="h/n:t", owner="o", sources=sources, platforms=PLATFORMS, annotations=annotations
        )
        tag = r.Tag("name", args)
        return pulumi.Output.all(tag.digest, tag.previous).apply(seen.append)

    program()
    assert seen == [[DIGEST, "old"]]
    assert engine.inputs["ociregistry:index:Tag"] == {
        "ref": "h/n:t",
        "owner": "o",
        "identity": "",
        "onConflict": "take-over",
        "annotations": {"on_conflict": "as it is"},
        "sources": ["h/n@", "h/m@"],
        "platforms": ["linux/amd64", "linux/arm/v7"],
    }


def test_a_tag_says_what_went_into_it(engine: Recording) -> None:
    @pulumi.runtime.test  # type: ignore[untyped-decorator]
    def program() -> pulumi.Output[Any]:
        args = r.TagArgs(ref="h/n:t", owner="o", source="h/n@", inputs={"file start.sh": "1f"})
        return r.Tag("name", args).digest

    program()
    schema = package_schema()["resources"]
    assert engine.inputs["ociregistry:index:Tag"]["inputs"] == {"file start.sh": "1f"}
    assert set(engine.inputs["ociregistry:index:Tag"]) < set(
        schema["ociregistry:index:Tag"]["inputProperties"]
    )


def test_stale_pointers_send_what_the_schema_declares(engine: Recording) -> None:
    seen: list[Any] = []

    @pulumi.runtime.test  # type: ignore[untyped-decorator]
    def program() -> pulumi.Output[Any]:
        args = r.StalePointersArgs(
            repository="h/n",
            owner="o",
            pointers=["a", "b"],
            grammar=[r.PointerPattern(kind="LATEST", pattern="x")],
            policy={"LATEST": "remove"},
            digests={"t": pulumi.Output.from_input(DIGEST)},
            commit="c",
            source="h/m",
        )
        return r.StalePointers("name", args).stale.apply(seen.append)

    program()
    schema = package_schema()["resources"]["ociregistry:index:StalePointers"]
    sent = engine.inputs["ociregistry:index:StalePointers"]
    assert set(sent) == set(schema["inputProperties"])
    assert (sent["pointers"], sent["digests"]) == (["a", "b"], {"t": DIGEST})
    assert seen == [{"t": DIGEST}]


@pytest.mark.parametrize("resource", [r.Tag, r.StalePointers])
def test_every_output_can_be_read(engine: Recording, resource: Any) -> None:
    @pulumi.runtime.test  # type: ignore[untyped-decorator]
    def program() -> None:
        made: Any = (
            r.Tag("t", r.TagArgs(ref="h/n:t", owner="o", source="h/n@"))
            if resource is r.Tag
            else r.StalePointers(
                "s",
                r.StalePointersArgs(
                    repository="h/n", owner="o", pointers=[], grammar=[], policy={}
                ),
            )
        )
        for output in r.outputs_of(resource):
            assert isinstance(getattr(made, output.attribute), pulumi.Output), output

    program()
    assert "unread" in {output.name for output in r.outputs_of(resource)}
