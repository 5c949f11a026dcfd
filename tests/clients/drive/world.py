"""Prepares a project for a drive of a client: something of every kind, each thing under the id that the drives pass.

Writes to stdout, as JSON, what the emulator has chosen: ids, secrets, tokens, codes. The project is kept as the snapshot
`drive`, to which a drive goes back before each call. The clock is stopped, so that no code or token of it ends.
"""

import json
import os
import urllib.error
import urllib.parse
import urllib.request

from authenticator import Passkey, totp

BASE_URL = os.environ["EMULATOR_BASE_URL"]
PROJECT = os.environ["EMULATOR_PROJECT_ID"]
MANAGEMENT_KEY = os.environ["EMULATOR_MANAGEMENT_KEY"]
ORIGIN = "https://app.example.com"
URI = f"{ORIGIN}/verify"
ADA = "ada@example.com"
PASSWORD = "Abacus-1843"

AUTH0 = {"user_id": "auth0|1", "email": "lin@example.com", "email_verified": True, "name": "Lin"}

world = {
    "ada": ADA, "password": PASSWORD, "origin": ORIGIN, "uri": URI, "project": PROJECT, "auth0": json.dumps(AUTH0)
}  # fmt: skip


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


opener = urllib.request.build_opener(NoRedirect)


def send(method: str, path: str, body: object = None, bearer: str | None = None) -> dict:
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {bearer}"} if bearer else {})
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(BASE_URL + path, data=data, headers=headers, method=method)
    try:
        with opener.open(request) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{method} {path} {body}: {error.code} {error.read().decode()}") from None


def manage(path: str, body: object, method: str = "POST") -> dict:
    return send(method, f"/v1/mgmt/{path}", body, f"{PROJECT}:{MANAGEMENT_KEY}")


def sign(path: str, body: object, token: str = "") -> dict:
    return send("POST", f"/v1/auth/{path}", body, f"{PROJECT}:{token}" if token else PROJECT)


def message(to: str) -> dict:
    query = urllib.parse.urlencode({"to": to, "wait": 5})
    return send("GET", f"/_emulator/inbox?{query}")["messages"][0]


def walk(url: str, decision: str) -> str:
    """Goes from the start of a sign-in by a provider to the application's page, and gives the code there."""
    url += decision
    while True:
        try:
            opener.open(url)
        except urllib.error.HTTPError as moved:
            url = moved.headers["location"]
            if url.startswith(URI):
                return urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)["code"][0]
        else:
            raise SystemExit(f"{url} leads nowhere")


def things() -> None:
    for tenant in ("T1", "T2"):
        manage("tenant/create", {"id": tenant, "name": f"Tenant {tenant}"})
    for name in ("read", "write"):
        manage("permission/create", {"name": name})
    for name in ("reader", "writer"):
        for tenant in (None, "T1"):
            permissions = ["read"] if tenant else ["read", "Impersonate"]
            manage("role/create", {"name": name, "permissionNames": permissions, "tenantId": tenant})
    world["permission"] = next(p["id"] for p in manage("permission/all", None, "GET")["permissions"] if p["name"] == "read")
    roles = [role for role in manage("role/all", None, "GET")["roles"] if not role.get("tenantId")]
    world["role"] = next(role["id"] for role in roles if role["name"] == "reader")

    for name in ("plan", "seat"):
        manage("user/customattribute/create", {"attributes": [{"name": name, "type": 1}]})
    ada = {
        "loginId": ADA, "email": ADA, "phone": "+15551230100", "name": "Ada Lovelace", "verifiedEmail": True,
        "verifiedPhone": True, "roleNames": ["reader"], "userTenants": [{"tenantId": "T1", "roleNames": ["reader"]}],
        "additionalLoginIds": ["+15551230100", "ada"],
    }  # fmt: skip
    world["user"] = manage("user/create", ada)["user"]["userId"]
    for other in ("bob@example.com", "eve@example.com"):
        body = {"loginId": other, "email": other, "verifiedEmail": True, "userTenants": [{"tenantId": "T1"}]}
        made = manage("user/create", body)
        world[other.split("@")[0]] = made["user"]["userId"]
    manage("user/password/set/active", {"loginId": ADA, "password": PASSWORD})
    test = {"loginId": "test", "email": "test@example.com", "phone": "+15551230199", "test": True}
    manage("user/create/test", test)

    key = manage("accesskey/create", {"name": "nightly", "roleNames": ["reader"], "keyTenants": [{"tenantId": "T1"}]})
    world["accessKey"], world["accessKeyCleartext"] = key["key"]["id"], key["cleartext"]
    admin = {"name": "admin", "reBac": {"companyRoles": ["company-full-access"]}}
    world["managementKey"] = manage("managementkey", admin, "PUT")["key"]["id"]
    descoper = {"loginId": "desi@example.com", "attributes": {"email": "desi@example.com"}, "rbac": {"isCompanyAdmin": True}}
    world["descoper"] = manage("descoper", {"descopers": [descoper]}, "PUT")["descopers"][0]["id"]
    world["engine"] = manage("engine/create", {"name": "engine"})["engine"]["id"]
    world["texts"] = manage("list", {"name": "words", "type": "texts", "data": ["spam"]})["list"]["id"]
    world["ips"] = manage("list", {"name": "doors", "type": "ips", "data": ["10.0.0.1"]})["list"]["id"]
    world["list"] = manage("list", {"name": "free", "type": "json", "data": {"a": 1}})["list"]["id"]

    manage("family/settings", {"enabled": True, "maxFamilyMembers": 5, "allowMultipleFamiliesUsers": True})
    manage("family/customattribute/create", {"attributes": [{"name": "crest", "type": 1}]})
    manage("user/families/customattribute/create", {"attributes": [{"name": "chore", "type": 1}]})
    for family in ("F1", "F2"):
        manage("family/create", {"familyId": family, "name": f"Family {family}"})
    manage("user/update/family/add", {"loginId": ADA, "familyAssociations": [{"familyId": "F1"}]})
    kid = {"familyId": "F1", "loginId": "kid", "name": "Byron"}
    world["dependent"] = manage("family/dependent/create", kid)["user"]["userId"]


def applications() -> None:
    page = "https://app.example.com/login"
    manage("sso/idp/app/oidc/create", {"id": "oidc", "name": "OIDC", "enabled": True, "loginPageUrl": page})
    saml = {"entityId": "sp", "acsUrl": "https://sp.example.com/acs", "certificate": "certificate"}
    manage("sso/idp/app/saml/create", {"id": "saml", "name": "SAML", "enabled": True, "loginPageUrl": page} | saml)
    wsfed = {"realm": "urn:realm", "replyUrl": "https://rp.example.com/reply"}
    manage("sso/idp/app/wsfed/create", {"id": "wsfed", "name": "WS-Fed", "enabled": True, "loginPageUrl": page} | wsfed)
    manage("outbound/scim/create", {"appId": "saml", "configuration": {"baseUrl": "https://scim.example.com"}})
    scope = {"name": "read", "description": "Reads", "values": ["read"]}
    third = {"name": "third", "loginPageUrl": page, "approvedCallbackUrls": [URI], "permissionsScopes": [scope]}
    world["thirdParty"] = manage("thirdparty/app/create", third)["id"]
    endpoints = {"authorizationUrl": "https://idp.example.com/a", "tokenUrl": "https://idp.example.com/t"}
    manage("outbound/app/create", {"id": "calendar", "name": "Calendar", "clientId": "c", "clientSecret": "s"} | endpoints)
    token = {"appId": "calendar", "accessToken": "at", "scopes": ["events"], "accessTokenType": "Bearer"}
    manage("outbound/app/user/oauthtoken/upload", token | {"userId": world["user"]})
    kept = manage("outbound/app/user/token/latest", {"appId": "calendar", "userId": world["user"]})
    world["outboundToken"] = kept["token"]["id"]
    manage("outbound/app/tenant/oauthtoken/upload", token | {"tenantId": "T1"})
    template = {"name": "claims", "type": "user", "template": {"plan": "gold"}}
    world["jwtTemplate"] = manage("jwt/templates/create", {"template": template})["template"]["id"]


def single_sign_on() -> None:
    settings = {
        "idpUrl": "https://idp.example.com/sso", "entityId": "entity", "idpCert": "certificate",
        "attributeMapping": {"email": "mail", "group": "memberOf"},
        "roleMappings": [{"groups": ["staff"], "roleName": "reader"}],
    }  # fmt: skip
    manage("sso/saml", {"tenantId": "T1", "domains": ["acme.example"], "redirectUrl": URI, "settings": settings})
    manage("sso/xaa/settings", {"tenantId": "T1", "enabled": True, "settings": {}})
    manage("tenant/adminlinks/sso/generate", {"tenantId": "T1", "expireTime": 3600})


SCHEMA = """model AuthZ 1.0

type user

type doc
  relation owner: user
  relation reader: user
  permission can_view: owner
"""


def relations() -> None:
    manage("fga/schema", {"dsl": SCHEMA})
    relation = {"resource": "d1", "resourceType": "doc", "relation": "owner", "target": "u1", "targetType": "user"}
    manage("fga/relations", {"tuples": [relation]})


def documents() -> None:
    flow = manage("flow/list", {})["flows"][0]["id"]
    world["flow"] = manage("flow/export", {"flowId": flow})
    world["flowRun"] = send("POST", "/v1/flow/start", {"flowId": flow}, PROJECT)
    world["theme"] = manage("theme/export", {})["theme"]
    world["snapshot"] = manage("project/snapshot/export", {})["files"]


def sign_ins() -> None:
    def by_code(login_id: str) -> dict:
        sign("otp/signup-in/email", {"loginId": login_id})
        return sign("otp/verify/email", {"loginId": login_id, "code": message(login_id)["code"]})

    session = by_code(ADA)
    world["sessionJwt"], world["refreshJwt"] = session["sessionJwt"], session["refreshJwt"]
    sign("otp/signup-in/email", {"loginId": ADA})
    world["code"] = message(ADA)["code"]
    sign("magiclink/signup-in/email", {"loginId": ADA, "URI": URI})
    world["magicToken"] = message(ADA)["links"][0]["token"]
    pending = sign("enchantedlink/signup-in/email", {"loginId": "bob@example.com", "URI": URI})
    links = message("bob@example.com")["links"]
    world["enchantedToken"] = next(link["token"] for link in links if link["linkId"] == pending["linkId"])
    clicked = sign("enchantedlink/signup-in/email", {"loginId": "eve@example.com", "URI": URI})
    links = message("eve@example.com")["links"]
    token = next(link["token"] for link in links if link["linkId"] == clicked["linkId"])
    sign("enchantedlink/verify", {"token": token})
    world["pendingRef"] = clicked["pendingRef"]

    impersonation = {"impersonatorId": world["user"], "loginId": "bob@example.com", "validateConsent": False}
    world["impersonationJwt"] = manage("impersonate", impersonation)["jwt"]


def phones() -> None:
    """A code by each way to a phone; the newest of them is the one that counts, so each way has a user of its own."""
    world["phones"] = {}
    for number, way in enumerate(("sms", "voice", "whatsapp", "im")):
        phone = f"+1555123017{number}"
        sign(f"otp/signup-in/{way}", {"loginId": phone})
        world["phones"][way] = {"phone": phone, "code": message(phone)["code"]}
    begun = sign("notp/whatsapp/signup-in", {"loginId": ""})
    opener.open(begun["redirectUrl"] + "&outcome=send&phone=%2B15551230180")
    world["notpRef"] = begun["pendingRef"]


def providers() -> None:
    page = urllib.parse.urlencode({"redirectURL": URI})
    decision = "&outcome=approve&email=ada%40example.com&name=Ada"

    def google() -> str:
        return walk(sign(f"oauth/authorize?provider=google&{page}", {})["url"], decision)

    # Leaves Google's token with Ada.
    sign("oauth/exchange", {"code": google()})
    world["oauthCode"] = google()
    native = sign("oauth/native/start", {"provider": "apple", "loginOptions": {}, "implicit": True})
    world["nativeState"] = native["stateId"]
    for name, nonce in (("idToken", native.get("nonce", "")), ("oneTapToken", "nonce")):
        query = urllib.parse.urlencode({"email": ADA, "nonce": nonce})
        world[name] = send("POST", f"/_emulator/provider/token?{query}")["idToken"]
    staff = walk(sign(f"sso/authorize?tenant=T1&{page}", {})["url"], f"{decision}&groups=staff")
    sign("sso/exchange", {"code": staff})
    groups = manage("group/all", {"tenantId": "T1"})
    world["group"] = groups[0]["id"] if isinstance(groups, list) else groups["groups"][0]["id"]
    world["ssoCode"] = walk(sign(f"sso/authorize?tenant=T1&{page}", {})["url"], f"{decision}&groups=staff")


def authenticators() -> None:
    """A user with a passkey and three ceremonies that wait for their end; a user with an app that shows codes."""
    pat, passkey = "pat@example.com", Passkey(ORIGIN)

    def begin(what: str, login_id: str, **others: object) -> dict:
        return sign(f"webauthn/{what}/start", {"loginId": login_id, "origin": ORIGIN}, **others)

    def end(what: str, started: dict, response: str) -> dict:
        return sign(f"webauthn/{what}/finish", {"transactionId": started["transactionId"], "response": response})

    def waiting(started: dict, response: str) -> dict:
        return {"transactionId": started["transactionId"], "response": response}

    started = sign("webauthn/signup/start", {"user": {"loginId": pat, "name": "Pat"}, "origin": ORIGIN})
    session = end("signup", started, passkey.create(started))
    world["passkey"] = manage("user/passkeys/list", {"loginId": pat})["passkeys"][0]["id"]
    begun = sign("webauthn/signup/start", {"user": {"loginId": "pam@example.com", "name": "Pam"}, "origin": ORIGIN})
    world["passkeySignUp"] = waiting(begun, Passkey(ORIGIN).create(begun))
    begun = begin("signin", pat)
    world["passkeySignIn"] = waiting(begun, passkey.get(begun))
    begun = begin("update", pat, token=session["refreshJwt"])
    world["passkeyUpdate"] = waiting(begun, Passkey(ORIGIN).create(begun))
    world["pat"], world["patJwt"] = pat, session["refreshJwt"]

    world["tess"] = "tess@example.com"
    key = sign("totp/signup", {"loginId": world["tess"]})["key"]
    world["tessJwt"] = manage("auth/signin", {"loginId": world["tess"]})["refreshJwt"]
    now = send("GET", "/_emulator/clock")["now"]
    world["totpCode"] = totp(key, now)


send("POST", "/_emulator/reset")
send("POST", "/_emulator/clock", {"frozen": True})
for step in (things, applications, single_sign_on, relations, documents, sign_ins, phones, providers, authenticators):
    step()
send("PUT", "/_emulator/snapshots/drive")
print(json.dumps(world, indent=2))
