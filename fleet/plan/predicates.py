"""What is claimed of a version tag, as predicates of in-toto statements, before they are signed.

A claim is made of what went into this tag, and of nothing newer: the revision of its label, its own
part of the lock. So a commit that touches no input of a tag leaves its claims as they are.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote, unquote

from packaging.utils import canonicalize_name, parse_wheel_filename

from fleet.plan.identity import digest_of
from fleet.plan.plan import ImagePlan, VersionTag
from fleet.plan.platform_build import TagBuild

BUILD_TYPE: Final = (
    "https://github.com/multi-py/fleet/blob/main/docs/evidence.md#what-a-provenance-says"
)
"""The type of build (SLSA v1, `buildType`): the page that says what the parameters mean."""

# Told as dependencies, without the places that they are fetched from.
_APART = frozenset({"BASE", "BASE_DIGEST", "BUILDER", "DEPENDENCIES", "INSTALLER", "REQUIREMENT"})
_COMMIT = 40
_HASH = "#sha256="
_PREFIX = "sha256:"


def provenance(image: ImagePlan, tag: VersionTag, below: Mapping[str, str]) -> dict[str, Any]:
    """Return the predicate of the provenance of ``tag`` (SLSA provenance v1, without runDetails).

    ``below`` are the digests of the verified builds that its builds start from, by their names.
    """
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {
                "image": image.repository,
                "tag": tag.tag,
                "python": tag.python,
                "base": tag.base,
                "version": tag.version,
                "platforms": list(tag.platforms),
            },
            "internalParameters": {
                ",".join(build.platforms): {
                    name: value for name, value in build.arguments.items() if name not in _APART
                }
                for build in tag.builds
            },
            "resolvedDependencies": _dependencies(tag, below),
        }
    }


def verification_result(image: ImagePlan, tag: VersionTag) -> dict[str, Any]:
    """Return the predicate that says which platforms of ``tag`` were run, and checked by what.

    It is true once the verification passed (in-toto test-result v0.1).
    """
    files = {"name": "verification", "digest": _sha256(image.assets.verification_hash)}
    told = [
        {
            "name": f"expectation {','.join(build.platforms)}",
            "digest": _sha256(digest_of(build.expectation)),
        }
        for build in tag.builds
    ]
    checks = (
        f"{platform}: {'all checks' if platform in tag.whole else 'checks of the platform'}"
        for platform in tag.platforms
    )
    return {"result": "PASSED", "configuration": [files, *told], "passedTests": list(checks)}


def _dependencies(tag: VersionTag, below: Mapping[str, str]) -> list[dict[str, Any]]:
    arguments = tag.builds[0].arguments
    found = [_commit(arguments["SOURCE"], arguments["REVISION"])]
    if below:
        name = arguments["BASE_NAME"]
        found += [_image(f"image below ({b})", name, d) for b, d in sorted(below.items())]
    else:
        found.append(_image("base", arguments["BASE_NAME"], arguments["BASE_DIGEST"]))
    builder, _, digest = tag.build_inputs["builder"].partition("@")
    found.append(_image("builder", builder, digest))
    found.append({"name": "inputs of this tag", "digest": _sha256(tag.identity)})
    return [*found, *_distributions(tag.builds)]


def _commit(source: str, revision: str) -> dict[str, Any]:
    """Return the commit of the label; of files that differed from it, that is said as well."""
    commit, dash, differing = revision.partition("-")
    found: dict[str, Any] = {"name": "revision", "uri": f"git+{source}"}
    if len(commit) == _COMMIT:
        found["digest"] = {"gitCommit": commit}
    if dash or len(commit) != _COMMIT:
        found["annotations"] = {"differs": differing or commit}
    return found


def _image(role: str, name: str, digest: str) -> dict[str, Any]:
    """Return an image as a purl of type `oci`, by the name that people know it by."""
    place, colon, tag = name.rpartition(":") if ":" in name.rpartition("/")[2] else (name, "", "")
    version = quote(digest, safe="")
    uri = f"pkg:oci/{place.rpartition('/')[2]}@{version}?repository_url={quote(place, safe='')}"
    return {
        "name": role,
        "uri": f"{uri}&tag={tag}" if colon else uri,
        "digest": _sha256(digest),
    }


def _distributions(builds: Iterable[TagBuild]) -> list[dict[str, Any]]:
    """Return the files that are installed or compiled, as purls, each with its SHA-256.

    Their addresses are left out: the same file may come from a mirror.
    """
    found: dict[str, str] = {}
    for build in builds:
        for held in build.contents.values():
            for pin, address in held.sources.items():
                name, _, version = pin.partition("==")
                found[_purl(name, version)] = address.partition(_HASH)[2]
        texts = (build.arguments[name] for name in ("DEPENDENCIES", "REQUIREMENT", "INSTALLER"))
        for address in (word for text in texts for word in text.split() if _HASH in word):
            place, _, digest = address.partition(_HASH)
            file = unquote(place.rpartition("/")[2])
            name, release, *_ = parse_wheel_filename(file)
            found[f"{_purl(name, str(release))}?file_name={quote(file, safe='')}"] = digest
    return [{"uri": purl, "digest": {"sha256": digest}} for purl, digest in sorted(found.items())]


def _purl(name: str, version: str) -> str:
    return f"pkg:pypi/{canonicalize_name(name)}@{quote(version, safe='.')}"


def _sha256(digest: str) -> dict[str, str]:
    return {"sha256": digest.removeprefix(_PREFIX)}
