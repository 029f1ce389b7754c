"""``make versions``: what it writes and says."""

import os
from contextlib import nullcontext
from pathlib import Path

import pytest

from fleet.checkout.stack_config import declaration_of_file
from fleet.cli.main import main
from fleet.releases import commands as program
from tests.fleet.releases.following import CYCLE, DECLARED, FOLLOWED, declare, held, run
from tests.fleet.releases.outside import Outside


@pytest.mark.usefixtures("world")
def test_declaration_and_lock_follow_and_the_rest_stays_byte_for_byte(root: Path) -> None:
    assert run(root) == 0
    assert set(held(root)) == {"Pulumi.prod.yaml", "locks/prod.yaml"}
    text = (root / "Pulumi.prod.yaml").read_text()
    before, _, after = DECLARED.partition("    server:\n")
    assert text == before + FOLLOWED + after.partition("    web:\n")[2]
    assert "27.0.1" in (root / "locks" / "prod.yaml").read_text()


def test_what_changed_and_why_is_told(
    root: Path, world: Outside, capsys: pytest.CaptureFixture[str]
) -> None:
    run(root)
    said = capsys.readouterr()
    assert said.out.startswith("Changed: `Pulumi.prod.yaml`, `locks/prod.yaml`. The tags of what")
    assert "### `server`\n\n- `27.0.1` comes: one of the 3 newest releases\n" in said.out
    assert "- `22.0.0` leaves: newer ones take its place\n" in said.out
    assert "- `27.0.1 on Python 3.9` is left out: needs Python 3.10\n" in said.out
    assert "- `server` `23.0.0`: resolved for Python 3.9, 3.13\n" in said.out
    assert "| `docker.io/library/python:3.13-slim` | `linux/amd64` |  | `sha256:aaaa" in said.out
    assert world.said[0] == "asking for the releases of gunicorn"
    assert "uvicorn" not in said.out.partition("### Locked")[0], "which is kept by hand"


def test_a_second_run_changes_nothing_and_says_so(
    root: Path, world: Outside, capsys: pytest.CaptureFixture[str]
) -> None:
    run(root)
    first = held(root)
    capsys.readouterr()
    assert run(root) == 0
    assert capsys.readouterr().out == "Nothing changed.\n"
    assert held(root) == first
    assert world.asked.count("docker.io/library/python:3.13-slim") == 2, "once per run"


@pytest.mark.usefixtures("world")
def test_pythons_go_from_the_list_that_images_share(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = DECLARED.replace("    bases: [slim]\n", f"    bases: [slim]\n{CYCLE[2:]}")
    declare(root, text)
    assert run(root) == 0
    text = (root / "Pulumi.prod.yaml").read_text()
    assert '    pythons: ["3.13"] # never 3.12\n' in text
    assert "      exclude: []\n        # What upstream says.\n" in text
    assert 'versions: ["26.2.0", "27.0.0", "27.0.1"]' in text
    assert "### `fleet:defaults.pythons`\n\n- `Python 3.9` leaves: its" in capsys.readouterr().out


@pytest.mark.usefixtures("world")
def test_one_image_alone_cannot_change_a_shared_list(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    declare(root, DECLARED.replace("      # Kept by hand.\n", CYCLE))
    assert run(root) == 1
    assert "fleet:images.web.python-releases: says otherwise" in capsys.readouterr().err


@pytest.mark.usefixtures("world")
def test_an_image_may_have_a_list_of_its_own(root: Path) -> None:
    own = f'{CYCLE}      pythons:\n        - "3.9" # old\n        - "3.12"\n'
    declare(root, DECLARED.replace("      # Kept by hand.\n", own))
    assert run(root) == 0
    text = (root / "Pulumi.prod.yaml").read_text()
    assert '      pythons:\n        - "3.12"\n      versions: ["0.34.0"]\n' in text
    assert 'pythons: ["3.9", "3.13"] # never 3.12' in text


@pytest.mark.usefixtures("world")
def test_what_is_said_for_all_images_is_written_into_each(root: Path) -> None:
    web = DECLARED.replace('      versions: ["0.34.0"]\n', "      releases: { max-versions: 1 }\n")
    declare(
        root, web.replace("    bases: [slim]\n", '    bases: [slim]\n    versions: ["0.34.0"]\n')
    )
    assert run(root) == 0
    text = (root / "Pulumi.prod.yaml").read_text()
    assert '    bases: [slim]\n    versions: ["0.34.0"]\n' in text
    assert text.endswith(
        "      releases: { max-versions: 1 }\n"
        '      versions:\n        - "0.39.0"\n        - "0.54.0"\n'
        "      exclude:\n"
        '        - { python: "3.9", version: "0.54.0", because: needs Python 3.10 }\n'
    )
    found = declaration_of_file(root / "Pulumi.prod.yaml").by_name["web"]
    assert found.versions == ("0.39.0", "0.54.0")


@pytest.mark.usefixtures("world")
def test_the_registry_of_this_machine_is_trusted(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Without a client: a real one reads the bundle, which is empty here.
    monkeypatch.setattr(program, "open_client", nullcontext)
    monkeypatch.setenv("SSL_CERT_FILE", "/etc/the-machine's")
    bundle = root / ".fleet" / "tls" / "bundle.pem"
    bundle.parent.mkdir(parents=True)
    bundle.touch()
    run(root)
    assert os.environ["SSL_CERT_FILE"] == "/etc/the-machine's"
    declare(root, DECLARED.replace("registry.test/fleet", "localhost:5443/fleet"))
    assert run(root) == 0
    assert os.environ["SSL_CERT_FILE"] == str(bundle)
    assert (root / ".fleet" / "locks" / "prod.yaml").exists()


@pytest.mark.usefixtures("world")
def test_the_file_of_a_part_leads_to_the_whole(root: Path) -> None:
    part = "config:\n  fleet:part-of: prod\n  fleet:only: [web]\n"
    (root / "Pulumi.prod-web.yaml").write_text(part)
    assert main(["versions", "--stack", "prod-web", "--root", str(root)]) == 0
    assert "27.0.1" in (root / "Pulumi.prod.yaml").read_text()
    assert (root / "Pulumi.prod-web.yaml").read_text() == part
    assert [path.name for path in (root / "locks").iterdir()] == ["prod.yaml"]
