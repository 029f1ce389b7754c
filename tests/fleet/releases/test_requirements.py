"""What uv writes, as pins with markers; and uv itself, without an index."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from fleet.declaration import tags
from fleet.lock.model import bare, holds
from fleet.releases.lock import requirements, uv
from fleet.releases.lock.requirements import ExtraError, Resolution, Wanted, narrowed, read
from fleet.releases.lock.uv import ResolutionError
from tests.fleet.examples import DIGEST, OTHER_DIGEST
from tests.fleet.releases.simple import Simple, serving

Resolve = Callable[[Wanted], Resolution]

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
    for platform in tags.PLATFORMS:
        before = holds(f"a==1 ; {marker}", "3.12", platform)
        assert before == (pin is not None and holds(pin, "3.12", platform))
    assert pin is None or narrowed(bare(pin), pin.partition("; ")[2], "3.12") == pin


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Simple]:
    """An index on loopback, which is all that uv knows of."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with serving() as found:
        for version in ("1.0", "2.0"):
            found.wheel("dep", version)
            found.wheel("other", version, "dep", "arm ; platform_machine == 'armv7l'")
        found.wheel(
            "arm", "1.0", "windows ; sys_platform == 'win32'", "later; python_version>'3.12'"
        )
        found.wheel("extended", "1.0", extras={"some": "dep", "so-me-2": "dep"})
        found.wheel("careless", "1.0", "dep[nope]")
        yield found


@pytest.fixture
def resolve(index: Simple) -> Resolve:
    """The resolver, which asks that index."""
    return partial(requirements.resolve, options=["--default-index", index.url])


def test_uv_finds_the_newest_for_every_machine_and_no_other_system(resolve: Resolve) -> None:
    found = resolve(Wanted(requirements=("other",), python="3.12"))
    assert found.pins == ("arm==1.0 ; platform_machine == 'armv7l'", "dep==2.0", "other==2.0")
    assert set(found.hashes) == {"arm==1.0", "dep==2.0", "other==2.0"}


def test_uv_keeps_to_what_it_has_to_agree_with(resolve: Resolve) -> None:
    found = resolve(Wanted(requirements=("other",), python="3.12", within=("dep==1.0",)))
    assert found.pins[1:] == ("dep==1.0", "other==2.0")
    with pytest.raises(ResolutionError, match=r"dep==2\.0 and dep==1\.0"):
        resolve(Wanted(requirements=("dep==2.0",), python="3.12", within=("dep==1.0",)))


def test_uv_keeps_near_where_nothing_speaks_against_it(resolve: Resolve) -> None:
    near = ("dep==1.0", "other==1.0", "arm==1.0 ; platform_machine == 'armv7l'")
    found = resolve(Wanted(requirements=("other==2.0",), python="3.12", near=near))
    assert found.pins[1:] == ("dep==1.0", "other==2.0")


def test_settings_of_the_user_are_not_asked(
    resolve: Resolve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "uv").mkdir()
    (tmp_path / "uv" / "uv.toml").write_text('[pip]\nresolution = "lowest"\n')
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path))
    assert resolve(Wanted(requirements=("dep",), python="3.12")).pins == ("dep==2.0",)


def test_what_cannot_be_resolved_is_told_in_uvs_words(resolve: Resolve) -> None:
    with pytest.raises(ResolutionError, match="No solution found") as failure:
        resolve(Wanted(requirements=("nothing-of-this-name==1",), python="3.12"))
    assert "nothing-of-this-name" in str(failure.value)
    assert "hint:" not in str(failure.value)
    assert "markers" not in str(failure.value)


def test_a_warning_is_not_taken_for_the_reason() -> None:
    stderr = "warning: Something old\nerror: No way\n  cause: None\n"
    assert uv.reason(stderr) == "No way cause: None"


def test_uvs_words_are_one_bounded_line_that_moves_no_cursor() -> None:
    # They quote names and addresses of the index.
    stderr = "error: No way\x1b[2J\r\u2028to \u202e`a`\n" + "x " * 5000
    found = uv.reason(stderr)
    assert found.startswith("No way [2J to `a` x x")
    assert found.isprintable()
    assert len(found) <= uv.LONGEST_REASON


def test_a_source_distribution_is_passed_over_and_its_backend_never_runs(
    index: Simple, resolve: Resolve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = tmp_path / "ran"
    index.wheel("mixed", "0.9")
    index.sdist("mixed", "1.0", marker=str(ran))
    index.wheel("needy", "1.0", "mixed")
    monkeypatch.setenv("UV_NO_BUILD", "0")
    found = resolve(Wanted(requirements=("needy",), python="3.12"))
    assert found.pins == ("mixed==0.9", "needy==1.0")
    assert not ran.exists()


def test_hashes_of_a_source_distribution_beside_a_wheel_are_kept(
    index: Simple, resolve: Resolve
) -> None:
    index.wheel("both", "1.0")
    index.sdist("both", "1.0")
    found = resolve(Wanted(requirements=("both",), python="3.12"))
    assert len(found.hashes["both==1.0"]) == 2


def test_a_python_that_is_asked_for_in_a_wrong_way_counts_for_nothing(
    index: Simple, resolve: Resolve
) -> None:
    index.wheel("starred", "1.0", about={"requires-python": ">=3.6.*"})
    assert resolve(Wanted(requirements=("starred",), python="3.12")).pins == ("starred==1.0",)


def test_uv_keeps_to_a_yanked_pin_that_it_is_given(index: Simple, resolve: Resolve) -> None:
    index.wheel("gone", "1.0")
    index.wheel("gone", "1.1", about={"yanked": "broken"})
    wanted = Wanted(requirements=("gone",), python="3.12")
    assert resolve(wanted).pins == ("gone==1.0",)
    kept = resolve(replace(wanted, near=("gone==1.1",)))
    assert kept.pins == ("gone==1.1",), "so that no yanked pin may be given to it"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("UV_RESOLUTION", "lowest"),
        ("UV_EXCLUDE_NEWER", "2019-01-01"),
        ("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple"),
        ("UV_INDEX_URL", "http://127.0.0.1:9/simple"),
        ("UV_INDEX", "http://127.0.0.1:9/simple"),
        ("UV_CONSTRAINT", "/dev/null/none"),
        ("UV_OFFLINE", "1"),
        ("UV_NO_INDEX", "1"),
    ],
)
def test_no_setting_of_the_shell_changes_what_is_resolved(
    resolve: Resolve, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert resolve(Wanted(requirements=("dep",), python="3.12")).pins == ("dep==2.0",)


def test_uv_is_given_the_way_to_the_network_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kept = {"SSL_CERT_FILE": "/ca.pem", "https_proxy": "http://proxy:1", "NO_PROXY": "here"}
    dropped = {"GITHUB_TOKEN": "t", "UV_INDEX_PASSWORD": "t", "PIP_INDEX_URL": "t", "NETRC": "t"}
    for name, value in {**kept, **dropped}.items():
        monkeypatch.setenv(name, value)
    found = uv.environment(tmp_path)
    assert {name: found[name] for name in kept} == kept
    assert found["HOME"] == str(tmp_path)
    assert "t" not in found.values()
    allowed = {"PATH", "SSL_CERT_DIR", "HOME", "NETRC", "TMPDIR"}
    others = {name for name in found if name not in allowed | kept.keys()}
    assert all("proxy" in name.lower() or name.startswith("XDG_CONFIG_") for name in others)


@pytest.mark.parametrize("asked", ["extended[nope]", "Extended[Nope]==1.0", "dep[nope,no_pe]"])
def test_a_declared_extra_that_is_none_is_an_error(resolve: Resolve, asked: str) -> None:
    with pytest.raises(ExtraError, match=r"(?s)==[12]\.0 has no extra 'nope'.*take it out"):
        resolve(Wanted(requirements=("other", asked), python="3.12"))


@pytest.mark.parametrize("asked", ["extended[some]", "extended[So_Me.2]", "extended"])
def test_an_extra_that_is_one_brings_what_it_names(resolve: Resolve, asked: str) -> None:
    found = resolve(Wanted(requirements=(asked,), python="3.12"))
    assert ("dep==2.0" in found.pins) == ("[" in asked)


def test_an_extra_that_others_name_is_their_business(
    resolve: Resolve, capfd: pytest.CaptureFixture[str]
) -> None:
    assert "dep==2.0" in resolve(Wanted(requirements=("careless",), python="3.12")).pins
    upstream = Wanted(requirements=("dep[nope]",), python="3.12", upstream=True)
    assert resolve(upstream).pins == ("dep==2.0",)
    assert capfd.readouterr() == ("", "")


def test_colours_that_the_user_wants_are_no_words(
    resolve: Resolve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with pytest.raises(ResolutionError, match=r"^No solution found"):
        resolve(Wanted(requirements=("dep==3.0",), python="3.12"))


def test_a_uv_that_does_not_end_is_told(resolve: Resolve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uv, "_DEADLINE_SECONDS", 0.0)
    with pytest.raises(ResolutionError, match="uv failed"):
        resolve(Wanted(requirements=("dep",), python="3.12"))
