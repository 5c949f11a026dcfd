"""How often per second the official Python SDK validates one session token; with `sign-in`, prints a token instead."""

import json
import os
import sys
import time
import urllib.parse
import urllib.request

from descope import DeliveryMethod, DescopeClient

BASE_URL = os.environ["EMULATOR_BASE_URL"]
SECONDS = 3

client = DescopeClient(project_id=os.environ["EMULATOR_PROJECT_ID"], base_url=BASE_URL)

if sys.argv[1:] == ["sign-in"]:
    address = "ada@example.com"
    client.otp.sign_up(DeliveryMethod.EMAIL, address)
    query = urllib.parse.urlencode({"to": address, "wait": 5})
    with urllib.request.urlopen(f"{BASE_URL}/_emulator/inbox?{query}") as answer:
        code = json.load(answer)["messages"][0]["code"]
    print(client.otp.verify_code(DeliveryMethod.EMAIL, address, code)["sessionToken"]["jwt"])
    sys.exit()

token = os.environ["SESSION_JWT"]
# Fetches the keys, and warms up.
for _ in range(100):
    client.validate_session(token)
count, start = 0, time.perf_counter()
while (spent := time.perf_counter() - start) < SECONDS:
    for _ in range(100):
        client.validate_session(token)
    count += 100
print(f"{'descope (Python)':<40} {count / spent:>12,.0f} validations per second")
