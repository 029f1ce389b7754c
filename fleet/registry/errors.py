"""The errors of this provider: each names the place, what is wrong and the remedy."""

from fleet.http import errors

OciError = errors.ReadableError
"""Anything that a person is to read; its text is the whole message."""

RegistryError = errors.HttpError
"""The registry answered with something that cannot be worked with."""

UnreachableError = errors.UnreachableError
DeadlineError = errors.DeadlineError
FailingError = errors.FailingError
LimitedError = errors.LimitedError


class AuthenticationError(RegistryError):
    """The registry refused the credentials, or asked for some where none are set."""


class UnreadableError(RegistryError):
    """A tag names something that was read whole, and is not an image of a fleet."""


class DamagedError(RegistryError):
    """The content under a digest does not have that digest."""


class ConflictError(OciError):
    """A tag names something that neither the state nor the declaration knows."""


def moved(place: str, live: str | None, expected: str) -> ConflictError:
    """Return the error for a tag that someone else moves at the same time; `place` is the tag."""
    return ConflictError(
        f"{place} was moved meanwhile: it names {live or 'nothing'} ({expected}); nothing more was "
        "written.\nFind out who moves it, then run `pulumi up --refresh`"
    )


def continued(error: object, more: str) -> str:
    """Return the text of an error with ``more`` after what was seen, before what to do."""
    seen, line, remedy = str(error).partition("\n")
    return f"{seen.removesuffix('.')}{more}.\n{remedy}" if line else f"{seen}{more}"


KEEPING = "declare policy keep (where its image leaves: fleet:on-destroy, pointers: keep)"
"""What keeps a name that can't be removed. No policy holds for an image that leaves (ADR 6)."""


class UnsupportedRemovalError(OciError):
    """The registry offers no way to remove a name without removing its image."""


class AcceptedRemovalError(RegistryError):
    """The registry accepted a removal, and what followed was not as it should be.

    The name counts as removed, so that its record is there for an undo.
    """


class UnlistedError(OciError):
    """Names stay because no preview listed their removal, and their remover with them."""


class PartialRemovalError(OciError):
    """Some names were removed before a later one failed."""


class InterruptedRunError(OciError):
    """The run was interrupted: what was not begun does not begin."""


class UndoRecordError(OciError):
    """The record that a removal is undone from can't be read or written, so nothing is removed."""
