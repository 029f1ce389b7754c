"""Collects the outcome of the checks: one calm line for each, the failures together at the end."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Report:
    """The checks so far. A failure is noted and the verification goes on, so that all are seen."""

    failures: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)

    def equal(self, check: str, expected: object, seen: object) -> None:
        """Note that the two are equal, or fail the check with both."""
        if expected == seen:
            self.ok(check)
        else:
            self.fail(check, expected, seen)

    def contains(self, check: str, expected: str, text: str) -> None:
        """Note that the text contains the expected part, or fail the check with the text's end."""
        if expected in text:
            self.ok(check)
        else:
            self.fail(check, f"a text with {expected!r}", text[-2000:])

    def lacks(self, check: str, unwanted: str, text: str) -> None:
        """Note that the text is without the unwanted part, or fail the check with the text."""
        if unwanted in text:
            self.fail(check, f"a text without {unwanted!r}", text[-2000:])
        else:
            self.ok(check)

    def ok(self, check: str) -> None:
        """Print one line for a check that held."""
        print(f"ok: {check}", flush=True)

    def fail(self, check: str, expected: object, seen: object) -> None:
        """Note a failed check with what was expected and what was seen."""
        self.failures.append(f"FAILED: {check}: expected {_shown(expected)}, saw {_shown(seen)}")

    def attach(self, title: str, output: str) -> None:
        """Keep the end of the output of a server whose checks failed."""
        self.outputs.append(f"--- {title} ---\n{output[-4000:].strip()}\n--- end of {title} ---")

    def summary(self) -> str:
        """Return the attached outputs, then every failure: builders show the end of a log."""
        return "\n".join([*self.outputs, *self.failures])


def _shown(value: object) -> str:
    return value if isinstance(value, str) else repr(value)
