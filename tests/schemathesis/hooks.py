"""What Schemathesis has to know to call the emulator: who calls, what there is in the project, and what a good answer is.

Reads the world that `tests/clients/drive/world.py` has prepared from the file that WORLD names, and adds what the drives have
no use for. Before the first call of each operation the project goes back to that state. Most ids, login ids, codes and
names that Schemathesis makes up are replaced by those of the world, because an operation that finds nothing has little to get
wrong.

Failures that are accepted are in accepted.json, each with its reason. `judge.py` fails the run for one that nothing matches
any more.
"""

import atexit
import collections
import fnmatch
import json
import os
import pathlib
import random
import urllib.request
import zlib

import schemathesis

BASE_URL = os.environ["EMULATOR_BASE_URL"]
PROJECT = os.environ["EMULATOR_PROJECT_ID"]
MANAGEMENT_KEY = os.environ["EMULATOR_MANAGEMENT_KEY"]
DOCUMENT = json.loads(pathlib.Path(os.environ["DOCUMENT"]).read_text())
WORLD = json.loads(pathlib.Path(os.environ["WORLD"]).read_text())
ACCEPTED = json.loads((pathlib.Path(__file__).parent / "accepted.json").read_text())
STATEFUL = "STATEFUL" in os.environ

# The share of values that are replaced; the others stay as they were made up.
KNOWN = 0.85
# How often members are left out that need not be there, and which share of them: the fewer, the more calls succeed.
SPARSE, LEFT_OUT = 0.6, 0.75


def send(path: str, body: object) -> dict:
    headers = {"content-type": "application/json", "authorization": f"Bearer {PROJECT}:{MANAGEMENT_KEY}"}
    request = urllib.request.Request(BASE_URL + path, data=json.dumps(body).encode(), headers=headers, method="POST")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def put_snapshot() -> None:
    request = urllib.request.Request(f"{BASE_URL}/_emulator/snapshots/schemathesis", method="PUT")
    urllib.request.urlopen(request).close()


ada, user, uri = WORLD["ada"], WORLD["user"], WORLD["uri"]
send("/_emulator/snapshots/drive/restore", {})
send("/_emulator/settings", {"dynamicRegistration": True})
scope = {"name": "read", "description": "Reads", "values": ["read"]}
server = send("/v1/mgmt/mcp/server/create", {"name": "engine", "approvedScopes": {"permissionsScopes": [scope]}})
server = server["server"]["id"]
agent = {"mcpServerId": server, "name": "agent", "approvedCallbackUrls": [uri], "scopes": ["read"]}
agent = send("/v1/mgmt/mcp/server/client/create", agent)
resource = {"name": "tools", "type": "mcp", "uri": "https://mcp.example.com/", "scopes": {"permissionsScopes": [scope]}}
resource = send("/v1/mgmt/resource/create", resource)["resource"]["id"]
application = {"name": "fourth", "approvedCallbackUrls": [uri], "loginPageUrl": uri, "permissionsScopes": [scope]}
application = send("/v1/mgmt/thirdparty/app/create", application)
template = {"name": "partners", "loginPageURL": uri}
template = send("/v1/mgmt/resource/dynamic-registration-template/create", template)
template = template.get("template", template)["id"]
scim_key = send("/v1/mgmt/scim/key/create", {"tenantId": "T1", "name": "scim"})["key"]["id"]
group = {"displayName": "staff", "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"]}
group = send("/scim/v2/Groups", group)["id"]
backup = send("/v1/mgmt/fga/backup", {})["backupId"]
put_snapshot()

FLOW = WORLD["flowRun"].get("flowId", "sign-up-or-in")
APPLICATIONS = [application["id"], WORLD["thirdParty"]]
PHONES = [phone["phone"] for phone in WORLD["phones"].values()]

# By member, and by the beginning of a path where a member has one name for many things.
VALUES = {
    "loginId": [ada, "bob@example.com", "+15551230100", "test"], "loginIds": [ada, "bob@example.com"],
    "userId": [user, WORLD["bob"], WORLD["dependent"]], "userIds": [user, WORLD["bob"]], "userName": ["new"],
    "email": [ada, "new@example.com"], "phone": ["+15551230100", "+15551239999"],
    "tenantId": ["T1", "T2"], "tenant": ["T1"], "tenants": ["T1"], "tenantIds": ["T1", "T2"],
    "roleNames": ["reader", "writer"], "roleName": ["reader"], "roleId": [WORLD["role"]],
    "permissionNames": ["read", "write"], "permissionId": [WORLD["permission"]],
    "familyId": ["F1", "F2"], "familyIds": ["F1"], "groupId": [WORLD["group"], group], "backupId": [backup],
    "ssoAppId": ["oidc", "saml"], "ssoAppIds": ["oidc", "saml"], "flowId": [FLOW],
    "thirdPartyApplicationId": APPLICATIONS, "resourceId": [resource], "resourceIds": [resource], "policyId": [resource],
    "mcpServerId": [server], "mcp_server_id": [server], "templateId": [template],
    "clientId": [application["clientId"]], "client_id": [application["clientId"]],
    "clientSecret": [application["cleartext"]], "client_secret": [application["cleartext"]],
    "grant_type": ["client_credentials", "refresh_token"], "refresh_token": [WORLD["refreshJwt"]],
    "response_type": ["code"], "scope": ["openid", "read"], "login_hint": [ada],
    "code": [WORLD["code"], WORLD["oauthCode"], WORLD["ssoCode"], *(phone["code"] for phone in WORLD["phones"].values())],
    "token": [WORLD["magicToken"], WORLD["enchantedToken"]], "pendingRef": [WORLD["pendingRef"], WORLD["notpRef"]],
    "resource": ["d1"], "resourceType": ["doc"], "relation": ["owner", "reader"], "relationDefinition": ["owner"],
    "namespace": ["doc"], "target": ["u1"], "targetType": ["user"], "dsl": ["model AuthZ 1.0\n\ntype user\n"],
    "password": [WORLD["password"]], "oldPassword": [WORLD["password"]], "newPassword": ["Abacus-1844"],
    "transactionId": [WORLD[name]["transactionId"] for name in ("passkeySignUp", "passkeySignIn", "passkeyUpdate")],
    "response": [WORLD[name]["response"] for name in ("passkeySignUp", "passkeySignIn", "passkeyUpdate")],
    "origin": [WORLD["origin"]], "URI": [uri], "redirectUrl": [uri], "redirectURL": [uri], "redirectUri": [uri],
    "redirect_uri": [uri], "projectId": [PROJECT], "project_id": [PROJECT], "provider": ["google", "apple"],
    "idToken": [WORLD["idToken"], WORLD["oneTapToken"]], "jwt": [WORLD["sessionJwt"], WORLD["impersonationJwt"]],
    "impersonatorId": [user], "stateId": [WORLD["nativeState"]], "keyIds": [scim_key], "passkeyId": [WORLD["passkey"]],
}  # fmt: skip
IDS = {
    "/v1/mgmt/mcp/server/client": [agent["id"]], "/v1/mgmt/mcp": [server], "/v1/mgmt/role": [WORLD["role"]],
    "/v1/mgmt/permission": [WORLD["permission"]], "/v1/mgmt/tenant": ["T1", "T2"],
    "/v1/mgmt/accesskey": [WORLD["accessKey"]], "/v1/mgmt/managementkey": [WORLD["managementKey"]],
    "/v1/mgmt/descoper": [WORLD["descoper"]], "/v1/mgmt/engine": [WORLD["engine"]],
    "/v1/mgmt/list": [WORLD["texts"], WORLD["ips"], WORLD["list"]], "/v1/mgmt/family": ["F1", "F2"],
    "/v1/mgmt/sso/idp": ["oidc", "saml", "wsfed"], "/v1/mgmt/thirdparty": APPLICATIONS, "/v2/mgmt/thirdparty": APPLICATIONS,
    "/v1/mgmt/outbound/scim": ["saml"], "/v1/mgmt/outbound": ["calendar", WORLD["outboundToken"]],
    "/v1/mgmt/jwt/templates": [WORLD["jwtTemplate"]], "/v1/mgmt/flow": [FLOW], "/v1/mgmt/group": [WORLD["group"]],
    "/v1/mgmt/resource/dynamic": [template], "/v1/mgmt/resource": [resource],
}  # fmt: skip
NAMES = {"/v1/mgmt/role": ["reader", "writer"], "/v1/mgmt/permission": ["read", "write"], "/v1/mgmt/list": ["words", "free"]}
OF_PATH = {"id": IDS, "ids": IDS, "name": NAMES, "names": NAMES, "appId": {
    "/v1/mgmt/outbound/scim": ["saml"], "/v1/mgmt/outbound": ["calendar"], "/v1/mgmt/thirdparty": APPLICATIONS,
}}  # fmt: skip


def known(path: str, member: str) -> list[str] | None:
    of_path = OF_PATH.get(member, {})
    return next((values for start, values in of_path.items() if path.startswith(start)), VALUES.get(member))


def replace(path: str, chance: random.Random, value: object) -> None:
    """Puts what there is in the place of what was made up."""
    if isinstance(value, list):
        for item in value:
            replace(path, chance, item)
    elif isinstance(value, dict):
        for member, inner in list(value.items()):
            values = known(path, member)
            if values and isinstance(inner, str) and chance.random() < KNOWN:
                value[member] = chance.choice(values)
            elif values and isinstance(inner, list) and all(isinstance(item, str) for item in inner) and chance.random() < KNOWN:
                value[member] = [chance.choice(values)]
            else:
                replace(path, chance, inner)


def leave_out(schema: dict, chance: random.Random, body: object) -> None:
    """Takes members away that the operation does not ask for."""
    if isinstance(body, dict) and chance.random() < SPARSE:
        required = resolve(schema).get("required", [])
        for member in [member for member in body if member not in required]:
            if chance.random() < LEFT_OUT:
                del body[member]


class Caller:
    """Who calls, anew for each operation: one operation may end the session that another needs."""

    operation = ""
    session: dict = {}

    def meets(self, operation: str) -> None:
        if operation == self.operation or (STATEFUL and self.operation):
            return
        self.operation = operation
        send("/_emulator/snapshots/schemathesis/restore", {})
        self.session = send("/_emulator/session", {"loginId": ada})

    def bearer(self, schemes: set[str]) -> str:
        tokens = {
            "ManagementKey": MANAGEMENT_KEY,
            "RefreshJwt": self.session["refreshJwt"],
            "SessionJwt": self.session["sessionJwt"],
            "AccessKey": WORLD["accessKeyCleartext"],
        }
        token = next((tokens[scheme] for scheme in tokens if scheme in schemes), None)
        return f"Bearer {PROJECT}:{token}" if token else f"Bearer {PROJECT}"


caller = Caller()
statuses: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)
met: set[int] = set()


@schemathesis.hook
def before_call(context, case, kwargs):
    label = case.operation.label
    caller.meets(label)
    made_up = (label, case.body, case.path_parameters, case.query)
    chance = random.Random(zlib.crc32(repr(made_up).encode("utf-8", "surrogatepass")))
    for part in (case.path_parameters, case.query, case.body):
        replace(case.operation.path, chance, part)
    content = case.operation.definition.raw.get("requestBody", {}).get("content", {})
    for kind in content.values():
        leave_out(kind.get("schema", {}), chance, case.body)
        break
    schemes = {scheme for wanted in case.operation.definition.raw.get("security", []) for scheme in wanted}
    case.headers["Authorization"] = caller.bearer(schemes)
    kwargs["allow_redirects"] = False


@schemathesis.hook
def after_call(context, case, response):
    statuses[case.operation.label][response.status_code] += 1


@schemathesis.hook
def filter_failure(context, failure, case, response):
    for number, row in enumerate(ACCEPTED):
        wanted = row["check"] in f"{failure.title} {failure.message}"
        if wanted and row["status"] <= response.status_code < 500 and fnmatch.fnmatch(case.operation.label, row["operation"]):
            met.add(number)
            return False
    return True


def resolve(schema: dict) -> dict:
    while "$ref" in schema:
        target = DOCUMENT
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        schema = target
    return schema


def strangers(schema: dict, value: object, at: str = ""):
    """The members of an answer that the document does not name where it names some."""
    schema = resolve(schema)
    if any(word in schema for word in ("allOf", "anyOf", "oneOf")):
        return
    if isinstance(value, list):
        for item in value:
            yield from strangers(schema.get("items", {}), item, f"{at}[]")
    elif isinstance(value, dict):
        properties, others = schema.get("properties"), schema.get("additionalProperties")
        aliases = schema.get("x-descope-aliases", {}).values()
        aliases = {name for names in aliases for name in ([names] if isinstance(names, str) else names)}
        for name, inner in value.items():
            if properties and name in properties:
                yield from strangers(properties[name], inner, f"{at}.{name}")
            elif isinstance(others, dict):
                yield from strangers(others, inner, f"{at}.*")
            elif others is None and properties is not None and name not in aliases:
                yield f"{at}.{name}"


@schemathesis.check
def no_server_error(ctx, response, case):
    """What is not emulated says so; nothing else is the server's fault."""
    if response.status_code == 501:
        body = response.json()
        assert body["errorCode"] == "E990501" and len(body["errorMessage"]) > 20, f"501 without a reason: {response.text}"
        return
    assert response.status_code < 500, f"{response.status_code}: {response.text[:500]}"


@schemathesis.check
def success_is_documented(ctx, response, case):
    """Of refusals the document lists those that any call may get; the emulator tells 409 and 405 apart from 400."""
    documented = case.operation.definition.raw["responses"]
    assert response.status_code >= 400 or str(response.status_code) in documented, f"{response.status_code} is not documented"


@schemathesis.check
def no_strangers(ctx, response, case):
    answer = resolve(case.operation.definition.raw["responses"].get(str(response.status_code), {}))
    if "json" not in response.headers.get("content-type", [""])[0]:
        return
    for content in answer.get("content", {}).values():
        found = sorted(set(strangers(content.get("schema", {}), response.json())))
        assert not found, f"members that the document lacks: {', '.join(found)}"


@atexit.register
def tell():
    """For `judge.py`: what was answered, and which rows of accepted.json were met."""
    told = {"statuses": {label: dict(counts) for label, counts in statuses.items()}, "met": sorted(met)}
    pathlib.Path(os.environ["TOLD"]).write_text(json.dumps(told, indent=1))
