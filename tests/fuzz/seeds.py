"""What both fuzzers share: seeds in the corpus directory, and the input at hand when something goes wrong."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


def sow(arguments: list[str], seeds: Mapping[str, bytes]) -> None:
    """Write the seeds into the corpus directory, which is the first argument without a dash."""
    directory = next((Path(argument) for argument in arguments[1:] if not argument.startswith("-")), None)
    if directory is not None and not directory.is_file():  # a file is an input to try again
        directory.mkdir(parents=True, exist_ok=True)
        for name, content in seeds.items():
            (directory / name).write_bytes(content)


@contextmanager
def as_kept(octets: bytes) -> Iterator[None]:
    """Print the input when an error leaves the block, short enough for a test."""
    try:
        yield
    except BaseException:
        print(f"{len(octets)} bytes: {octets[:4000]!r}", file=sys.stderr)
        raise
