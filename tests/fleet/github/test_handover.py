"""Between the job that asks the outside and the one that holds the App's key."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from fleet.cli.main import main
from fleet.console import TroubleError
from fleet.declaration.parse import parse
from fleet.declaration.problems import DeclarationError
from fleet.declaration.tags import PLATFORMS
from fleet.github.handover import received
from fleet.lock.model import Lock, Tools
from fleet.releases.writing import text_of
from tests.fleet.examples import config, image, lock, wheel

HEAD = "# Read by people.\nencryptionsalt: v1:abc\n"
TEXT = "Changed: `Pulumi.prod.yaml`.\n"


def declaration(**values: Any) -> str:
    """A stack file with a comment and a salt; ``values`` are of its image."""
    config_ = config(images={"web": image(**values)})
    return HEAD + yaml.safe_dump({"config": {f"fleet:{k}": v for k, v in config_.items()}})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The checkout of both jobs."""
    root = tmp_path / "checkout"
    (root / "locks").mkdir(parents=True)
    (root / "Pulumi.prod.yaml").write_text(declaration(versions=["1.0.0"]))
    (root / "locks" / "prod.yaml").write_bytes(text_of(lock(parse(config()))))
    return root


def handed(folder: Path, **texts: str) -> Path:
    """Return what another job handed over: a file by each keyword, and the text."""
    folder.mkdir()
    for name, text in {"versions": TEXT, **texts}.items():
        suffix = "md" if name == "versions" else "yaml"
        (folder / f"{name}.{suffix}").write_text(text)
    return folder


def test_what_the_one_job_collects_the_other_proposes(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = declaration(versions=["1.0.0", "1.1.0"])
    (root / "Pulumi.prod.yaml").write_text(wanted)
    (root / "other").write_text("not of this job\n")
    (tmp_path / "versions.md").write_text(TEXT)
    monkeypatch.setenv("FLEET_VERSIONS", str(tmp_path / "versions.md"))
    monkeypatch.setenv("FLEET_PROPOSAL", str(tmp_path / "proposal"))
    assert main(["collect", "--stack", "prod", "--root", str(root)]) == 0
    folder = tmp_path / "proposal"
    names = {"declaration.yaml", "lock.yaml", "versions.md"}
    assert {path.name for path in folder.iterdir()} == names
    (root / "Pulumi.prod.yaml").write_text(declaration(versions=["1.0.0"]))
    found = received(root, "prod", folder)
    assert list(found.files) == ["Pulumi.prod.yaml"]
    assert yaml.safe_load(found.files["Pulumi.prod.yaml"]) == yaml.safe_load(wanted)
    assert found.summary == TEXT


def test_for_a_part_of_a_fleet_it_is_the_declaration_and_lock_of_the_whole(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "Pulumi.prod-web.yaml").write_text(
        "config: {fleet:part-of: prod, fleet:only: [web], fleet:below: {}}\n"
    )
    (root / "Pulumi.prod.yaml").write_text(declaration(versions=["1.1.0"]))
    (tmp_path / "versions.md").write_text(TEXT)
    monkeypatch.setenv("FLEET_VERSIONS", str(tmp_path / "versions.md"))
    monkeypatch.setenv("FLEET_PROPOSAL", str(tmp_path / "proposal"))
    assert main(["collect", "--stack", "prod-web", "--root", str(root)]) == 0
    assert (tmp_path / "proposal" / "declaration.yaml").exists()


def test_where_nothing_changed_there_is_nothing_but_the_text(root: Path, tmp_path: Path) -> None:
    assert received(root, "prod", handed(tmp_path / "in")).files == {}


def test_the_declaration_is_written_from_our_own_with_their_lists(
    root: Path, tmp_path: Path
) -> None:
    theirs = declaration(versions=["1.0.0", "1.1.0"]).replace(
        "# Read by people.", "# \u202eRead by nobody."
    )
    found = received(root, "prod", handed(tmp_path / "in", declaration=theirs))
    made = found.files["Pulumi.prod.yaml"]
    assert made.startswith(HEAD)
    assert yaml.safe_load(made) == yaml.safe_load(theirs)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("v1:abc", "v1:of somebody"),
        ("fleet:registry: ", "fleet:registry: evil.example/x # "),
        ("fleet:images:", "aws:region: elsewhere\n  fleet:images:"),
        ("      package: ", "      package: evil # "),
        ("    web:", "    web: &a\n      <<: {extras: [evil]}"),
    ],
)
def test_a_declaration_that_changes_anything_else_is_refused(
    root: Path, tmp_path: Path, old: str, new: str
) -> None:
    theirs = declaration(versions=["1.0.0", "1.1.0"])
    assert old in theirs
    with pytest.raises((TroubleError, DeclarationError)):
        received(root, "prod", handed(tmp_path / "in", declaration=theirs.replace(old, new, 1)))


@pytest.mark.parametrize("entry", ["../../etc", "$(id)", "1.0.0\n", 1.5, ["1.0"], {"a": "b"}])
def test_a_list_with_what_no_version_looks_like_is_refused(
    root: Path, tmp_path: Path, entry: Any
) -> None:
    theirs = declaration(versions=["1.0.0", entry])
    with pytest.raises(DeclarationError):
        received(root, "prod", handed(tmp_path / "in", declaration=theirs))


def test_aliases_that_stand_for_more_than_memory_holds_are_refused(
    root: Path, tmp_path: Path
) -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
    )
    with pytest.raises(TroubleError, match="aliases"):
        received(root, "prod", handed(tmp_path / "in", declaration=bomb))


@pytest.mark.parametrize("text", ["[", "config: [", "\t", "&a *a", "? [" * 3000])
def test_what_is_not_yaml_is_refused(root: Path, tmp_path: Path, text: str) -> None:
    with pytest.raises((TroubleError, DeclarationError)):
        received(root, "prod", handed(tmp_path / "in", declaration=text))


def test_a_lock_is_read_and_written_anew(root: Path, tmp_path: Path) -> None:
    held = lock(parse(config()))
    folder = handed(tmp_path / "same", lock=f"# {'x' * 50}\n{text_of(held).decode()}")
    assert received(root, "prod", folder).files == {}
    text = text_of(with_file(held, "https://pypi.org")).decode()
    found = received(root, "prod", handed(tmp_path / "other", lock=f"# {'x' * 50}\n{text}"))
    assert found.files == {"locks/prod.yaml": text}


def test_a_lock_with_a_base_of_somebody_else_is_refused(root: Path, tmp_path: Path) -> None:
    held = lock(parse(config()))
    key, base = next(iter(held.bases.items()))
    theirs = replace(base, repository="evil.example/python")
    text = text_of(replace(held, bases={**held.bases, key: theirs})).decode()
    with pytest.raises(TroubleError, match=r"takes base images from evil\.example/python"):
        received(root, "prod", handed(tmp_path / "in", lock=text))


def test_a_lock_with_bases_of_the_declared_mirror_is_taken_and_of_no_other(
    root: Path, tmp_path: Path
) -> None:
    mirror = "fleet:base-registry: mirror.example.org/library"
    stack = root / "Pulumi.prod.yaml"
    stack.write_text(stack.read_text().replace("config:", f"config:\n  {mirror}"))
    held = lock(parse(config()))

    def text(place: str) -> str:
        bases = {key: replace(base, repository=place) for key, base in held.bases.items()}
        return text_of(replace(held, bases=bases)).decode()

    ours = text("mirror.example.org/library/python")
    found = received(root, "prod", handed(tmp_path / "in", lock=ours))
    assert found.files == {"locks/prod.yaml": ours}
    with pytest.raises(TroubleError, match=r"takes base images from mirror\.example\.org/evil"):
        received(root, "prod", handed(tmp_path / "of", lock=text("mirror.example.org/evil")))


def with_file(held: Lock, address: str) -> Lock:
    """``held`` with a wheel of uvicorn at ``address``."""
    pin = next(pin for pin in held.files if pin.startswith("uvicorn=="))
    file = wheel(pin).rpartition("/")[2]
    return replace(held, files={**held.files, pin: (f"{address}/{file}",)})


def test_a_file_of_another_host_is_refused_and_its_login_not_shown(
    root: Path, tmp_path: Path
) -> None:
    held = lock(parse(config()))
    for index, address in enumerate(
        (
            "https://evil.example/x",
            "http://files.example",
            "https://files.example:8443",
            "https://files.example@evil.example",
            "https://user:hunter2@files.example",
            "https://user:hunter2@evil.example",
            "https://[",
        )
    ):
        text = text_of(with_file(held, address)).decode()
        with pytest.raises((TroubleError, DeclarationError)) as caught:
            received(root, "prod", handed(tmp_path / f"in{index}", lock=text))
        assert "hunter2" not in str(caught.value)


def test_a_source_of_another_host_is_refused(root: Path, tmp_path: Path) -> None:
    address = f"https://evil.example/odd-1.0.tar.gz#sha256={'0' * 64}"
    compiled = {f"{platform} glibc": ("odd==1.0",) for platform in PLATFORMS}
    tools = Tools(pins=(), compiled=compiled, sources={"odd==1.0": address})
    text = text_of(lock(parse(config()), tools={("web", "3.11"): tools})).decode()
    with pytest.raises(TroubleError, match=r"takes files from https://evil\.example;"):
        received(root, "prod", handed(tmp_path / "in", lock=text))


@pytest.mark.parametrize(
    "address",
    ["https://FILES.example/other", "https://files.pythonhosted.org/packages", "https://pypi.org"],
)
def test_a_file_of_the_index_or_of_a_host_of_our_lock_is_taken(
    root: Path, tmp_path: Path, address: str
) -> None:
    text = text_of(with_file(lock(parse(config())), address)).decode()
    assert received(root, "prod", handed(tmp_path / "in", lock=text)).files


def test_pypis_files_are_not_those_of_another_index(root: Path, tmp_path: Path) -> None:
    path = root / "Pulumi.prod.yaml"
    path.write_text(f"{path.read_text()}  fleet:index: https://index.example/simple\n")
    held = lock(parse(config()))
    for name, host, taken in (("a", "index.example", True), ("b", "files.pythonhosted.org", False)):
        text = text_of(with_file(held, f"https://{host}")).decode()
        folder = handed(tmp_path / name, lock=text)
        if taken:
            assert received(root, "prod", folder).files
        else:
            with pytest.raises(TroubleError, match=r"takes files from https://files\.python"):
                received(root, "prod", folder)


def test_what_an_image_never_installed_is_told(root: Path, tmp_path: Path) -> None:
    held = lock(parse(config()))
    same = replace(held, pins={key: (*pins,) for key, pins in held.pins.items()})
    folder = handed(tmp_path / "same", lock=text_of(same).decode())
    assert received(root, "prod", folder).newcomers == ()
    more = {key: (*pins, "odd==1") for key, pins in held.pins.items()}
    theirs = replace(held, pins=more, files={**held.files, "odd==1": (wheel("odd==1"),)})
    folder = handed(tmp_path / "more", lock=text_of(theirs).decode())
    assert received(root, "prod", folder).newcomers == ("web: odd",)


def test_another_installer_is_refused(root: Path, tmp_path: Path) -> None:
    held = lock(parse(config()))
    files = {**held.files, "evil==1": (wheel("evil==1"),)}
    theirs = replace(held, installer="evil==1", files=files)
    with pytest.raises(TroubleError, match="installs wheels by evil==1"):
        received(root, "prod", handed(tmp_path / "in", lock=text_of(theirs).decode()))


@pytest.mark.parametrize("name", ["evil.example/python:3.12", "pythonista:3.12", "python"])
def test_a_base_by_the_name_of_another_repository_is_refused(
    root: Path, tmp_path: Path, name: str
) -> None:
    held = lock(parse(config()))
    key, base = next(iter(held.bases.items()))
    text = text_of(replace(held, bases={**held.bases, key: replace(base, name=name)})).decode()
    with pytest.raises((TroubleError, DeclarationError), match=name):
        received(root, "prod", handed(tmp_path / "in", lock=text))


def test_a_lock_of_another_shape_is_refused(root: Path, tmp_path: Path) -> None:
    with pytest.raises(DeclarationError):
        received(root, "prod", handed(tmp_path / "in", lock="bases: {x: 1}\n"))


def test_another_file_is_refused(root: Path, tmp_path: Path) -> None:
    folder = handed(tmp_path / "in")
    (folder / "Makefile").write_text("up:\n\tcurl evil\n")
    with pytest.raises(TroubleError, match="'Makefile' is not expected"):
        received(root, "prod", folder)


def test_a_link_or_a_folder_is_refused(root: Path, tmp_path: Path) -> None:
    linked, nested = handed(tmp_path / "linked"), handed(tmp_path / "nested")
    (linked / "lock.yaml").symlink_to("/etc/passwd")
    (nested / "lock.yaml").mkdir()
    for folder in (linked, nested):
        with pytest.raises(TroubleError, match=r"lock\.yaml is not a plain file"):
            received(root, "prod", folder)


def test_what_is_too_big_is_not_read(root: Path, tmp_path: Path) -> None:
    folder = handed(tmp_path / "in")
    with (folder / "lock.yaml").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(TroubleError, match=r"lock\.yaml has more than 16,777,216 bytes"):
        received(root, "prod", folder)


def test_a_text_that_is_missing_or_no_text_is_refused(root: Path, tmp_path: Path) -> None:
    folder = handed(tmp_path / "in")
    (folder / "versions.md").write_bytes(b"\xff")
    with pytest.raises(TroubleError, match=r"versions\.md is not UTF-8"):
        received(root, "prod", folder)
    (folder / "versions.md").unlink()
    with pytest.raises(TroubleError, match=r"versions\.md is missing"):
        received(root, "prod", folder)


def test_a_text_of_others_links_and_mentions_nobody(root: Path, tmp_path: Path) -> None:
    text = "- `1.1.0` comes: one of the 2 newest releases\n@team see [this](https://evil.example)\n"
    found = received(root, "prod", handed(tmp_path / "in", versions=text))
    first, second = found.summary.splitlines()
    assert first == text.splitlines()[0]
    assert second == "`@team see [this](https://evil.example)`"


def test_a_refusal_opens_nothing(
    root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = handed(tmp_path / "in", declaration=json.dumps({"config": {}}))
    monkeypatch.setenv("FLEET_PROPOSAL", str(folder))
    monkeypatch.setenv("GITHUB_API_URL", "https://nobody.invalid")
    assert main(["proposal", "--stack", "prod", "--root", str(root)]) == 1
    assert "nobody.invalid" not in capsys.readouterr().err
