# Has the official Python SDK accept session tokens, which come in one a line.
import os
import sys

from descope import DescopeClient

client = DescopeClient(project_id=os.environ["EMULATOR_PROJECT_ID"], base_url=os.environ["EMULATOR_BASE_URL"])
accepted = [client.validate_session(line.strip())["userId"] for line in sys.stdin]
assert accepted, "there are no tokens"
print(f"the Python SDK accepts {len(accepted)} sessions")
