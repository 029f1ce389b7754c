"""The table of environment variables against the start scripts: neither more nor less."""

import re
from pathlib import Path

import pytest

from tests.fleet.pages.readmes import ROOT, declared, rendered, section, shipped_texts

ASSETS = ROOT / "assets"
_READ = re.compile(r"""(?:\$\{?|environ\.get\(")([A-Z][A-Z0-9_]+)""")
_FUNCTION = re.compile(r"^(\w+)\(\) (\{.*?^\}|\{[^\n]*\})", re.MULTILINE | re.DOTALL)
# For tests of the scripts, for what they tell each other, and what belongs to others' protocols.
_INNER = re.compile(r"START_SH_.*|BASH_VERSION|LISTEN_FDS|GUNICORN_FD")
# Looking at flags decides about a line that is told.
_LOOKS = {"check_module", "check_port", "moves_search", "tell_overridden"}


def read_by(image: str) -> set[str]:
    """The variables that an image's start script reads, in the functions that it calls."""
    script = (ASSETS / image / "image" / "start.sh").read_text()
    sourced = re.findall(r'^\. "\$lib/(.+)"$', script, re.MULTILINE)
    library = "".join((ASSETS / "shared/image/start" / name).read_text() for name in sourced)
    functions = {name: body for name, body in _FUNCTION.findall(library) if name not in _LOOKS}
    reached, text = {""}, script
    while called := {name for name in functions if re.search(rf"\b{name}\b", text)} - reached:
        reached |= called
        text += "".join(functions[name] for name in called)
    text += (ASSETS / "shared/image/start/prestart.sh").read_text()
    if "gunicorn.sh" in sourced:
        text += (ASSETS / "shared/image/start/gunicorn_settings.py").read_text()
        text += "".join(file.read_text() for file in (ASSETS / image / "image/start").glob("*.py"))
    return {name for name in _READ.findall(uncommented(text)) if not _INNER.fullmatch(name)}


def uncommented(text: str) -> str:
    return re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)


@pytest.mark.parametrize(
    "image", sorted(path.parent.name for path in ASSETS.glob("*/docs") if path.is_dir())
)
def test_a_page_names_the_variables_that_its_start_script_reads(image: str) -> None:
    own = {Path("assets/web", *Path(path).parts[2:]).as_posix(): text
           for path, text in shipped_texts(image).items()}  # fmt: skip
    table = section(rendered(declared(), texts=own)["web.md"], "Environment variables")
    named = set(re.findall(r"^\| `([A-Z_]+)` \|", table, re.MULTILINE))
    assert named == read_by(image)
    assert {"HOST", "PORT", "WORKERS", "LOG_LEVEL", "RELOAD", "APP_MODULE"} <= named


def test_the_reading_of_scripts_sees_what_only_a_called_function_reads() -> None:
    assert "PRE_START_PATH" in read_by("python-uvicorn")
    assert "GUNICORN_EXTRA_FLAGS" not in read_by("python-uvicorn")
