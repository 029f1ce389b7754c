"""EXPECT is read for the platform that is built, and refused where it is malformed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.assets.verifying import load

pytestmark = pytest.mark.usefixtures("verification_modules")
ARM_V7 = {"packages": {"httptools": "0.6.4"}, "absent": ["uvloop"]}
GOOD = {
    "python": "3.11",
    "whole": ["linux/amd64"],
    "packages": {"uvicorn": "0.34.0"},
    "platforms": {"linux/amd64": {"packages": {"uvloop": "0.21.0"}}, "linux/arm/v7": ARM_V7},
}


def parsed(platform: str, /, **changed: Any) -> Any:
    return load("expect").parse_expect(json.dumps({**GOOD, **changed}), platform)


def test_a_platform_has_what_all_have_and_its_own() -> None:
    expect = parsed("linux/arm/v7")
    assert (expect.python, expect.platform) == ("3.11", "linux/arm/v7")
    assert expect.packages == {"uvicorn": "0.34.0", "httptools": "0.6.4"}
    assert expect.absent == ("uvloop",)
    other = parsed("linux/amd64")
    assert other.packages == {"uvicorn": "0.34.0", "uvloop": "0.21.0"}
    assert other.absent == ()


def test_a_line_says_what_was_checked_where() -> None:
    assert parsed("linux/amd64").is_whole
    assert parsed("linux/amd64").scope == "checked on linux/amd64: the whole"
    foreign = parsed("linux/arm/v7", whole=["linux/amd64", "linux/arm64"])
    assert not foreign.is_whole
    elsewhere = "what depends on the platform; the whole on linux/amd64, linux/arm64"
    assert foreign.scope == f"checked on linux/arm/v7: {elsewhere}"


@pytest.mark.parametrize("platform", ["linux/arm64", "linux/arm", ""])
def test_a_platform_without_a_key_is_named(platform: str) -> None:
    module = load("expect")
    words = f"no platform '{platform}' .TARGETPLATFORM., only linux/amd64, linux/arm/v7"
    with pytest.raises(module.ExpectError, match=words):
        parsed(platform)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"python": "3.11"}'])
def test_what_is_no_such_object_is_refused(text: str) -> None:
    module = load("expect")
    with pytest.raises(module.ExpectError, match="EXPECT"):
        module.parse_expect(text, "linux/amd64")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"python": 3.11}, "python"),
        ({"whole": "linux/amd64"}, "whole"),
        ({"whole": []}, "whole"),
        ({"packages": ["uvicorn"]}, "packages"),
        ({"packages": {"uvicorn": None}}, "packages"),
        ({"packages": {}, "platforms": {"linux/arm/v7": {}}}, "at least one"),
        ({"platforms": ["linux/arm/v7"]}, "platforms"),
        ({"platforms": {"linux/arm/v7": []}}, "linux/arm/v7"),
        ({"platforms": {"linux/arm/v7": {"more": []}}}, "linux/arm/v7"),
        ({"platforms": {"linux/arm/v7": {"packages": {"uvicorn": "1"}}}}, "uvicorn"),
        ({"platforms": {"linux/arm/v7": {"absent": "uvloop"}}}, "absent"),
        ({"platforms": {"linux/arm/v7": {"absent": [""]}}}, "absent"),
        ({"platforms": {"linux/arm/v7": {"absent": ["uvicorn"]}}}, "uvicorn can't be"),
        ({"platform": "linux/arm/v7"}, "must hold"),
    ],
)
def test_a_malformed_expect_is_refused(changed: dict[str, Any], words: str) -> None:
    module = load("expect")
    with pytest.raises(module.ExpectError, match=words):
        parsed("linux/arm/v7", **changed)


def test_without_expect_the_verification_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("EXPECT", raising=False)
    assert load("verify").main() == 2
    assert "verify: EXPECT is not JSON" in capsys.readouterr().err


def test_a_verification_of_an_undeclared_platform_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EXPECT", json.dumps(GOOD))
    monkeypatch.setenv("TARGETPLATFORM", "linux/riscv64")
    assert load("verify").main() == 2
    assert "verify: EXPECT has no platform 'linux/riscv64'" in capsys.readouterr().err
