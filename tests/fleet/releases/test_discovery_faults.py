"""``make versions`` where something is wrong: nothing is written, and why is said."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from fleet.cli.main import main
from fleet.registry.errors import UnreachableError
from fleet.releases import commands as program
from fleet.releases.discovery import discover
from fleet.releases.discovery.release_cycle import FEED
from fleet.releases.lock.locking import brought_up
from fleet.releases.pypi.pypi import File
from fleet.releases.sources import Digests
from tests.fleet.releases.answering import answering
from tests.fleet.releases.following import CYCLE, DECLARED, declare, held, run
from tests.fleet.releases.listing import answer, made_up
from tests.fleet.releases.outside import Outside


def fails(root: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Have a run fail that writes and prints nothing, and return what it says."""
    before = held(root)
    assert run(root) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert held(root) == before
    return said.err


def test_what_cannot_be_resolved_changes_nothing(
    root: Path, world: Outside, capsys: pytest.CaptureFixture[str]
) -> None:
    run(root)
    declare(root, DECLARED)
    capsys.readouterr()
    world.unsolvable = "gunicorn==27.0.1"
    (root / "locks" / "prod.yaml").unlink()
    assert "Nothing was changed. server: gunicorn==27.0.1" in fails(root, capsys)


def test_an_extra_that_a_new_release_lacks_changes_nothing(
    root: Path, world: Outside, capsys: pytest.CaptureFixture[str]
) -> None:
    text = DECLARED.replace("# the one below", "\n      extras: [gevent]")
    declare(root, text)
    world.no_extra = "gunicorn[gevent]==27.0.1"
    told = "Nothing was changed. server: gunicorn[gevent]==27.0.1 on Python 3.13: "
    assert told in fails(root, capsys)


def test_a_registry_that_is_down_changes_nothing(
    root: Path, world: Outside, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(reference: str) -> Digests:
        raise UnreachableError(f"{reference} did not answer")

    world.base = refuse  # type: ignore[method-assign]
    said = fails(root, capsys)
    assert "Nothing was changed. fleet:images: docker.io/library can't be reached" in said
    assert "docker.io/library/python:3.9-slim did not answer" in said


@pytest.mark.usefixtures("world")
def test_what_could_not_be_declared_changes_nothing(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = DECLARED.replace("      requires: [h11]\n", "      builds-on: server\n")
    text = text.replace(
        "    web:\n", '    web:\n      pythons: ["3.9"]\n      python-releases: by hand\n'
    )
    declare(root, text.replace("releases: { max-versions: 3 }", f"releases: {{}}\n{CYCLE}"))
    told = fails(root, capsys)
    assert "With what was found, there would be 1 problem in Pulumi.prod.yaml" in told
    assert "fleet:images.web.builds-on: server has no final version on Python 3.9 slim" in told


@pytest.mark.usefixtures("world")
def test_what_somebody_writes_meanwhile_is_kept(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def meanwhile(*args: object, **options: bool) -> object:
        declare(root, DECLARED + "# mine\n")
        return brought_up(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(discover, "brought_up", meanwhile)
    assert run(root) == 1
    assert "Pulumi.prod.yaml was changed meanwhile" in capsys.readouterr().err
    assert held(root) == {"Pulumi.prod.yaml": (DECLARED + "# mine\n").encode()}


@pytest.mark.usefixtures("world")
def test_a_faulty_declaration_is_told_before_anybody_is_asked(
    root: Path, world: Outside, capsys: pytest.CaptureFixture[str]
) -> None:
    declare(root, DECLARED.replace("package:", "pakage:"))
    told = fails(root, capsys)
    assert told.startswith("error: 4 problems in Pulumi.prod.yaml; nothing was changed:\n")
    assert "fleet:images.web.pakage: unknown key" in told
    assert world.said == []


@pytest.mark.parametrize("option", ["--refresh", "--newest=web"])
def test_options_of_lock_are_not_for_versions(option: str, root: Path) -> None:
    with pytest.raises(SystemExit):
        main(["versions", "--root", str(root), option])


Answer = Callable[[httpx.Request], httpx.Response]


def on(monkeypatch: pytest.MonkeyPatch, reply: Answer) -> None:
    """Have every request of the program answered by ``reply``."""
    monkeypatch.setattr(program, "open_client", lambda: answering(reply))


def down(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("refused")


def slow(_: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("timed out")


def listing(*files: File) -> bytes:
    entries = [
        {
            "filename": file.name,
            "url": file.url,
            "hashes": {"sha256": file.sha256.removeprefix("sha256:")},
            "requires-python": file.requires_python,
            "yanked": file.yanked,
        }
        for file in files
    ]
    return json.dumps({"name": "gunicorn", "files": entries}).encode()


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (down, "can't be asked about gunicorn: .*ConnectError"),
        (slow, "can't be asked about gunicorn: .*no complete answer"),
        (lambda _: httpx.Response(500), "the answer is 500"),
        (lambda _: httpx.Response(404), "the answer is 404"),
        (lambda _: httpx.Response(200, text="<!doctype html><title>Simple</title>"), "gunicorn: "),
        (lambda _: httpx.Response(200, content=b""), "gunicorn: "),
        (lambda _: httpx.Response(200, content=b'{"files": ['), "gunicorn: "),
        # What an index that put a project into quarantine has to answer (PEP 792).
        (lambda _: httpx.Response(200, content=listing()), "the answer lists no files"),
        (
            lambda _: httpx.Response(200, content=b" " * 70_000_000),
            "exceeds 67108864 bytes",
        ),
        (
            lambda _: httpx.Response(200, content=listing(*made_up("gunicorn", "23.0.0", "1.0"))),
            r"server: the index lists 2 releases of gunicorn, .* it lacks 22\.0\.0, 27\.0\.0",
        ),
        (
            lambda _: httpx.Response(
                200, content=listing(*made_up("gunicorn", "22.0.0", "23.0.0", yanked=True))
            ),
            "none of them can be taken",
        ),
    ],
)
def test_an_index_that_cannot_be_trusted_changes_nothing(
    reply: Answer,
    words: str,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    on(monkeypatch, reply)
    told = fails(root, capsys)
    assert told.splitlines()[0] == "asking for the releases of gunicorn"
    assert re.search(rf"\nerror: Nothing was changed\. .*{words}", told)


def test_a_release_cycle_that_cannot_be_read_changes_nothing(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def reply(request: httpx.Request) -> httpx.Response:
        if request.url == FEED:
            return httpx.Response(503)
        return httpx.Response(200, json=answer(request.url.path.split("/")[2]))

    declare(root, DECLARED.replace("    bases: [slim]\n", f"    bases: [slim]\n{CYCLE[2:]}"))
    on(monkeypatch, reply)
    assert "release cycle can't be read" in fails(root, capsys)
