"""The package schema of this provider, for `pulumi import` and `pulumi package get-schema`."""

import json
from typing import Any

_STRING = {"type": "string"}
_DIGEST = "A sha256 digest."


def _text(description: str) -> dict[str, Any]:
    return {"type": "string", "description": description}


def _array(items: dict[str, Any], description: str) -> dict[str, Any]:
    return {"type": "array", "items": items, "description": description}


def _map(values: dict[str, Any], description: str) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": values, "description": description}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/types/ociregistry:index:{name}"}


def _object(**properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": sorted(properties)}


_TYPES = {
    "ociregistry:index:Login": _object(
        username=_text("The name of the environment variable that holds the user name."),
        password=_text("The name of the environment variable that holds the password."),
    ),
    "ociregistry:index:Platform": _object(
        platform=_text("os/architecture[/variant]"),
        digest=_text(_DIGEST),
        size={"type": "integer", "description": "Compressed bytes."},
    ),
    "ociregistry:index:PointerPattern": _object(
        kind=_text("LATEST, X.Y or X."),
        pattern=_text("A regular expression that pointers of this kind match in full."),
    ),
    "ociregistry:index:Kept": _object(tag=_STRING, digest=_text(_DIGEST), reason=_STRING),
    "ociregistry:index:Removed": _object(
        tag=_STRING, digest=_text(_DIGEST), removedAt=_text("RFC 3339, in UTC.")
    ),
}

_CONFIG = {
    "logins": _map(
        _ref("Login"),
        "Registry host (host[:port]) to the variables that hold its login. Hosts that are not "
        "named, and those whose variables are not both set, have that of Docker's configuration.",
    ),
}

_TAG_INPUTS = {
    "ref": _text("host[:port]/repository:tag; the id."),
    "owner": _text("<pulumi project>/<stack>, written into joined indexes."),
    "source": _text("host/repository@sha256:… on the same host: copied byte for byte."),
    "sources": _array(_STRING, "Several indexes instead, written likewise: joined into one."),
    "platforms": _array(
        _STRING,
        "os/architecture[/variant] that a version tag must have; a tag without any is a pointer.",
    ),
    "identity": _text("A hash of the inputs, kept in the state alone."),
    "inputs": _map(_STRING, "What the identity is a hash of, in words: `<kind> <name>` to text."),
    "annotations": _map(_STRING, "Annotations of a joined index."),
    "onConflict": _text("take-over (default) or refuse, for a tag that is another's."),
}
_TAG_OUTPUTS = {
    "digest": _text("What the tag names."),
    "assembled": _text("What the last update wrote or adopted."),
    "mediaType": _text("The media type of what the tag names."),
    "size": {"type": "integer", "description": "Compressed bytes over all platforms."},
    "platforms": _array(_ref("Platform"), "The platforms whose manifests are there."),
    "previous": _text("The digest that the last write displaced, or empty."),
}
_STALE_INPUTS = {
    "repository": _text("host[:port]/repository; the id."),
    "owner": _text("<pulumi project>/<stack>."),
    "pointers": _array(_STRING, "The declared pointers."),
    "grammar": _array(_ref("PointerPattern"), "Which tags are pointers."),
    "policy": _map(_STRING, "Kind to remove, keep, or remove after N days; keep if none."),
    "maxRemovals": {"type": "number", "description": "Share of live pointers, 0 to 1."},
    "allowMass": {"type": "boolean", "description": "Remove even above that share."},
    "keepOnDestroy": {"type": "boolean", "description": "Remove nothing on deletion."},
    "waitFor": _array(_STRING, "Digests of tags that must be in place before."),
}
_UNREAD = _text("Why the last refresh could not read it; absent where it could.")
_STALE_OUTPUTS = {
    "live": _map(_STRING, "Every live pointer: tag to digest."),
    "objections": _map(_STRING, "Tag to the reason why it must stay, though nothing declares it."),
    "interrupted": _map(_STRING, "Tag whose removal did not end, to the digest it stands for."),
    "staleSince": _map(_STRING, "Tag to the date (UTC) on which it was first seen stale."),
    "readOn": _text("The date (UTC) by the registry, of the last reading where our clock agreed."),
    "stale": _map(_STRING, "Tag to digest of what an update removes."),
    "kept": _array(_ref("Kept"), "Undeclared pointers that stay."),
    "removed": _array(_ref("Removed"), "Every removed name, oldest first."),
}


def _resource(
    inputs: dict[str, Any], outputs: dict[str, Any], required: list[str], description: str
) -> dict[str, Any]:
    return {
        "description": description,
        "inputProperties": inputs,
        "requiredInputs": required,
        "properties": {**inputs, **outputs, "unread": _UNREAD},
        "required": sorted({*required, *outputs}),
    }


SCHEMA = json.dumps(
    {
        "name": "ociregistry",
        "version": "0.1.0",
        "description": "Keeps the names of an OCI registry equal to a declaration.",
        "types": _TYPES,
        "config": {"variables": _CONFIG},
        "provider": {
            "description": "The settings of a stack: names of variables, never their values.",
            "inputProperties": _CONFIG,
        },
        "resources": {
            "ociregistry:index:Tag": _resource(
                _TAG_INPUTS, _TAG_OUTPUTS, ["ref", "owner"], "A tag; its deletion writes nothing."
            ),
            "ociregistry:index:StalePointers": _resource(
                _STALE_INPUTS,
                _STALE_OUTPUTS,
                ["repository", "owner", "pointers", "grammar", "policy"],
                "The one remover of a repository's pointers.",
            ),
        },
    }
)
