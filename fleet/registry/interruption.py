"""The end of a run before its end: what was begun is finished, and the reason is readable."""

import asyncio
import traceback
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from fleet.registry.errors import InterruptedRunError, OciError, RegistryError

STOPPED = (Exception, asyncio.CancelledError, KeyboardInterrupt, SystemExit)
"""All that ends work early and leaves time to put back what it did.

`GeneratorExit` is not among them: a coroutine that is closed cannot wait for anything any more.
"""

_T = TypeVar("_T")


async def to_its_end(work: Coroutine[Any, Any, _T], *, seconds: float | None = None) -> _T:
    """Return the result of `work`, which goes on where this task is cancelled meanwhile.

    :raises asyncio.CancelledError: after the end of `work`, if this task was cancelled meanwhile.
    :raises TimeoutError: if `work` takes longer than `seconds`.
    """
    task = asyncio.ensure_future(asyncio.wait_for(work, seconds))
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled from (None if task.cancelled() else task.exception())
    return task.result()


def require_running() -> None:
    """Return unless this task was cancelled before, though something was finished since.

    :raises InterruptedRunError: if it was.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise readable(asyncio.CancelledError())


def readable(error: BaseException) -> OciError:
    """Return an error that a person can read for whatever stopped a piece of work.

    An unforeseen one is named by its type and place in the source; its text is left out, because
    that of a library may hold a header.
    """
    if isinstance(error, OciError):
        return error
    if isinstance(error, asyncio.CancelledError | KeyboardInterrupt | SystemExit):
        return InterruptedRunError("The run was interrupted. Run again to finish it")
    if isinstance(error, TimeoutError):
        return RegistryError("no answer in time")
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "unknown place"
    return RegistryError(
        f"error in the ociregistry provider itself ({type(error).__name__} at {place})"
    )
