"""Stack files for a fleet that has outgrown one stack: a stack an image, one declaration."""

from fleet.declaration import Declaration

_HEADER = "# A part of the fleet that Pulumi.{whole}.yaml declares; all there is to say is there.\n"


def stack_files(declaration: Declaration, stack: str) -> dict[str, str]:
    """Return the text of each image's stack file by its name: ``Pulumi.<stack>-<image>.yaml``.

    The first image's stack looks after the GitHub repository, where one is declared.
    """
    github = declaration.images[0].name if declaration.github else ""
    files = {}
    for image in declaration.images:
        lines = [
            _HEADER.format(whole=stack),
            "config:\n",
            f"  fleet:part-of: {stack}\n",
            f"  fleet:only: [{image.name}]\n",
        ]
        if image.builds_on:
            lines += ["  fleet:below:\n", f"    {image.builds_on}: {stack}-{image.builds_on}\n"]
        if image.name == github:
            lines.append("  fleet:with-github: true\n")
        files[f"Pulumi.{stack}-{image.name}.yaml"] = "".join(lines)
    return files
