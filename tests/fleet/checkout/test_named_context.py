"""What a Dockerfile takes from a named context: found where it is plain, all where it is not."""

import pytest

from fleet.checkout.dockerfile_copies import taken


@pytest.mark.parametrize(
    ("dockerfile", "files"),
    [
        ("FROM scratch AS shared\nFROM scratch\n", ()),
        ("COPY --from=shared start/common.sh /app/main.py", ("start/common.sh",)),
        ("copy --from=Shared a /b", ("a",)),
        ("COPY --link --chmod=755 --from=shared start/ /usr/local/lib/", ("start",)),
        ("COPY --from=shared --link a b ./c/ /to/", ("a", "b", "c")),
        ("COPY --from=shared /a/../b /to", ("b",)),
        ("COPY --from=shared . /to", ("",)),
        ("COPY --from=shared / /to", ("",)),
        ("COPY --from=shared a /to\nCOPY --from=shared a /there", ("a",)),
        ("RUN --mount=type=bind,from=shared,source=a.py,target=/a.py python3 /a.py", ("a.py",)),
        ("RUN --mount=from=shared,src=lib,target=/l --network=none make", ("lib",)),
        (
            (
                "RUN --mount=from=shared,source=a,target=/a \\\n    # why\n\n"
                '    --mount=target=/b,source=b,from=shared \\  \n    ["python3", "/a"]'
            ),
            ("a", "b"),
        ),
        ("COPY --from=sha\\\nred a /b", ("a",)),
        ("COPY --from=shared \\\n  a \\\n  b \\\n  /to", ("a", "b")),
        ("# COPY --from=shared a /b\n  # shared\n", ()),
        ("COPY --from=shared a /b\r\nCOPY --from=shared c /d\r\n", ("a", "c")),
        ("RUN <<EOF\ncat a\nEOF\nCOPY --from=shared a /b", ("a",)),
        ("RUN <<EOF\ncat a \\\nEOF\nCOPY --from=shared a /b", ("a",)),
        ('RUN echo "<<EOF"\nCOPY --from=shared a /b', ("a",)),
        ("RUN echo a \\\\\nCOPY --from=shared a /b", ("a",)),
        ("FROM ${BASE}\nCOPY --from=shared a /b", ("a",)),
    ],
)
def test_what_is_plainly_taken_is_found(dockerfile: str, files: tuple[str, ...]) -> None:
    assert taken(dockerfile, "shared") == files


@pytest.mark.parametrize(
    "dockerfile",
    [
        "COPY --from=shared *.py /to/",
        "COPY --from=shared start/?.py /to/",
        "COPY --from=shared ${FILES} /to/",
        'COPY --from=shared ["a b", "/to"]',
        'COPY --from=shared "a" /to',
        "COPY --from=shared a\\ b /to",
        "COPY --from=shared a\u00a0b /to",
        "COPY --from=shared <<EOF /to",
        "COPY --from=shared a",
        "COPY --from=shared",
        "COPY --from=0 a /to",
        "COPY --from=$STAGE a /to",
        "COPY --from=shared:latest a /to",
        "COPY --from=docker.io/library/shared a /to",
        'COPY --from="shared" a /to',
        "RUN --mount=type=bind,from=shared,target=/a make",
        "RUN --mount=type=bind,from=0,source=a,target=/a make",
        "RUN --mount=type=bind,from=${STAGE},source=a,target=/a make",
        "RUN --mount=type=bind,from=shared,source=${FILE},target=/a make",
        'RUN --mount=type=bind,"from=shared",source=a,target=/a make',
        "FROM shared AS tools",
        "FROM shared AS shared",
        "FROM --platform=linux/amd64 shared:latest",
        "COPY --from=other shared/a /to\nCOPY shared /to",
        "RUN --mount=from=shared,src=lib,target=/l make --shared",
        "ARG STAGE=shared\nFROM ${STAGE}",
        "ONBUILD COPY --from=shared a /to",
        "ADD --from=shared a /to",
        "# escape=`\nCOPY --from=other `\n  a /to",
        "#syntax = docker/dockerfile:1",
        "RUN <<EOF\ncp /shared/a .\nEOF",
    ],
)
def test_what_is_not_plain_is_not_guessed(dockerfile: str) -> None:
    assert taken(dockerfile, "shared") is None
    assert taken(f"COPY --from=shared b /b\n{dockerfile}\n", "shared") is None
