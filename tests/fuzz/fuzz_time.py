"""Look for inputs on which the work grows faster than the input: random pieces repeated n, 2n and 4n times, for every reader.

python tests/fuzz/fuzz_time.py [SECONDS] [SEED] [SUBJECT ...]      needs no extra; the same seed tries the same inputs

Each find is printed as a case for tests/sources/test_growth.py, and ends the search with exit code 1.  Each family is tried in a
process of its own with a limit on CPU time, as pages are extracted, so what never ends is found, too.
"""

import random
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "zoo"), str(HERE.parent.parent)]

from growth import SUBJECTS, Case, Subject, grows  # noqa: E402

from corpus_builder.engine import guard  # noqa: E402

AT_A_TIME = 50
guard.CPU_SECONDS = 60


def drawn(draw: random.Random, subject: Subject) -> Case:
    """A family: one to four pieces repeated, perhaps something before and after."""
    repeated = b"".join(draw.choice(subject.pieces) for _ in range(draw.choice((1, 1, 2, 2, 3, 4))))
    before = draw.choice(subject.befores) + b"".join(draw.choice(subject.pieces) for _ in range(draw.choice((0, 0, 1, 2))))
    after = b"".join(draw.choice(subject.pieces) for _ in range(draw.choice((0, 0, 1, 2)))) + draw.choice(subject.afters)
    return Case(subject, repeated, before, after)


def crashed(case: Case, crash: guard.Crash) -> str:
    return f"{crash.how}, {'no end' if crash.endless else 'a crash'}: {case}"


def main(seconds: float = 300, seed: int = 0, *names: str) -> int:
    """How many families grow too fast, at most 255."""
    draw, found, tried = random.Random(seed), [], 0
    subjects = [SUBJECTS[name] for name in names or SUBJECTS]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        cases = [drawn(draw, draw.choice(subjects)) for _ in range(AT_A_TIME)]
        for finding in guard.guarded(lambda cases=cases: iter(cases), grows, crashed):
            if finding:
                print(finding, flush=True)
                found.append(finding)
        tried += len(cases)
    print(f"{tried} families tried with seed {seed}, {len(found)} grow faster than their input")
    return min(len(found), 255)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    sys.exit(main(float(arguments[0]) if arguments else 300, int(arguments[1]) if arguments[1:] else 0, *arguments[2:]) > 0)
