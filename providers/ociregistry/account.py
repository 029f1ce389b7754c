"""What one run saw of every resource, by URN so that nothing counts twice.

The engine starts a process of this plugin for each preview and each update (measured on 3.259), and
reads the state, checks and acts within that one.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from providers.ociregistry.report import Entry, Kind, Mode
from providers.ociregistry.tag.prior_state import Before


class Account:
    """Gathers entries while the run goes on."""

    def __init__(self) -> None:
        self._entries: dict[str, tuple[Entry, ...]] = {}
        self._inputs: dict[str, Mapping[str, str]] = {}
        self._gone: dict[str, Before] = {}
        self._removers: dict[str, Mapping[str, Any]] = {}
        self._versions: dict[str, Mapping[str, Any]] = {}
        self._checked: set[str] = set()
        self._preview: bool | None = None

    @property
    def mode(self) -> Mode:
        """What kind of run it is; a check does not tell, only a create or an update does."""
        if self._preview is None:
            return "idle"
        return "preview" if self._preview else "update"

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All entries so far."""
        return tuple(entry for entries in self._entries.values() for entry in entries)

    @property
    def forgotten(self) -> dict[str, Mapping[str, Any]]:
        """The states of removers that a refresh read and no program declared, by URN."""
        found = self._removers.items()
        return {urn: state for urn, state in found if urn not in self._checked}

    @property
    def left(self) -> dict[str, Mapping[str, Any]]:
        """The states of version tags that a refresh read and no program declared, by URN."""
        return {urn: state for urn, state in self._versions.items() if urn not in self._checked}

    def has_checked(self, urn: str) -> bool:
        """Tell whether the program has declared the resource in this run."""
        return urn in self._checked

    def checked(self, urn: str, inputs: Mapping[str, str] | None = None) -> None:
        """Note a declared resource, and what went into it by its old inputs."""
        self._checked.add(urn)
        if inputs:
            self._inputs[urn] = inputs

    def found_gone(self, urn: str, before: Before) -> None:
        """Note a tag that the refresh found absent."""
        self._gone[urn] = before

    def read_remover(self, urn: str, state: Mapping[str, Any]) -> None:
        """Note the state of a remover of stale pointers."""
        self._removers[urn] = state

    def read_version(self, urn: str, state: Mapping[str, Any]) -> None:
        """Note the state of a version tag."""
        self._versions[urn] = state

    def gone(self, urn: str) -> Before:
        """Return what is known of a tag that is to be created."""
        return self._gone.get(urn, Before())

    def inputs(self, urn: str) -> Mapping[str, str]:
        """Return what went into a tag before, as its old inputs say."""
        return self._inputs.get(urn, {})

    def note(self, urn: str, *entries: Entry) -> None:
        """Keep what becomes of a resource's names, in place of what was noted before."""
        self._entries[urn] = entries

    def acts(self, *, preview: bool) -> None:
        """Note which kind of run it is."""
        self._preview = preview

    @contextmanager
    def failures(self, urn: str, properties: Mapping[str, Any]) -> Iterator[None]:
        """Note an exception as a failure beside what was done before it; it goes on."""
        try:
            yield
        except Exception as error:
            kind: Kind = "version" if properties.get("platforms") else "pointer"
            ref = properties.get("ref") or properties.get("repository") or urn.rpartition("::")[2]
            entry = Entry(
                ref=str(ref),
                kind="repository" if "repository" in properties else kind,
                action="fail",
                reasons=(str(error),),
            )
            self._entries[urn] = (*self._entries.get(urn, ()), entry)
            raise
