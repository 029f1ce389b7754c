"""What the tests of Tag declare."""

from typing import Any

from tests.providers.registry_fake import FakeRegistry

NAME, BUILD = "team/app", "team/app/build"
PLATFORMS = ("linux/amd64", "linux/arm64", "linux/arm/v7")


class Declared:
    """Inputs of a version tag and of a pointer on it."""

    def __init__(self, registry: FakeRegistry) -> None:
        self.registry = registry
        self.place = f"{registry.host}/{NAME}"

    def version(self, tag: str, text: str = "", **overrides: Any) -> dict[str, Any]:
        digests = {p: self.registry.push_image(BUILD, p, text or tag) for p in PLATFORMS}
        sources = [
            {"platform": platform, "image": f"{self.registry.host}/{BUILD}@{digest}"}
            for platform, digest in digests.items()
        ]
        inputs = {
            "ref": f"{self.place}:{tag}",
            "owner": "fleet/dev",
            "identity": text or tag,
            "sources": sources,
        }
        return {**inputs, **overrides}

    def pointer(self, tag: str, digest: str, **overrides: Any) -> dict[str, Any]:
        inputs = {
            "ref": f"{self.place}:{tag}",
            "owner": "fleet/dev",
            "source": f"{self.place}@{digest}",
        }
        return {**inputs, **overrides}

    @property
    def tags(self) -> dict[str, str]:
        return self.registry.repositories[NAME].tags
