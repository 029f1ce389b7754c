"""Checks of passwords and tokens where they come in.

A line break at the end of a secret is the common slip (`echo` into a file). HTTP libraries show
such a value in the text of their error, which then gets into logs, reports and comments. So it is
refused here, by the name of its source and never with its value.
"""

from fleet.http.errors import HttpError

_REMEDY = "Set it again without them; printf '%s' writes no line break where echo does"


def password(value: str, source: str) -> str:
    """Return a user name or password that can be sent; a space inside is allowed.

    :raises HttpError: naming `source`, if there is white space at an end, or a line break
        or another character inside that is not printable.
    """
    if value != value.strip() or not value.isprintable():
        raise HttpError(
            f"{source}: has white space at an end, or a line break or control character. {_REMEDY}"
        )
    return value


def token(value: str, source: str) -> str:
    """Return a token that can be sent in a header: printable ASCII without a space.

    :raises HttpError: naming `source`, if it is not that.
    """
    if not value.isascii() or not value.isprintable() or " " in value:
        raise HttpError(
            f"{source}: has a space, a line break, a control character or one beyond ASCII, which "
            f"no token has. {_REMEDY}"
        )
    return value
