"""Judges what the drives of clients have met, by accepted.json, and fails where something is not as it should be.

    judge.py DRIVE...    files that drive.py and drive.mjs have written

A call is as it should be when the client sent something and was content with the answer. Whatever else may happen has a row
with a reason in accepted.json, where a `*` stands for anything:

- `notEmulated`: operations that answer 501 to everything, and methods with paths that no operation has.
- for each client, by the names of calls:
  `local`     sends nothing, and ends well;
  `refused`   gets a refusal with this code;
  `mistaken`  gets what it asked for, and cannot read it.

A row that is not needed any more is a fault as well. Nothing excuses an answer above 501 or none at all.
"""

import collections
import fnmatch
import json
import pathlib
import sys

LISTS = ("local", "refused", "mistaken")

accepted = json.loads(pathlib.Path(__file__).with_name("accepted.json").read_text())
faults: list[str] = []
needed: set[tuple[str, ...]] = set()
# By operation: whether it has ever answered anything but 501.
answers: dict[str, bool] = {}


def row(name: str, *table: str) -> object:
    """The row of a table that fits a name; it is thereby needed."""
    rows = accepted
    for step in table:
        rows = rows[step]
    fitting = [pattern for pattern in rows if fnmatch.fnmatchcase(name, pattern)]
    needed.update((*table, pattern) for pattern in fitting)
    return rows[fitting[0]] if fitting else None


def target(request: dict) -> str:
    return request["operation"] or f"{request['method']} {request['path']}"


def told(request: dict) -> str:
    return f"{target(request)} {request['status']} {request['errorCode']} {request['errorMessage']}"


def outcome(client: str, call: dict) -> tuple[str, str | None]:
    """What a call has come to, and what is wrong with it."""
    requests = call["requests"]
    refusals = [request for request in requests if request["status"] >= 400]
    for request in requests:
        if request["status"] == 0 or request["status"] >= 500 and request["status"] != 501:
            return "broken", told(request)
    missing = [request for request in requests if request["operation"] is None or request["status"] == 501]
    if missing and all(row(target(request), "notEmulated") for request in missing):
        return "not emulated", None
    if call["error"] is None and not missing:
        listed = requests or row(call["name"], client, "local")
        return ("succeeded" if requests else "local"), None if listed else "sent nothing, and no row says why"
    if not refusals:
        listed = requests and row(call["name"], client, "mistaken")
        return "mistaken", None if listed else f"{call['error']}, after {[told(request) for request in requests]}"
    listed = row(call["name"], client, "refused")
    codes = {request["errorCode"] for request in refusals}
    expected = listed and codes == {listed["code"]}
    return "refused", None if expected else "; ".join(map(told, refusals))


def judge(drive: dict) -> None:
    client, calls = drive["client"], drive["calls"]
    methods: dict[str, str] = {}
    reached = set()
    for call in calls:
        kind, fault = outcome(client, call)
        if methods.setdefault(call["method"], kind) == "succeeded":
            methods[call["method"]] = kind
        if fault:
            faults.append(f"{client} {call['name']}: {fault}")
        for request in call["requests"]:
            answered = request["status"] < 400
            answers[target(request)] = answers.get(target(request), False) or answered
            if answered:
                reached.add(target(request))
    # A method has succeeded when each of its calls has.
    kinds = ", ".join(f"{number} {kind}" for kind, number in collections.Counter(methods.values()).most_common())
    print(f"{client} {drive['version']}: {len(methods)} methods in {len(calls)} calls: {kinds}; {len(reached)} operations")


def stale(clients: set[str]) -> None:
    tables = [("notEmulated",)] + [(client, name) for client in sorted(clients) for name in LISTS]
    for table in tables:
        rows = accepted
        for step in table:
            rows = rows[step]
        faults.extend(f"accepted.json: nothing needs {' '.join((*table, name))}" for name in rows if (*table, name) not in needed)
    emulated = [name for name, answered in answers.items() if answered]
    for pattern in accepted["notEmulated"]:
        faults.extend(f"accepted.json: {name} is emulated" for name in fnmatch.filter(emulated, pattern))


drives = [json.loads(pathlib.Path(path).read_text()) for path in sys.argv[1:]]
for drive in drives:
    judge(drive)
stale({drive["client"] for drive in drives})
for fault in faults:
    print(fault, file=sys.stderr)
sys.exit(1 if faults else 0)
