"""What the commands of this room have in common: the environment, and the plan."""

import argparse
import os
from collections.abc import Callable

from fleet.checkout.planning import plan_of
from fleet.checkout.split_stacks import refuse_split
from fleet.checkout.stack_config import config_file, declaration_of_file
from fleet.command import Run
from fleet.local import backend, environment
from fleet.local.paths import Checkout, checkout
from fleet.local.requirements import read_needs
from fleet.plan.plan import Plan

Command = Callable[[Checkout, argparse.Namespace], int]


def entered(command: Command) -> Run:
    """Return ``command`` with the environment that `make env` prints, evaluated or not."""

    def run(chosen: argparse.Namespace) -> int:
        here = checkout(chosen.root)
        # A stack that was split has no state.
        refuse_split(here.root, chosen.stack)
        furnish(here, chosen.stack)
        return command(here, chosen)

    return run


def furnish(here: Checkout, stack: str) -> None:
    """Set what the stack needs in this process's environment, where it is not set."""
    needs = read_needs(here.root, stack)
    backend.require(here, needs, os.environ)
    # A command may be the first that runs in a checkout.
    environment.provide(here, needs)
    for name in environment.unset(here, needs, os.environ):
        del os.environ[name]
    os.environ.update(environment.settings(here, needs, os.environ))


def planned(here: Checkout, stack: str) -> Plan:
    """Return the plan of a stack.

    :raises DeclarationError: with every problem of its declaration.
    """
    declaration = declaration_of_file(config_file(here.root, stack))
    return plan_of(here.root, stack, declaration)
