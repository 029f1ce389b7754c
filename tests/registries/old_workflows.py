"""A repository as the replaced workflows left it, never seen by any state."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.engine.reading import Reading
from tests.engine.registries import Served
from tests.engine.seeding import OCI_INDEX, OCI_MANIFEST, move_tag, push_image, push_index, sha
from tests.registries.writing import empty, put, size_of

NAME = "team/app"
GRAMMAR = {
    "LATEST": r"py[0-9]+\.[0-9]+(?:-(?:slim|alpine))?-LATEST",
    "X.Y": r"py[0-9]+\.[0-9]+(?:-(?:slim|alpine))?-[0-9]+\.[0-9]+",
    "X": r"py[0-9]+\.[0-9]+(?:-(?:slim|alpine))?-[1-9][0-9]*",
}
PLATFORMS = ("linux/amd64", "linux/arm/v7")


@dataclass
class OldWorkflows:
    """Pushes everything, and remembers what is a stale pointer and what has to stay.

    `stale` maps a pointer that nothing declares to its digest, by kind; `kept` maps every other
    tag. `digests` are manifests that no tag has to name: children, attestations, referrers.
    `live` is what the declaration names today, `gone` what it named once.
    """

    registry: Served
    storage: Served
    live: tuple[str, ...] = ("py3.12",)
    gone: tuple[str, ...] = ("py3.7", "py3.8-slim")
    stale: dict[str, dict[str, str]] = field(default_factory=lambda: {"LATEST": {}, "X.Y": {}})
    kept: dict[str, str] = field(default_factory=dict)
    pointers: dict[str, str] = field(default_factory=dict)
    digests: set[str] = field(default_factory=set)

    def push(self) -> "OldWorkflows":
        """Push all of it."""
        for prefix in (*self.gone, *self.live):
            old = self._version(f"{prefix}-0.14.1")
            new = self._version(f"{prefix}-0.15.0")
            named = {f"{prefix}-LATEST": new, f"{prefix}-0.15": new, f"{prefix}-0.14": old}
            for pointer, digest in named.items():
                move_tag(self.registry, NAME, pointer, digest)
                self._note(pointer, digest, is_live=prefix in self.live)
        # Names out of the grammar, on an image of their own and on one that has others.
        self._version("edge")
        move_tag(self.registry, NAME, "my-tag", f"{self.gone[0]}-0.14.1")
        self.kept["my-tag"] = self.kept[f"{self.gone[0]}-0.14.1"]
        self._refer(self.kept[f"{self.gone[1]}-0.15.0"])
        return self

    def two_part_version(self, tag: str) -> str:
        """Push the only tag of a version of two parts, in the form of an X.Y pointer."""
        return self._version(tag)

    def check(self, gone: set[str]) -> None:
        """Check, as those who pull do, that exactly `gone` went and all the rest is whole."""
        view = Reading(self.storage, NAME)
        before = {**self.kept, **self.pointers}
        for pointers in self.stale.values():
            before |= pointers
        assert view.tags() == {tag: digest for tag, digest in before.items() if tag not in gone}
        self.check_whole(self.kept)

    def check_whole(self, kept: Mapping[str, str]) -> None:
        """Check that `kept` name what they named, and that all of it pulls."""
        view = Reading(self.storage, NAME)
        for tag, digest in kept.items():
            assert view.digest(tag) == digest
            if not tag.startswith("sha256-"):
                assert set(PLATFORMS) < set(view.pull(tag)), f"{tag}: platforms and attestations"
        for digest in self.digests:
            assert view.digest(digest) == digest

    def _note(self, pointer: str, digest: str, *, is_live: bool) -> None:
        if is_live:
            self.pointers[pointer] = digest
        else:
            kind = "LATEST" if pointer.endswith("LATEST") else "X.Y"
            self.stale[kind][pointer] = digest

    def _version(self, tag: str) -> str:
        children = push_image(self.registry, NAME, PLATFORMS, tag)
        # BuildKit's attestations are entries of the index for a platform that none runs.
        attestation = push_image(self.registry, NAME, ["unknown/unknown"], f"provenance of {tag}")
        self.digests |= {*children.values(), *attestation.values()}
        self.kept[tag] = push_index(self.registry, NAME, [tag], {**children, **attestation})
        return self.kept[tag]

    def _refer(self, subject: str) -> None:
        """Push a referrer of a digest, and the fallback tag that lists it (OCI 1.1)."""
        size = size_of(self.registry, NAME, subject, OCI_INDEX)
        referrer = _document(
            mediaType=OCI_MANIFEST,
            artifactType="application/spdx+json",
            config=empty(),
            layers=[empty()],
            subject={"mediaType": OCI_INDEX, "digest": subject, "size": size},
        )
        self.digests.add(sha(referrer))
        put(self.registry, NAME, sha(referrer), referrer, OCI_MANIFEST)
        entry = {"mediaType": OCI_MANIFEST, "digest": sha(referrer), "size": len(referrer)}
        listing = _document(mediaType=OCI_INDEX, manifests=[entry])
        tag = subject.replace(":", "-")
        put(self.registry, NAME, tag, listing, OCI_INDEX)
        self.kept[tag] = sha(listing)


def _document(**fields: object) -> bytes:
    return json.dumps({"schemaVersion": 2, **fields}).encode()
