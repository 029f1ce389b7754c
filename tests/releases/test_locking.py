"""Bringing a lock up to a declaration, with the outside stood in for."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from fleet.declaration import Declaration
from fleet.lock import Lock
from fleet.parse import parse
from fleet.plan import make_plan
from releases.bases import BaseError
from releases.locking import Refresh, Sources, completed
from releases.requirements import Resolution, ResolutionError, read
from tests.fleet.examples import DIGEST, OTHER_DIGEST, PLATFORMS, config, declaration, image, inputs


@dataclass
class Outside:
    """What PyPI and registries would say, and what they were asked."""

    asked: list[str] = field(default_factory=list)
    digest: str = DIGEST
    platforms: tuple[str, ...] = PLATFORMS
    stand_ins: Mapping[str, str] = field(default_factory=dict)

    def sources(self) -> Sources:
        return Sources(
            distributions=self.distributions,
            yanked=self.yanked,
            platforms=self.base,
            stand_ins=self.stand_ins,
            say=lambda _: None,
        )

    def distributions(self, wanted: list[str], python: str) -> Resolution:
        self.asked.append(f"{' '.join(wanted)} on {python}")
        pins = tuple(sorted(w if "==" in w else f"{w}==9.0.0" for w in wanted))
        return Resolution(pins=pins, hashes=dict.fromkeys(pins, (DIGEST,)))

    def yanked(self, package: str) -> tuple[str, ...]:
        self.asked.append(f"yanked {package}")
        return ("0.1.0",)

    def base(self, reference: str) -> Mapping[str, str]:
        self.asked.append(reference)
        return dict.fromkeys(self.platforms, self.digest)


def locked(
    declared: Declaration, held: Lock | None = None, **outside: object
) -> tuple[Lock, Outside]:
    world = Outside(**outside)  # type: ignore[arg-type]
    return completed(held or Lock(), declared, world.sources(), Refresh()), world


def test_a_new_lock_covers_the_declaration() -> None:
    declared = declaration()
    lock, world = locked(declared)
    make_plan(declared, inputs(declared, lock=lock), "fleet/test")
    assert world.asked == [
        "uvicorn==0.33.0 gunicorn on 3.11",
        "uvicorn==0.34.0 gunicorn on 3.11",
        "docker.io/library/python:3.11-slim",
        "docker.io/library/python:3.11",
        "yanked uvicorn",
    ]


def test_a_covering_lock_asks_nobody_and_stays_as_it_is() -> None:
    lock, _ = locked(declaration())
    again, world = locked(declaration(), lock)
    assert again == lock
    assert world.asked == []


def test_a_new_version_is_resolved_and_the_others_stay() -> None:
    lock, _ = locked(declaration())
    again, world = locked(declaration(versions=["0.33.0", "0.34.0", "0.35.0"]), lock)
    assert world.asked == ["uvicorn==0.35.0 gunicorn on 3.11", "yanked uvicorn"]
    assert again.pins.items() >= lock.pins.items()
    assert again.bases == lock.bases


def test_what_is_declared_no_more_leaves_the_lock() -> None:
    lock, _ = locked(declaration())
    again, _ = locked(declaration(versions=["0.34.0"]), lock)
    assert [version for _, _, version in again.pins] == ["0.34.0"]
    assert "uvicorn==0.33.0" not in again.hashes


def test_other_distributions_are_resolved_anew() -> None:
    lock, _ = locked(declaration())
    _, world = locked(declaration(extras=["standard"]), lock)
    assert "uvicorn[standard]==0.34.0 gunicorn on 3.11" in world.asked


def test_bases_are_asked_for_again_only_on_request() -> None:
    declared = declaration()
    lock, _ = locked(declared)
    moved = Outside(digest=OTHER_DIGEST)
    assert completed(lock, declared, moved.sources(), Refresh()) == lock
    again = completed(lock, declared, moved.sources(), Refresh(bases=True))
    assert again.bases["3.11-slim"].platforms["linux/amd64"] == OTHER_DIGEST
    assert again.builders == lock.builders, "what was compiled is copied when a base moves"


def test_a_version_that_was_yanked_since_is_seen_on_request() -> None:
    lock, _ = locked(declaration())
    world = Outside()
    completed(lock, declaration(), world.sources(), Refresh(yanked=True))
    assert world.asked == ["yanked uvicorn"]


def test_a_new_platform_has_its_base_looked_up() -> None:
    lock, _ = locked(declaration(platforms=["linux/amd64"]))
    again, world = locked(declaration(), lock)
    assert "docker.io/library/python:3.11-slim" in world.asked
    assert set(again.bases["3.11-slim"].platforms) == set(PLATFORMS)


def test_a_base_without_a_declared_platform_is_an_error_that_names_it() -> None:
    with pytest.raises(BaseError, match=r"python:3\.11-slim has no image for linux/arm/v7"):
        locked(declaration(), platforms=("linux/amd64",))


def test_stand_ins_serve_for_base_and_builder_alike() -> None:
    stand_in = "localhost:5443/stand-in/python:3.11-slim"
    lock, world = locked(declaration(), stand_ins={"3.11-slim": stand_in})
    assert set(world.asked) & {"docker.io/library/python:3.11"} == set()
    assert lock.builders["3.11"].name == stand_in
    assert lock.bases["3.11-slim"].repository == "localhost:5443/stand-in/python"


def test_a_full_stand_in_compiles_where_one_was_made() -> None:
    made = {f"3.11-{base}": f"localhost:1/s/python:3.11-{base}" for base in ("slim", "full")}
    lock, _ = locked(declaration(), stand_ins=made)
    assert lock.builders["3.11"].name == "localhost:1/s/python:3.11-full"


def test_two_images_share_what_they_have_in_common() -> None:
    declared = parse(config(images={"web": image(), "api": image()}))
    _, world = locked(declared)
    assert world.asked.count("docker.io/library/python:3.11-slim") == 1
    assert world.asked.count("yanked uvicorn") == 1


REQUIREMENTS = f"""\
click==8.1.8 \\
    --hash=sha256:{"a" * 64} \\
    --hash=sha256:{"b" * 64}
    # via uvicorn
uvicorn==0.34.0 ; python_version >= "3.9" \\
    --hash=sha256:{"c" * 64}
"""


def test_uv_output_is_read_as_pins_with_hashes() -> None:
    found = read(REQUIREMENTS.replace("    # via uvicorn\n", ""))
    assert found.pins == ("click==8.1.8", "uvicorn==0.34.0")
    assert found.hashes["click==8.1.8"] == (DIGEST, OTHER_DIGEST)


@pytest.mark.parametrize("text", ["", "uvicorn==0.34.0\n", "-e git+https://x\n", REQUIREMENTS])
def test_uv_output_that_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(ResolutionError):
        read(text)
