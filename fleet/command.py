"""Commands of the command line, as each room adds its own: the same flags everywhere."""

import argparse
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from fleet.console import TroubleError, say
from fleet.declaration.problems import DeclarationError
from fleet.http.errors import ReadableError

Run = Callable[[argparse.Namespace], int]
"""Runs a command and returns the exit status."""

ROOT: Final = Path(__file__).resolve().parents[1]
"""The checkout that this program belongs to."""


class Commands:
    """The commands of one parser; ``texts`` say what each does, without a full stop."""

    def __init__(
        self,
        subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]",
        texts: Mapping[str, str],
    ) -> None:
        self._subparsers, self._texts = subparsers, texts

    def add(
        self,
        name: str,
        run: Run,
        *,
        interrupted: str = "Run it again to finish.",
        takes_stack: bool = True,
    ) -> argparse.ArgumentParser:
        """Add the command ``name`` with the flags of all, and return its parser.

        ``interrupted`` says what became of the work where a person interrupts it. Without
        ``takes_stack``, the command does the same for every stack of the checkout.
        """
        made = self._subparsers.add_parser(name, description=f"{self._texts[name]}.")
        if takes_stack:
            made.add_argument("--stack", default="dev", help="the stack; dev if not given")
        text = "the checkout; that of this program if not given"
        made.add_argument("--root", type=_folder, default=ROOT, metavar="FOLDER", help=text)
        made.set_defaults(run=run, interrupted=interrupted)
        return made


def add_lock_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say what of a lock is resolved again."""
    text = (
        "also ask again for base digests and yanked versions; builders: and move the installer and "
        "the images that install and compile, so that every image is built again"
    )
    parser.add_argument("--refresh", nargs="?", const="1", choices=["1", "builders"], help=text)
    text = "resolve the distributions of this image again; all: those of every image"
    parser.add_argument("--newest", default="", metavar="IMAGE", help=text)


def status_of(run: Callable[[], int], interrupted: str) -> int:
    """Return the exit status of a command; the reason of a failure is on stderr.

    ``interrupted`` is what a person is told who interrupts it.
    """
    try:
        return run()
    except (TroubleError, DeclarationError, ReadableError, OSError) as error:
        say(f"error: {error}")
    except subprocess.CalledProcessError as error:
        # The step has said why on stderr itself.
        return int(error.returncode)
    except KeyboardInterrupt:
        say(f"interrupted. {interrupted}")
    return 1


def _folder(text: str) -> Path:
    # Whole: what a command starts works in the checkout, not where the command was given.
    return Path(text).resolve()
