"""Dependents of a resource that failed: registered all the same, with no digest.

The engine goes on with the other resources of an update when one fails (``--continue-on-error``),
but the SDK ends the whole program at the first resource whose inputs come from a failed one
(measured on 3.259). So no input may come straight from an output that can fail. The providers
refuse an empty digest before they write anything, each with a line that says what it waits for.
"""

from typing import TypeVar

import pulumi
from pulumi.runtime.stack import ResourceRegistrationFailed

T = TypeVar("T")


def or_else(output: pulumi.Output[T], fallback: T) -> pulumi.Output[T]:
    """Return ``output``, or ``fallback`` when a resource that it comes from failed.

    Any other failure is one of the program, and ends it.
    """

    def recovered(error: Exception) -> T:
        if not isinstance(error, ResourceRegistrationFailed):
            raise error
        return fallback

    return output.recover(recovered)
