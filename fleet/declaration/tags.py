"""Names: the tag grammar, references, platforms and bases."""

from typing import Final, Literal, NewType

from fleet.declaration import versions

PointerKind = Literal["LATEST", "X.Y", "X"]

Tag = NewType("Tag", str)
"""A tag within a repository, made by :func:`tag` and therefore valid."""

BASES: Final = ("full", "slim", "alpine")
"""The variants of the official Python image that an image can be built on."""

PLATFORMS: Final = (
    "linux/amd64",
    "linux/arm64",
    "linux/arm/v7",
    "linux/386",
    "linux/ppc64le",
    "linux/riscv64",
    "linux/s390x",
)
"""What an image can be built for, as an OCI image index has it: ``os/architecture[/variant]``."""

EMBEDDED_HOSTS: Final = ("localhost", "127.0.0.1")
"""The hosts of the embedded registry, which its certificate names."""

LONGEST_VERSION: Final = 63
"""With the longest name of a builder behind it, 50 characters, it makes a tag of 128, and no longer
one may be (OCI distribution specification)."""


def tag(python: str, base: str, end: str) -> Tag:
    """Return ``py{python}[-{base}]-{end}``, which ends in a version, ``LATEST`` or a line.

    The full base has no part of its own.
    """
    return Tag(f"py{python}-{end}" if base == "full" else f"py{python}-{base}-{end}")


def build_tag(tag: Tag, builder: str) -> Tag:
    """Return the tag in the build repository of one of several builders of ``tag``."""
    return Tag(f"{tag}-{builder}")


def libc(base: str) -> str:
    """Return the C library of a base: what is compiled against one does not run on another."""
    return "musl" if base == "alpine" else "glibc"


def is_embedded(host: str) -> bool:
    """Tell whether ``host[:port]`` is a registry on this machine, whose login is made with it."""
    return host.partition(":")[0] in EMBEDDED_HOSTS


def pointer_pattern(kind: PointerKind) -> str:
    """Return the regular expression that a whole tag matches when it is a pointer of ``kind``.

    It covers every Python and base, declared or not, so that pointers of lines long gone are known
    as such. A version of one or two parts has the form of a pointer too: it can be declared only
    where no pointer of that form is, and the provider removes no name that may be one.
    """
    end = {"LATEST": "LATEST", "X.Y": r"[0-9]+\.[0-9]+", "X": r"[1-9][0-9]*"}[kind]
    bases = "|".join(base for base in BASES if base != "full")
    return rf"py[0-9]+\.[0-9]+(?:-(?:{bases}))?-{end}"


def lines(version: str) -> dict[PointerKind, str]:
    """Return what a pointer of each kind ends in for ``version``.

    There is no ``X`` for 0.x: it would promise a stability that 0.x never had.
    """
    parsed = versions.parse(version)
    if parsed is None:
        raise ValueError(f"{version!r} is not a canonical version")
    ends: dict[PointerKind, str] = {"LATEST": "LATEST", "X.Y": f"{parsed.major}.{parsed.minor}"}
    return {**ends, "X": str(parsed.major)} if parsed.major else ends
