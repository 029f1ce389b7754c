"""GitHub's registry: what its Packages API refuses, delays or hides costs no image."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fleet.http.retry import RetryPolicy
from fleet.registry.client import Client
from fleet.registry.errors import ConflictError, OciError, RegistryError, UnsupportedRemovalError
from fleet.registry.github_packages import Packages, Version, is_ghcr
from fleet.registry.reference import Repository, TagReference
from fleet.registry.removal.ghcr import PackagesRemover
from fleet.registry.removal.placeholder import placeholder_manifest
from fleet.registry.transport import Transport
from tests.engine.reading import Reading
from tests.engine.seeding import OCI_MANIFEST, move_tag, push_image, push_index
from tests.providers.ociregistry.registry_fake import serving
from tests.registries.front import Front, fronting
from tests.registries.github import GitHub
from tests.registries.writing import put

NAME, POINTER, VERSION = "team/app", "py3.8-LATEST", "py3.8-0.30.0"
PLATFORMS = ("linux/amd64", "linux/arm64")


@dataclass
class Package:
    """A package with a pointer on a version, before GitHub's API."""

    front: Front
    github: GitHub
    environment: dict[str, str]
    name: str = NAME
    digest: str = ""
    waits: list[float] = field(default_factory=list)
    attempts: int = 1
    during_wait: Callable[[float], object] = float
    packages: type[Packages] = Packages

    def fill(self) -> None:
        children = push_image(self.front, self.name, PLATFORMS, VERSION)
        self.digest = push_index(self.front, self.name, [VERSION], children)
        move_tag(self.front, self.name, POINTER, VERSION)
        self.front.log.clear()

    def remove(self, tag: str = POINTER) -> None:
        asyncio.run(self._remove(tag))

    async def _remove(self, tag: str) -> None:
        retry = RetryPolicy(attempts=self.attempts, sleep=self._sleep)
        transport = Transport(environment=self.environment, retry=retry)
        try:
            client = Client(transport)
            ref = TagReference.parse(f"{self.front.host}/{self.name}:{tag}")
            manifest = await client.get(ref.repository, tag)
            assert manifest is not None
            others = frozenset((await client.tags(ref.repository)).tags) - {tag}
            remover = PackagesRemover(
                registry=client, packages=self.packages(transport), retry=retry
            )
            await remover.remove(ref, manifest, others)
        finally:
            await transport.close()

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.during_wait(seconds)

    @property
    def view(self) -> Reading:
        return Reading(self.front.storage, self.name)

    @property
    def api_writes(self) -> list[str]:
        return [line for line in self.front.writes if " /api/" in line]


@pytest.fixture
def package(tmp_path: Path) -> Iterator[Package]:
    with serving() as storage, fronting(storage.host, ghcr=True) as front:
        assert front.github is not None
        environment = {"DOCKER_CONFIG": str(tmp_path), **front.environment}
        package = Package(front=front, github=front.github, environment=environment)
        package.fill()
        yield package
        assert front.github.violations == []


def untouched(package: Package) -> None:
    """Check that both names still name the image, and that it is whole."""
    assert package.view.tags() == {POINTER: package.digest, VERSION: package.digest}
    assert set(package.view.pull(VERSION)) == set(PLATFORMS)


def test_the_name_goes_and_the_image_and_its_other_name_stay(package: Package) -> None:
    package.remove()
    assert package.view.tags() == {VERSION: package.digest}
    assert set(package.view.pull(VERSION)) == set(PLATFORMS)
    ((deleted, tags),) = package.github.deleted
    assert deleted != package.digest
    assert tags == (POINTER,)


def test_a_listing_that_lags_behind_is_waited_for(package: Package) -> None:
    package.github.freeze(NAME, times=3)
    package.remove()
    assert package.view.tags() == {VERSION: package.digest}
    assert package.waits == [1.0, 2.0, 4.0]


def test_a_listing_that_never_catches_up_deletes_nothing_and_puts_the_name_back(
    package: Package,
) -> None:
    package.github.freeze(NAME, times=1000)
    with pytest.raises(RegistryError, match=f"within 60 s.* was put back on {package.digest}"):
        package.remove()
    untouched(package)
    assert package.api_writes == []


@pytest.mark.parametrize(
    ("status", "error", "says"),
    [
        (400, RegistryError, "answered 400"),
        (403, UnsupportedRemovalError, "the role Admin"),
        (404, UnsupportedRemovalError, "delete:packages"),
        (500, RegistryError, "answered 500"),
    ],
)
def test_a_deletion_that_github_refuses_puts_the_name_back_and_says_so(
    package: Package, status: int, error: type[OciError], says: str
) -> None:
    package.github.statuses["DELETE"] = status
    with pytest.raises(error, match=f"{says}.*was put back on {package.digest}"):
        package.remove()
    untouched(package)


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("no token", "there is no token"),
        ("another's token", "answered 401"),
        ("a token without the scope", r"scopes \(read:packages\) lack delete:packages"),
        ("a package that the token does not see", "shows no such package"),
    ],
)
def test_what_a_token_may_not_do_is_refused_before_any_write(
    package: Package, case: str, says: str
) -> None:
    if case == "no token":
        del package.environment["FLEET_GITHUB_TOKEN"]
    elif case == "another's token":
        package.environment["FLEET_GITHUB_TOKEN"] = "another"
    elif case == "a token without the scope":
        package.github.scopes = "read:packages"
    else:
        package.github.pushed.pop(NAME)
    with pytest.raises(UnsupportedRemovalError, match=says) as caught:
        package.remove()
    assert "set FLEET_GITHUB_TOKEN or GITHUB_TOKEN" in str(caught.value)
    assert package.front.writes == []
    untouched(package)


def test_a_workflows_own_token_serves_where_no_other_is_set(package: Package) -> None:
    package.environment["GITHUB_TOKEN"] = package.environment.pop("FLEET_GITHUB_TOKEN")
    package.environment["GITHUB_API_URL"] = package.environment["FLEET_GITHUB_API"]
    package.remove()
    assert POINTER not in package.view.tags()


@pytest.mark.parametrize("own", ["", "https://github.example/api/v3"])
def test_a_workflows_own_token_is_sent_to_no_other_api(package: Package, own: str) -> None:
    package.environment["GITHUB_TOKEN"] = package.environment.pop("FLEET_GITHUB_TOKEN")
    package.environment["GITHUB_API_URL"] = own
    with pytest.raises(UnsupportedRemovalError, match="there is no token"):
        package.remove()
    assert [line for line in package.front.log if " /api/" in line] == []


@pytest.mark.parametrize("token", ["canary\n", "can ary", "canary\x7f"])
def test_a_token_that_cannot_be_sent_is_named_and_not_shown(package: Package, token: str) -> None:
    package.environment["FLEET_GITHUB_TOKEN"] = token
    with pytest.raises(RegistryError, match=r"^FLEET_GITHUB_TOKEN: ") as caught:
        package.remove()
    assert "ary" not in str(caught.value)
    untouched(package)


def test_the_last_tagged_version_is_refused_before_any_write(package: Package) -> None:
    alone = Package(front=package.front, github=package.github, environment=package.environment)
    alone.name = "team/other"
    push_index(alone.front, alone.name, [POINTER], {})
    alone.front.log.clear()
    with pytest.raises(UnsupportedRemovalError, match="the last tagged version"):
        alone.remove()
    assert alone.front.writes == []


def test_a_placeholder_that_has_another_tag_too_is_not_deleted(package: Package) -> None:
    leftover = placeholder_manifest("of another run", package.digest)
    for tag in (POINTER, "mine"):
        put(package.front, NAME, tag, leftover.body, OCI_MANIFEST)
    with pytest.raises(RegistryError, match="was put back"):
        package.remove()
    assert package.view.tags() == {
        POINTER: package.digest,
        VERSION: package.digest,
        "mine": leftover.digest,
    }
    assert package.api_writes == []


def test_a_tag_that_is_moved_after_its_version_was_looked_at_costs_no_version(
    package: Package,
) -> None:
    theirs = push_index(package.front, NAME, ["theirs"], {})

    class Moving(Packages):
        async def version(self, repository: Repository, number: int) -> Version | None:
            found = await super().version(repository, number)
            move_tag(package.front, NAME, POINTER, "theirs")
            return found

    package.packages = Moving
    with pytest.raises(ConflictError, match=f"names {theirs}.*was moved to {theirs} and was left"):
        package.remove()
    assert package.view.tags() == {POINTER: theirs, VERSION: package.digest, "theirs": theirs}
    assert package.api_writes == []


def test_before_a_deletion_is_repeated_the_tag_is_looked_at_again(package: Package) -> None:
    theirs = push_index(package.front, NAME, ["theirs"], {})
    package.attempts = 2
    package.github.statuses["DELETE"] = 502
    package.during_wait = lambda _: move_tag(package.front, NAME, POINTER, "theirs")
    with pytest.raises(ConflictError, match=f"was moved to {theirs} and was left"):
        package.remove()
    assert len(package.api_writes) == 1
    assert package.view.tags()[POINTER] == theirs


@pytest.mark.parametrize(
    "error", [OverflowError(), RecursionError(), asyncio.CancelledError()], ids=repr
)
def test_whatever_stops_a_removal_the_tag_is_put_back(
    package: Package, error: BaseException
) -> None:
    class Stopping(Packages):
        async def version(self, repository: Repository, number: int) -> Version | None:
            raise error

    package.packages = Stopping
    with pytest.raises(OciError, match=f"was put back on {package.digest}"):
        package.remove()
    untouched(package)
    assert package.api_writes == []


def test_an_interrupted_wait_for_the_list_puts_the_tag_back(package: Package) -> None:
    package.github.freeze(NAME, times=1000)

    def interrupt(_: float) -> None:
        raise asyncio.CancelledError

    package.during_wait = interrupt
    with pytest.raises(OciError, match=r"The run was interrupted.*was put back"):
        package.remove()
    untouched(package)


@pytest.mark.parametrize("newest_first", [True, False])
def test_the_version_is_found_on_whichever_page_it_is(package: Package, newest_first: bool) -> None:
    package.github.newest_first = newest_first
    for number in range(250):
        package.github.pushed[NAME].insert(0, f"sha256:{number:064x}")
    package.remove()
    assert POINTER not in package.view.tags()
    listings = [line for line in package.front.log if line.endswith("/versions")]
    assert len(listings) == (1 if newest_first else 3)


def test_a_package_of_a_user_is_found_where_there_is_no_such_organisation(
    package: Package,
) -> None:
    package.github.organisation = False
    package.remove()
    assert package.view.tags() == {VERSION: package.digest}
    assert package.api_writes == [f"DELETE /api/users/team/packages/container/app/versions/{4}"]


def test_the_slashes_of_a_nested_package_are_part_of_its_name(package: Package) -> None:
    nested = Package(front=package.front, github=package.github, environment=package.environment)
    nested.name = "team/app/build"
    nested.fill()
    nested.remove()
    assert nested.view.tags() == {VERSION: nested.digest}
    assert "/orgs/team/packages/container/app%2Fbuild/" in nested.api_writes[0]


def test_a_digest_that_one_package_lost_is_still_a_version_of_another(package: Package) -> None:
    other = Package(front=package.front, github=package.github, environment=package.environment)
    other.name = "team/other"
    other.fill()
    push_index(other.front, other.name, ["kept"], {})
    assert set(package.github.delete_version(other.name, package.digest)) == {POINTER, VERSION}
    assert other.view.digest(package.digest) is None
    untouched(package)
    package.remove()
    assert package.view.tags() == {VERSION: package.digest}


def test_a_token_is_never_sent_without_tls(package: Package) -> None:
    package.environment["FLEET_GITHUB_API"] = "http://api.example.org"
    with pytest.raises(RegistryError, match="is not an https://"):
        package.remove()
    untouched(package)


@pytest.mark.parametrize(
    ("host", "ghcr"), [("ghcr.io", True), ("ghcr.example", True), ("docker.io", False)]
)
def test_the_api_is_used_for_githubs_registry_and_those_listed(host: str, ghcr: bool) -> None:
    assert is_ghcr(host, {"FLEET_GHCR_HOSTS": "ghcr.example, other"}) is ghcr
