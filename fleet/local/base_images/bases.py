"""Stand-ins for the official Python images, made where docker.io can't be reached."""

import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import yaml

from fleet.console import TroubleError, say, tail_of
from fleet.http.blocking import Blocking
from fleet.http.errors import HttpError, UnreachableError
from fleet.http.message import Call
from fleet.local import builder, certificates, registry
from fleet.local.base_images import rootfs
from fleet.local.base_images.rootfs import PACKAGES, SUITES, Recipe
from fleet.local.child_environment import child_environment, run
from fleet.local.paths import Checkout
from fleet.local.platforms import NAMES, is_linux, native
from fleet.local.remaining import UNKNOWN, Remaining
from fleet.local.requirements import Needs
from fleet.local.run_lock import alone_on_this_machine
from fleet.registry.manifest import annotations_of

RECIPE_ANNOTATION = "io.github.multi-py.fleet.stand-in"
"""The index annotation with the keys of what a stand-in was made from, one per platform."""

STEP = "bases"
"""The name of the step that makes them."""

REPOSITORY = "stand-in/python"
"""The repository of all stand-ins."""

_HUB = "registry-1.docker.io"
_HEADER = """\
# Base images made here because docker.io could not be reached; what is not named is the official
# image. Kept so that the bases do not change with the weather: remove this file to decide again.
"""
_TRUSTED = "ca-certificates.crt"
_OF_A_PLATFORM = """\
FROM scratch AS for-{stage}
ADD {stage}.tar.gz /
ENV PYTHON_VERSION={version}
"""
# As the official image runs. An outgoing proxy that ends TLS is common: what this machine trusts,
# its builds do.
_OF_ALL = f"""\
FROM for-${{TARGETARCH}}${{TARGETVARIANT}}
ADD common.tar.gz /
COPY --chmod=644 {_TRUSTED} /etc/ssl/certs/{_TRUSTED}
ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8
CMD ["python3"]
"""


@dataclass(frozen=True, kw_only=True)
class StandIn:
    """The stand-in of ``python:{python}[-{base}]`` in the registry at ``host``."""

    host: str
    python: str
    base: str
    platforms: tuple[str, ...]

    @property
    def key(self) -> str:
        """The key in the bases file, such as ``3.11-slim``."""
        return f"{self.python}-{self.base}"

    @property
    def tag(self) -> str:
        """The tag, spelt as the official image's: the full base has no part of its own."""
        return self.python if self.base == "full" else self.key

    @property
    def reference(self) -> str:
        """The reference that it is pushed to."""
        return f"{self.host}/{REPOSITORY}:{self.tag}"

    @property
    def recipes(self) -> dict[str, Recipe]:
        """The recipe for each platform.

        This machine's own is there in any case: its Python makes what is common to all, and wheels
        are installed on it for every platform.
        """
        own = native()
        shared = {"python": self.python, "base": self.base}
        return {
            name: Recipe(**shared, architecture=NAMES[name].debian, native=name == own)
            for name in dict.fromkeys((*self.platforms, own))
        }

    @property
    def recipe(self) -> str:
        """The hash of its recipe, a SHA-256 for each platform; without the packages' versions."""
        return "-".join(sorted(self._keys))

    @property
    def _keys(self) -> set[str]:
        parts = ([name, made.key, _OF_A_PLATFORM, _OF_ALL] for name, made in self.recipes.items())
        return {hashlib.sha256(json.dumps(part).encode()).hexdigest()[:16] for part in parts}

    def is_served_by(self, recipe: str) -> bool:
        """Tell whether what was made by ``recipe`` has all platforms of this one, just so."""
        return self._keys <= set(recipe.split("-"))


def is_reachable(url: str) -> bool:
    """Tell whether `url` answers within 5 s, the way that requests go, whatever the answer is."""
    with Blocking(deadline=5.0) as client:
        try:
            client.once(Call(method="HEAD", url=url))
        except UnreachableError:
            return False
        except HttpError:
            return True
    return True


def wanted(checkout: Checkout, needs: Needs) -> list[StandIn]:
    """Return the stand-ins that ``needs`` call for: none where docker.io can be reached.

    What was decided before holds, so that an outage does not change the bases of everything.

    :raises TroubleError: for a base that Debian has no packages for.
    """
    if not needs.stand_ins:
        return []
    decided = _decided(checkout)
    official = is_reachable(f"https://{_HUB}/v2/") if decided is None else not decided
    if official:
        return []
    for python, base in needs.bases:
        if python not in SUITES or base not in PACKAGES:
            raise TroubleError(
                f"Pulumi.{needs.stack}.yaml, fleet:images: docker.io can't be reached, and a "
                f"stand-in for Python {python} ({base}) can't be made. Declare Python "
                f"{' or '.join(SUITES)} with the base {' or '.join(PACKAGES)}, or give this "
                f"machine access to {_HUB}."
            )
    return [
        StandIn(host=needs.host, python=python, base=base, platforms=needs.platforms)
        for python, base in needs.bases
    ]


def require(checkout: Checkout, needs: Needs, stand_ins: Sequence[StandIn]) -> None:
    """Return when ``stand_ins`` can be made by this user, or their root file systems are there.

    :raises TroubleError: when they can't; it says how to do without.
    """
    to_make = absent(checkout, stand_ins)
    if to_make and not rootfs.can_make():
        names = ", ".join(f"python:{stand_in.tag}" for stand_in in to_make)
        raise TroubleError(
            f"Pulumi.{needs.stack}.yaml, fleet:images: {_HUB} can't be reached, and stand-ins for "
            f"{names} can't be made: that takes Linux, and root or mmdebstrap, newuidmap and a "
            "range of ids in /etc/subuid and /etc/subgid.\nHave these (Debian's packages "
            f"mmdebstrap and uidmap), give this machine access to {_HUB}, or declare a mirror that "
            "it can reach: fleet:base-registry."
        )


def absent(checkout: Checkout, stand_ins: Iterable[StandIn]) -> list[StandIn]:
    """Return those of ``stand_ins`` that a root file system is still to be made for."""
    # A recipe needs the native platform, which this program knows on Linux only.
    return [each for each in stand_ins if not is_linux() or recipes_to_make(checkout, [each])]


def recipes_to_make(checkout: Checkout, stand_ins: Iterable[StandIn]) -> list[Recipe]:
    """Return the recipes of ``stand_ins``, on Linux, whose root file system the cache lacks."""
    recipes = dict.fromkeys(r for each in stand_ins for r in each.recipes.values())
    return [recipe for recipe in recipes if not rootfs.place(checkout, recipe).is_dir()]


def undecided(checkout: Checkout, stand_ins: Iterable[StandIn]) -> list[StandIn]:
    """Return those of ``stand_ins`` that no earlier run of this checkout has made."""
    decided = _decided(checkout) or {}
    return [stand_in for stand_in in stand_ins if stand_in.key not in decided]


def ensure(
    checkout: Checkout,
    needs: Needs,
    stand_ins: Sequence[StandIn],
    remaining: Remaining = UNKNOWN,
) -> None:
    """Have every one of ``stand_ins`` in the registry, and name them in the bases file.

    :raises TroubleError: when the packages can't be had, or the builder or the registry refuses.
    """
    if needs.port is None or not needs.stand_ins:
        return
    missing = [s for s in stand_ins if not _is_there(checkout, needs.port, s)]
    if missing:
        _make(checkout, missing, remaining)
    text = _HEADER + yaml.safe_dump({s.key: s.reference for s in stand_ins})
    if not checkout.bases_file.exists() or checkout.bases_file.read_text() != text:
        checkout.bases_file.write_text(text)


def _decided(checkout: Checkout) -> dict[str, str] | None:
    """Return what an earlier run decided, or ``None`` when none did."""
    try:
        return dict(yaml.safe_load(checkout.bases_file.read_text()) or {})
    except (OSError, ValueError, TypeError, yaml.YAMLError):
        return None


def _is_there(checkout: Checkout, port: int, stand_in: StandIn) -> bool:
    """Tell whether the registry has the stand-in as it is made now, be it for more platforms."""
    index = registry.index(checkout, port, REPOSITORY, stand_in.tag)
    return stand_in.is_served_by(annotations_of(index).get(RECIPE_ANNOTATION, ""))


def _make(checkout: Checkout, stand_ins: Sequence[StandIn], remaining: Remaining) -> None:
    trusted = certificates.system_bundle(checkout)
    if trusted is None:
        text = "no bundle of trusted authorities was found. Install the package ca-certificates."
        raise TroubleError(text)
    say(f"bases: {_HUB} can't be reached; standing in with Debian's Python")
    recipes = list(dict.fromkeys(r for s in stand_ins for r in s.recipes.values()))
    names = ", ".join(stand_in.tag for stand_in in stand_ins)
    what = f"bases: {names} of {len(recipes)} root file systems from Debian packages"
    with remaining.step(STEP, what):
        # They are made for all checkouts; what is pushed is this one's own.
        with (
            alone_on_this_machine(checkout),
            ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 1)) as pool,
        ):
            folders = pool.map(lambda recipe: rootfs.ensure(checkout, recipe, trusted), recipes)
            made = dict(zip(recipes, folders, strict=True))
        for each in stand_ins:
            parent = checkout.cache / "rootfs"
            with tempfile.TemporaryDirectory(prefix=".context-", dir=parent) as name:
                write_context(Path(name), each, made, trusted.read_bytes())
                _push(checkout, each, Path(name))


def write_context(
    folder: Path, stand_in: StandIn, made: Mapping[Recipe, Path], trusted: bytes
) -> None:
    """Write the build context of ``stand_in``.

    Each platform has a layer of its own, then the common one, which this machine's Python made,
    then ``trusted``, the authorities.
    """
    dockerfile = ""
    for platform, recipe in stand_in.recipes.items():
        stage = "".join(platform.split("/")[1:])
        os.link(made[recipe] / "rootfs.tar.gz", folder / f"{stage}.tar.gz")
        version = (made[recipe] / "version").read_text().strip()
        dockerfile += _OF_A_PLATFORM.format(stage=stage, version=version)
        if recipe.native:
            os.link(made[recipe] / "common.tar.gz", folder / "common.tar.gz")
    (folder / _TRUSTED).write_bytes(trusted)
    (folder / "Dockerfile").write_text(dockerfile + _OF_ALL)


def _push(checkout: Checkout, stand_in: StandIn, context: Path) -> None:
    """Have BuildKit push the index; its bytes depend on the content of ``context`` alone.

    :raises TroubleError: with the end of what BuildKit printed, when it fails.
    """
    output = (
        f"type=image,name={stand_in.reference},push=true,oci-mediatypes=true,"
        f"rewrite-timestamp=true,annotation-index.{RECIPE_ANNOTATION}={stand_in.recipe}"
    )
    argv = [
        *builder.client(checkout), "build", "--progress=plain",
        "--frontend=dockerfile.v0", f"--local=context={context}", f"--local=dockerfile={context}",
        f"--opt=platform={','.join(stand_in.recipes)}",
        # An index also for one platform.
        "--opt=build-arg:BUILDKIT_MULTI_PLATFORM=1", "--opt=build-arg:SOURCE_DATE_EPOCH=0",
        f"--output={output}",
    ]  # fmt: skip
    env = child_environment(DOCKER_CONFIG=str(checkout.docker_config))
    done = run(argv, env=env)
    if done.returncode:
        raise TroubleError(
            f"BuildKit could not push the stand-in {stand_in.reference}. Its last lines:\n"
            f"{tail_of(done.stderr)}"
        )
