"""Says what Schemathesis was answered, and fails where that shows that less is checked than before.

In the small form, which goes by fixed seeds, so many operations have to answer with success, and every row of accepted.json
has to be met. Usage: judge.py TOLD [--small]
"""

import json
import pathlib
import sys

# Operations that the small form calls with success. To be raised when there are more.
SUCCESSES = 390

told = json.loads(pathlib.Path(sys.argv[1]).read_text())
accepted = json.loads((pathlib.Path(__file__).parent / "accepted.json").read_text())
statuses = told["statuses"]
calls = sum(count for counts in statuses.values() for count in counts.values())
succeeded = [label for label, counts in statuses.items() if any(int(status) < 400 for status in counts)]
honest = [label for label, counts in statuses.items() if set(counts) <= {"501", "405"}]
print(f"{calls} calls of {len(statuses)} operations; {len(succeeded)} answered with success, {len(honest)} are not emulated")
if "--small" in sys.argv:
    stale = [row for number, row in enumerate(accepted) if number not in told["met"]]
    for row in stale:
        print(f"accepted.json: nothing matches {row['operation']}: {row['check']}", file=sys.stderr)
    if len(succeeded) < SUCCESSES:
        print(f"only {len(succeeded)} operations answered with success, and {SUCCESSES} should", file=sys.stderr)
    if stale or len(succeeded) < SUCCESSES:
        sys.exit(1)
else:
    never = sorted(label for label in statuses if label not in succeeded and label not in honest)
    print("never with success:", *never, sep="\n  ")
