"""Clients of SCIM that know nothing of Descope against the emulator: scim2-cli provisions a user and a group, scim2-tester
looks for whatever is not as RFC 7643 and 7644 have it.

Both ask for the media type of SCIM, and so get the statuses of the standard. The service describes no schemas, so they are
told which attributes there are.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import urllib.request

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import ResourceType, Schema, ScimProvider, ServiceProviderConfig
from scim2_tester import CheckResult, Status, check_server

BASE_URL = os.environ["EMULATOR_BASE_URL"]
PROJECT = os.environ["EMULATOR_PROJECT_ID"]
SCIM_URL = f"{BASE_URL}/scim/v2"
MEDIA_TYPE = "application/scim+json"
URN = "urn:ietf:params:scim:schemas:core:2.0"

# What differs from the standard: the check, a word in what it complains of, and why it is so.
DIFFERENCES = [
    ("ResourceTypes", "query_all_resource_types", "values", "the service lists them as `values`"),
    ("Schemas", "query_all_schemas", "does not exist", "the service describes no schemas"),
    ("Schemas", "schemas_endpoint_methods", "404", "the service describes no schemas"),
    ("User", "search_with_attributes", "does not exist", "the service has no search by POST"),
    ("Group", "search_with_attributes", "does not exist", "the service has no search by POST"),
    ("User", "object_query_with_attributes", "externalId", "users of the service have no external id"),
    ("User", "object_list_with_attributes", "externalId", "users of the service have no external id"),
    ("User", "check_add_attribute", "externalId", "users of the service have no external id"),
    ("User", "check_replace_attribute", "externalId", "users of the service have no external id"),
    ("User", "object_query_with_attributes", "excluded", "attributes are left out of groups only"),
    ("User", "object_list_with_attributes", "excluded", "attributes are left out of groups only"),
    ("User", "check_add_attribute", "emails", "users have one address, whatever its type"),
    ("User", "check_replace_attribute", "emails", "users have one address, whatever its type"),
    ("User", "check_add_attribute", "phoneNumbers", "users have one number, whatever its type"),
    ("User", "check_replace_attribute", "phoneNumbers", "users have one number, whatever its type"),
    ("User", "check_remove_attribute", "displayName", "it is made from the parts of the name then"),
    ("User", "check_remove_attribute", "active", "a user is active or not"),
    ("Group", "check_add_attribute", "members", "members are shown with their names, without an address"),
    ("Group", "check_replace_attribute", "members", "members are shown with their names, without an address"),
]


def attribute(name: str, kind: str = "string", parts: list[dict] | None = None, **others: object) -> dict:
    usual = {"multiValued": False, "required": False, "caseExact": False, "mutability": "readWrite"}
    usual |= {"returned": "default", "uniqueness": "none"} | ({"subAttributes": parts} if parts else {})
    return {"name": name, "type": kind} | usual | others


def addresses(name: str) -> dict:
    parts = [attribute("value"), attribute("type"), attribute("primary", "boolean")]
    return attribute(name, "complex", parts, multiValued=True)


def schema(name: str, *attributes: dict) -> dict:
    return {"schemas": [f"{URN}:Schema"], "id": f"{URN}:{name}", "name": name, "attributes": list(attributes)}


MEMBER = [
    attribute("value", mutability="immutable"),
    attribute("$ref", "reference", referenceTypes=["User"], mutability="immutable"),
    attribute("display", mutability="readOnly"),
]
SCHEMAS = [
    schema(
        "User",
        attribute("userName", required=True, uniqueness="server"),
        attribute("displayName"),
        attribute("name", "complex", [attribute(part) for part in ("givenName", "middleName", "familyName")]),
        addresses("emails"),
        addresses("phoneNumbers"),
        attribute("active", "boolean"),
    ),
    schema("Group", attribute("displayName", required=True), attribute("members", "complex", MEMBER, multiValued=True)),
]
KINDS = [
    {"schemas": [f"{URN}:ResourceType"], "id": name, "name": name, "endpoint": f"/{name}s", "schema": f"{URN}:{name}"}
    for name in ("User", "Group")
]


def manage(path: str, body: dict) -> dict:
    bearer = f"Bearer {PROJECT}:{os.environ['EMULATOR_MANAGEMENT_KEY']}"
    headers = {"content-type": "application/json", "authorization": bearer}
    request = urllib.request.Request(f"{BASE_URL}/v1/mgmt/{path}", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def key_of_a_tenant() -> str:
    """What an identity provider provisions the users of a tenant with."""
    manage("tenant/create", {"id": "scim", "name": "SCIM"})
    return manage("scim/key/create", {"tenantId": "scim", "name": "Provisioning"})["cleartext"]


def provision(key: str, folder: pathlib.Path) -> None:
    """A user and a group from their creation to their end, by the command line."""
    (folder / "schemas.json").write_text(json.dumps(SCHEMAS))
    (folder / "kinds.json").write_text(json.dumps(KINDS))
    environment = os.environ | {
        "SCIM_CLI_URL": SCIM_URL,
        "SCIM_CLI_HEADERS": f"Authorization: Bearer {PROJECT}:{key};Accept: {MEDIA_TYPE}",
        "SCIM_CLI_SCHEMAS": str(folder / "schemas.json"),
        "SCIM_CLI_RESOURCE_TYPES": str(folder / "kinds.json"),
    }

    def scim(*words: str) -> dict | None:
        program = pathlib.Path(sys.executable).with_name("scim2")
        done = subprocess.run([program, *words], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert done.returncode == 0, f"{words}: {done.stdout} {done.stderr}"
        return json.loads(done.stdout) if done.stdout.strip() else None

    ada = scim("create", "user", "--user-name", "scim-ada@example.com", "--display-name", "Ada")["id"]
    found = scim("query", "user", "--filter", 'userName eq "scim-ada@example.com"')
    assert [user["id"] for user in found["Resources"]] == [ada], found
    renamed = scim("modify", "user", ada, "replace", "displayName", "Ada Lovelace")
    assert renamed["displayName"] == "Ada Lovelace", renamed
    group = scim("create", "group", "--display-name", "Engineers")["id"]
    scim("modify", "group", group, "add", "members", json.dumps([{"value": ada}]))
    assert [member["value"] for member in scim("query", "group", group)["members"]] == [ada]
    scim("delete", "group", group)
    scim("delete", "user", ada)
    assert scim("query", "user")["totalResults"] == 0


def differences(results: list[CheckResult]) -> list[str]:
    """What is not as the standard has it and not in the list, and what is in the list for nothing."""
    unseen = {row[:3] for row in DIFFERENCES}
    faults = []
    for result in results:
        if result.status == Status.SUCCESS:
            continue
        reason = result.reason or ""
        fitting = [row for row in DIFFERENCES if row[1] == result.title and row[2] in reason]
        fitting = [row[:3] for row in fitting if result.resource_type in (None, row[0])]
        unseen.difference_update(fitting)
        if not fitting:
            faults.append(f"{result.resource_type or ''} {result.title}: {reason}")
    return faults + [f"nothing differs any more: {' '.join(row)}" for row in sorted(unseen)]


def compare(key: str) -> None:
    headers = {"Accept": MEDIA_TYPE, "Authorization": f"Bearer {PROJECT}:{key}"}
    with Client(base_url=SCIM_URL, headers=headers) as http:
        able = ServiceProviderConfig.model_validate(http.get("/ServiceProviderConfig").json())
        schemas = [Schema.model_validate(schema) for schema in SCHEMAS]
        kinds = [ResourceType.model_validate(kind) for kind in KINDS]
        results = check_server(SyncSCIMClient(http, provider=ScimProvider.from_discovery(schemas, kinds, able)))
    faults = differences(results)
    assert not faults, "\n".join(faults)
    good = sum(result.status == Status.SUCCESS for result in results)
    print(f"scim2-tester: {good} of {len(results)} checks as the standard has it, the others listed with a reason")


key = key_of_a_tenant()
with tempfile.TemporaryDirectory() as folder:
    provision(key, pathlib.Path(folder))
print("scim2-cli: a user and a group, from their creation to their end, ok")
compare(key)
