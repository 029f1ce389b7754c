"""A credential helper of Docker: a program that keeps logins, asked by the helpers' protocol."""

import asyncio
import json
import os
import signal
from collections.abc import Mapping
from contextlib import suppress

from fleet.registry.credentials import Credentials, identity_token_of, pair_of
from fleet.registry.errors import AuthenticationError

# docker-credential-helpers protocol: this user name marks the secret as an identity token.
_TOKEN_USER = "<token>"  # noqa: S105 - a marker of the protocol
_DEADLINE = 30.0
# The words of the protocol for a login that a helper does not have; every other failure is one.
_NOT_FOUND = b"credentials not found"


async def ask(
    helper: str, key: str, environment: Mapping[str, str], deadline: float = _DEADLINE
) -> Credentials | None:
    """Return what `docker-credential-<helper>` knows for a registry, None if it has no login.

    :raises AuthenticationError: if it can't be run, fails, or gives no answer in time.
    """
    program = f"docker-credential-{helper}"
    status, answer = await _run(program, key, environment, deadline)
    if status == 0:
        return _parse(answer, f"{program}, the login of {key}")
    if _NOT_FOUND in answer.lower():
        return None
    # Its output stays out of the message, because it may hold a secret.
    raise AuthenticationError(
        f"{program}: failed for {key} (exit status {status}), so it is not known whether there is "
        f"a login. Run it by hand to see why: echo {key} | {program} get"
    )


async def _run(
    program: str, key: str, environment: Mapping[str, str], deadline: float
) -> tuple[int, bytes]:
    try:
        process = await asyncio.create_subprocess_exec(
            program,
            "get",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=dict(environment),
            # A group of its own: what the helper has started ends with it.
            start_new_session=True,
        )
    except OSError as error:
        raise AuthenticationError(
            f"{program}: can't be run ({error.strerror}). Docker's configuration names it for "
            f"{key}: install it, or take it out of the configuration"
        ) from error
    ended = False
    try:
        async with asyncio.timeout(deadline):
            answer, _ = await process.communicate(key.encode())
        ended = True
    except TimeoutError:
        raise AuthenticationError(
            f"{program}: gave no answer for {key} within {deadline:g} s. Run it by hand to see "
            f"why: echo {key} | {program} get"
        ) from None
    finally:
        if not ended:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return process.returncode or 0, answer


def _parse(answer: bytes, source: str) -> Credentials | None:
    try:
        fields = json.loads(answer)
        username, secret = str(fields["Username"]), str(fields["Secret"])
    except (ValueError, KeyError, TypeError, RecursionError):
        # The answer itself stays out of the message and its cause, because it may hold the secret.
        raise AuthenticationError(f"{source}: the answer is malformed") from None
    if not username and not secret:
        return None
    if username == _TOKEN_USER:
        return identity_token_of(secret, source)
    return pair_of(username, secret, (source, source))
