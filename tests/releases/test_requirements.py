"""What uv writes, as pins with markers; and uv itself, without an index."""

import zipfile
from pathlib import Path

import pytest

from fleet import names
from fleet.lock import bare, holds
from releases import requirements
from releases.markers import narrowed
from releases.requirements import ExtraError, ResolutionError, Wanted, read, resolve
from tests.fleet.examples import DIGEST, OTHER_DIGEST

REAL = (Path(__file__).parent / "data" / "sqlalchemy.txt").read_text()
TEXT = f"""\
click==8.1.8 \\
    --hash={OTHER_DIGEST} \\
    --hash={DIGEST}
uvicorn==0.34.0 ; python_version >= "3.9" \\
    --hash={DIGEST}
"""


def test_uv_output_is_read_as_pins_with_hashes() -> None:
    found = read(TEXT, "3.12")
    assert found.pins == ("click==8.1.8", "uvicorn==0.34.0")
    assert found.hashes["click==8.1.8"] == (DIGEST, OTHER_DIGEST)


def test_a_real_answer_keeps_the_machines_that_get_a_pin() -> None:
    machines = ("aarch64", "ppc64le", "x86_64")
    some = " or ".join(f"platform_machine == '{machine}'" for machine in machines)
    greenlet = f"greenlet==3.5.6 ; {some}"
    assert read(REAL, "3.12").pins == (
        greenlet, "sqlalchemy==2.0.36", "typing-extensions==4.16.0",
    )  # fmt: skip


def test_what_no_platform_gets_is_left_out() -> None:
    found = read(f"{TEXT}colorama==0.4.6 ; sys_platform == 'win32' --hash={DIGEST}\n", "3.12")
    assert "colorama==0.4.6" not in {*found.pins, *found.hashes}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "uvicorn==0.34.0\n",
        "-e git+https://x\n",
        f"uvicorn --hash={DIGEST}\n",
        "uvicorn==0.34.0 --hash=md5:abc\n",
        f"uvicorn==0.34.0 --hash={DIGEST}0\n",
        f"{TEXT}    # via uvicorn\n",
        f"uvicorn==0.34.0 ; nonsense --hash={DIGEST}\n",
        f"colorama==0.4.6 ; sys_platform == 'win32' --hash={DIGEST}\n",
    ],
)
def test_uv_output_that_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(ResolutionError):
        read(text, "3.12")


@pytest.mark.parametrize(
    "marker",
    [
        "platform_machine == 'x86_64'",
        "platform_machine != 'armv7l' and python_version < '3.13'",
        "python_version < '3.12'",
        "sys_platform == 'win32' or platform_machine == 's390x'",
        "implementation_name != 'pypy'",
    ],
)
def test_a_narrowed_marker_holds_where_the_whole_one_does(marker: str) -> None:
    pin = narrowed("a==1", marker, "3.12")
    for platform in names.PLATFORMS:
        before = holds(f"a==1 ; {marker}", "3.12", platform)
        assert before == (pin is not None and holds(pin, "3.12", platform))
    assert pin is None or narrowed(bare(pin), pin.partition("; ")[2], "3.12") == pin


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder of wheels, which is all that uv knows of."""
    links = tmp_path / "wheels"
    links.mkdir()
    for version in ("1.0", "2.0"):
        wheel(links, "dep", version)
        wheel(links, "other", version, "dep", "arm ; platform_machine == 'armv7l'")
    wheel(links, "arm", "1.0", "windows ; sys_platform == 'win32'", "later; python_version>'3.12'")
    extras = {"some": "dep", "so-me-2": "dep"}
    wheel(links, "extended", "1.0", **extras)
    wheel(links, "careless", "1.0", "dep[nope]")
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(links))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    return links


def wheel(folder: Path, name: str, version: str, *requires: str, **extras: str) -> None:
    info = f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {one}\n" for one in requires)
    for extra, one in extras.items():
        needs += f"Provides-Extra: {extra}\nRequires-Dist: {one} ; extra == '{extra}'\n"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}"
        archive.writestr(f"{info}/METADATA", about)
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
        archive.writestr(f"{info}/RECORD", "")


@pytest.mark.usefixtures("index")
def test_uv_finds_the_newest_for_every_machine_and_no_other_system() -> None:
    found = resolve(Wanted(requirements=("other",), python="3.12"))
    assert found.pins == ("arm==1.0 ; platform_machine == 'armv7l'", "dep==2.0", "other==2.0")
    assert set(found.hashes) == {"arm==1.0", "dep==2.0", "other==2.0"}


@pytest.mark.usefixtures("index")
def test_uv_keeps_to_what_it_has_to_agree_with() -> None:
    found = resolve(Wanted(requirements=("other",), python="3.12", within=("dep==1.0",)))
    assert found.pins[1:] == ("dep==1.0", "other==2.0")
    with pytest.raises(ResolutionError, match=r"dep==2\.0 and dep==1\.0"):
        resolve(Wanted(requirements=("dep==2.0",), python="3.12", within=("dep==1.0",)))


@pytest.mark.usefixtures("index")
def test_uv_keeps_near_where_nothing_speaks_against_it() -> None:
    near = ("dep==1.0", "other==1.0", "arm==1.0 ; platform_machine == 'armv7l'")
    found = resolve(Wanted(requirements=("other==2.0",), python="3.12", near=near))
    assert found.pins[1:] == ("dep==1.0", "other==2.0")


def test_settings_of_the_user_are_not_asked(
    index: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "uv").mkdir()
    (tmp_path / "uv" / "uv.toml").write_text('[pip]\nresolution = "lowest"\n')
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path))
    assert resolve(Wanted(requirements=("dep",), python="3.12")).pins == ("dep==2.0",)


@pytest.mark.usefixtures("index")
def test_what_cannot_be_resolved_is_told_in_uvs_words() -> None:
    with pytest.raises(ResolutionError, match="No solution found") as failure:
        resolve(Wanted(requirements=("nothing-of-this-name==1",), python="3.12"))
    assert "nothing-of-this-name" in str(failure.value)
    assert "hint:" not in str(failure.value)
    assert "markers" not in str(failure.value)


def test_a_warning_is_not_taken_for_the_reason() -> None:
    stderr = "warning: Something old\nerror: No way\n  cause: None\n"
    assert requirements._reason(stderr) == "No way cause: None"


@pytest.mark.parametrize("asked", ["extended[nope]", "Extended[Nope]==1.0", "dep[nope,no_pe]"])
@pytest.mark.usefixtures("index")
def test_a_declared_extra_that_is_none_is_an_error(asked: str) -> None:
    with pytest.raises(ExtraError, match=r"==[12]\.0 has no extra 'nope'.*take it out"):
        resolve(Wanted(requirements=("other", asked), python="3.12"))


@pytest.mark.parametrize("asked", ["extended[some]", "extended[So_Me.2]", "extended"])
@pytest.mark.usefixtures("index")
def test_an_extra_that_is_one_brings_what_it_names(asked: str) -> None:
    found = resolve(Wanted(requirements=(asked,), python="3.12"))
    assert ("dep==2.0" in found.pins) == ("[" in asked)


@pytest.mark.usefixtures("index")
def test_an_extra_that_others_name_is_their_business(capfd: pytest.CaptureFixture[str]) -> None:
    assert "dep==2.0" in resolve(Wanted(requirements=("careless",), python="3.12")).pins
    upstream = Wanted(requirements=("dep[nope]",), python="3.12", upstream=True)
    assert resolve(upstream).pins == ("dep==2.0",)
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("index")
def test_colours_that_the_user_wants_are_no_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with pytest.raises(ResolutionError, match=r"^No solution found"):
        resolve(Wanted(requirements=("dep==3.0",), python="3.12"))


@pytest.mark.usefixtures("index")
def test_a_uv_that_does_not_end_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "_DEADLINE_SECONDS", 0.0)
    with pytest.raises(ResolutionError, match="did not get to an end"):
        resolve(Wanted(requirements=("dep",), python="3.12"))
