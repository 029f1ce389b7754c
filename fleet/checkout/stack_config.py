"""A stack's configuration: from its file before the engine runs, or from the engine itself."""

import json
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from fleet.checkout import strict_yaml
from fleet.declaration.model import Declaration
from fleet.declaration.parse import READABLE_BY_ALL, READABLE_BY_ALL_REMEDY, parse
from fleet.declaration.problems import DeclarationError, Problem, Problems
from fleet.declaration.schema import matches
from fleet.declaration.stack_share import ShareConfig, is_share, narrowed, parse_share

PROJECT = "fleet"
"""The Pulumi project's name, and so the namespace of its configuration keys."""


def config_file(root: Path, stack: str) -> Path:
    """Return where Pulumi keeps the configuration of ``stack``.

    Every command comes by here before it does anything for a stack.

    :raises DeclarationError: when that can't be a stack's name.
    """
    if not matches(stack, "stack"):
        what = f"{stack!r} is not a stack name"
        remedy = (
            "Use letters, digits, _, - and ., and name a stack that has a file: Pulumi.NAME.yaml"
        )
        raise DeclarationError([Problem(path="--stack", what=what, remedy=remedy)])
    return root / f"Pulumi.{stack}.yaml"


def declaration_of_file(path: Path) -> Declaration:
    """Return the declaration in the stack file at ``path``, or the part of one that it names.

    :raises DeclarationError: with every problem of the file.
    """
    problems = Problems()
    config = config_of_file(path, problems)
    if is_share(config):
        found = _narrowed(path.parent, parse_share(config, path.name, problems), path.name)
    else:
        found = parse(config, path.name, problems)
    if found.is_local:
        _refuse_encrypted(path)
    return found


def declaration_of_engine(config: Mapping[str, str], stack: str, root: Path) -> Declaration:
    """Return the declaration in ``config``, as the engine hands it over: JSON text by key.

    A share's declaration is in another stack's file below ``root``. Images come in the order of the
    file in either case: the engine's JSON has keys in alphabetical order, and the catalog would
    differ from the one that is made of the file.

    :raises DeclarationError: with every problem found.
    """
    own = _own_keys({key: _decoded(text) for key, text in config.items()})
    source = f"Pulumi.{stack}.yaml"
    if is_share(own):
        return _narrowed(root, parse_share(own, source), source)
    return parse(_in_order(own, images_named_in(root / source)), source)


def _in_order(own: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    images = own.get("images")
    if not isinstance(images, Mapping):
        return dict(own)
    first = [name for name in names if name in images]
    return {**own, "images": {name: images[name] for name in (*first, *images)}}


def images_named_in(path: Path) -> list[str]:
    """Return the names under ``fleet:images`` in a file whose declaration is faulty, if any."""
    try:
        config = config_of_file(path, Problems())
    except DeclarationError:
        return []
    images = config.get("images")
    named = images if isinstance(images, Mapping) else {}
    return [name for name in named if isinstance(name, str) and matches(name, "repository")]


def whole_stack(root: Path, stack: str) -> str:
    """Return the stack that holds the declaration of ``stack``: itself, unless it is a part.

    :raises DeclarationError: when the file of ``stack`` can't be read.
    """
    config = config_of_file(config_file(root, stack), Problems())
    return str(config["part-of"]) if is_share(config) else stack


def _narrowed(root: Path, share: ShareConfig, source: str) -> Declaration:
    return narrowed(declaration_of_file(config_file(root, share.whole)), share, source)


def config_of_file(path: Path, problems: Problems) -> dict[str, Any]:
    """Return the project's own values in the stack file at ``path``, without ``fleet:``.

    :raises DeclarationError: when the file can't be read; lesser faults are noted in ``problems``.
    """
    values = strict_yaml.load(path, problems)
    config = values.get("config", {})
    if not isinstance(config, Mapping):
        problems.add("config", "is not a mapping", "Write key: value lines")
        problems.raise_if_any(path.name)
    _note_misspelt(config, problems)
    return _own_keys(config)


def _refuse_encrypted(path: Path) -> None:
    """Refuse values that the engine has encrypted with the empty passphrase.

    :raises DeclarationError: naming each in the file of a stack whose registry is on this machine.
    """
    problems = Problems()
    for key, value in strict_yaml.load(path, problems).get("config", {}).items():
        if _is_encrypted(value):
            problems.add(str(key), READABLE_BY_ALL, READABLE_BY_ALL_REMEDY)
    problems.raise_if_any(path.name)


def _is_encrypted(value: Any) -> bool:
    """Tell whether Pulumi has written ``value``, or something in it, as a secret."""
    if isinstance(value, Mapping):
        return "secure" in value or any(map(_is_encrypted, value.values()))
    return isinstance(value, list) and any(map(_is_encrypted, value))


def _own_keys(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the project's own values; keys such as ``github:token`` are providers'."""
    prefix = f"{PROJECT}:"
    named = {str(key): value for key, value in config.items()}
    return {key.removeprefix(prefix): v for key, v in named.items() if key.startswith(prefix)}


def _note_misspelt(config: Mapping[str, Any], problems: Problems) -> None:
    """Note keys that would be taken for another's, or nobody's, and so pass unheard."""
    for key in map(str, config):
        namespace, colon, _ = key.partition(":")
        near = namespace != PROJECT and get_close_matches(namespace, [PROJECT])
        if not colon or near:
            remedy = f"Write it as {PROJECT}:<key>"
            problems.add(key, f"is in no namespace of this project ({PROJECT}:)", remedy)


def _decoded(text: str) -> Any:
    """Return what ``text`` stands for: only objects and lists come as JSON, the rest as text."""
    if text[:1] not in ("{", "["):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
