"""Judges what the drives of clients have met, by accepted.json, and fails where something is not as it should be.

    judge.py DRIVE...    files that drive.py and drive.mjs have written

accepted.json gives a reason for whatever is left out: `notEmulated` by operation, or by method and path where no operation
has it; and for each client `local`, the methods that send nothing, and `refused`, those that no call has succeeded with. An
entry that is not needed any more is a fault as well.
"""

import fnmatch
import json
import pathlib
import sys

accepted = json.loads(pathlib.Path(__file__).with_name("accepted.json").read_text())
faults: list[str] = []
needed: set[tuple[str, ...]] = set()


def reason(*entry: str) -> str | None:
    """The reason for an entry, which is thereby needed. A `*` stands for anything."""
    table = accepted
    for step in entry[:-1]:
        table = table[step]
    row = next((row for row in table if fnmatch.fnmatchcase(entry[-1], row)), None)
    if row is None:
        return None
    needed.add((*entry[:-1], row))
    return table[row]


def name(request: dict) -> str:
    return request["operation"] or f"{request['method']} {request['path']}"


def judge(drive: dict) -> None:
    client = drive["client"]
    methods: dict[str, list[dict]] = {}
    for call in drive["calls"]:
        methods.setdefault(call["method"], []).append(call)
    count = {"worked": 0, "refused": 0, "not emulated": 0, "local": 0}
    reached = {name(request) for call in drive["calls"] for request in call["requests"] if request["operation"]}
    for method, calls in methods.items():
        requests = [request for call in calls for request in call["requests"]]
        missing = {name(request) for request in requests if request["status"] == 501 or not request["operation"]}
        for operation in sorted(missing):
            if not reason("notEmulated", operation):
                faults.append(f"{client} {method}: {operation} is not emulated, and accepted.json has no reason for it")
        for request in requests:
            if request["status"] == 0 or request["status"] >= 500 and request["status"] != 501:
                faults.append(f"{client} {method}: {name(request)} answered {request['status']}: {request['errorMessage']}")
        worked = any(
            call["requests"] and not call["error"] and all(request["status"] < 400 for request in call["requests"])
            for call in calls
        )
        if not requests:
            count["local"] += 1
            if not reason(client, "local", method):
                faults.append(f"{client} {method}: sent no request: {calls[-1]['error'] or 'no error'}")
        elif worked:
            count["worked"] += 1
        elif missing:
            count["not emulated"] += 1
        else:
            count["refused"] += 1
            if not reason(client, "refused", method):
                answers = [f"{name(request)} {request['status']} {request['errorMessage']}" for request in requests]
                faults.append(f"{client} {method}: no call succeeded: {calls[-1]['error']}; {'; '.join(answers)}")
    numbers = ", ".join(f"{number} {what}" for what, number in count.items())
    print(f"{client} {drive['version']}: {len(methods)} methods in {len(drive['calls'])} calls: {numbers}; {len(reached)} operations")


drives = [json.loads(pathlib.Path(path).read_text()) for path in sys.argv[1:]]
for drive in drives:
    judge(drive)
tables = [("notEmulated",)] + [(drive["client"], table) for drive in drives for table in ("local", "refused")]
for path in tables:
    table = accepted
    for step in path:
        table = table[step]
    faults += [f"accepted.json: {' '.join((*path, row))} is not needed" for row in table if (*path, row) not in needed]
for fault in faults:
    print(fault, file=sys.stderr)
sys.exit(1 if faults else 0)
