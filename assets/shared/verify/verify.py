"""Checks that the image around it keeps its promises; exits 0, or 1 with every broken one."""

from __future__ import annotations

import os
import sys

from expect import ExpectError, parse_expect
from image_checks import check_image
from refusals import run_refusals
from report import Report
from scenarios import run_scenarios


def main() -> int:
    """Run all checks against the build argument EXPECT; return the exit status."""
    try:
        expect = parse_expect(os.environ.get("EXPECT", ""))
    except ExpectError as error:
        print(f"verify: {error}", file=sys.stderr)
        return 2
    report = Report()
    check_image(expect, report)
    run_refusals(report)
    run_scenarios(expect, report)
    if report.failures:
        print(report.summary(), file=sys.stderr)
        print(f"verify: {len(report.failures)} checks failed", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
