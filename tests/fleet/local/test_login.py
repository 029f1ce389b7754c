"""The login of the registry on this machine: made once, kept, readable by this user alone."""

import os
from pathlib import Path

import bcrypt
import pytest

from fleet.local import registry_login
from fleet.local.paths import Checkout
from tests.fleet.local.examples import checkout


@pytest.fixture
def here(tmp_path: Path) -> Checkout:
    return checkout(tmp_path)


def admits(here: Checkout, password: str) -> bool:
    """Tell whether the registry's file lets the user in with ``password``, as bcrypt has it."""
    username, _, digest = registry_login.htpasswd(here).read_text().strip().partition(":")
    assert username == "fleet"
    return bcrypt.checkpw(password.encode(), digest.encode())


def test_it_is_kept_from_one_run_to_the_next(here: Checkout) -> None:
    first = registry_login.ensure(here)
    before = registry_login.htpasswd(here).stat()
    assert registry_login.ensure(here) == first
    assert registry_login.htpasswd(here).stat().st_mtime_ns == before.st_mtime_ns, (
        "no reading it again"
    )
    assert admits(here, first.password)
    assert not admits(here, "guessed")


def test_two_checkouts_have_two(tmp_path: Path) -> None:
    found = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        found.append(registry_login.ensure(checkout(tmp_path / name)).password)
    assert found[0] != found[1]
    assert all(len(password) >= 43 for password in found), "256 bits"


def test_its_files_are_this_users_alone_whatever_the_umask(here: Checkout) -> None:
    before = os.umask(0)
    try:
        registry_login.ensure(here)
    finally:
        os.umask(before)
    modes = {p.name: p.stat().st_mode & 0o777 for p in here.auth.iterdir()}
    assert modes == {"password": 0o600, "htpasswd": 0o600}
    assert here.auth.stat().st_mode & 0o777 == 0o700
    assert here.state.stat().st_mode & 0o777 == 0o700


def test_a_file_of_the_registrys_that_is_lost_is_written_again(here: Checkout) -> None:
    known = registry_login.ensure(here)
    registry_login.htpasswd(here).unlink()
    assert registry_login.ensure(here) == known
    assert admits(here, known.password)


def test_no_repr_shows_it(here: Checkout) -> None:
    found = registry_login.ensure(here)
    assert found.password not in repr(found)
