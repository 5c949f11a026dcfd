"""Calls every public method of the official Python SDK, and writes what each sent and got, for judge.py.

The methods are found by looking at a client. Arguments are chosen by the names of parameters, from ARGUMENTS; an option
class of the SDK is made in the same way. Each method is called twice: with the arguments that it needs, and with all that it
takes. A parameter that no row fits is a fault, so that no new method is passed over.

    drive.py WORLD [async]    WORLD is the file that world.py has written; `async` drives DescopeClientAsync
"""

import asyncio
import datetime
import enum
import fnmatch
import http.client
import importlib.metadata
import inspect
import json
import operator
import os
import sys
import types
import typing
import urllib.parse

from descope import DeliveryMethod, DescopeClient
from descope.descope_client_async import DescopeClientAsync

BASE_URL = os.environ["EMULATOR_BASE_URL"]
with open(sys.argv[1]) as file:
    world = json.load(file)
ADA, NEW, URI, PHONE = world["ada"], "new@example.com", world["uri"], "+15551230150"
RELATION = {"resource": "d1", "resourceType": "doc", "relation": "owner", "target": "u1", "targetType": "user"}
TUPLE = {"resource": "d1", "relationDefinition": "owner", "namespace": "doc", "target": "u1"}
NAMESPACE = {"name": "doc", "relationDefinitions": [{"name": "owner"}, {"name": "reader"}]}
DSL = "model AuthZ 1.0\n\ntype user\n\ntype doc\n  relation owner: user\n  relation reader: user\n"
TOKEN = {"appId": "calendar", "accessToken": "at", "accessTokenType": "Bearer", "scopes": ["events"]}
SCOPES = [{"name": "read", "description": "Reads", "values": ["read"], "optional": True}]
ROLES = {"permissions": ["read"], "roles": ["reader"]}
TIME = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
# Not passed, though it can be.
LEFT_OUT = object()

# What is passed to which parameter of which method; the first row that fits. Option classes stand under their names.
ARGUMENTS = {
    # Whatever is made anew cannot have the name of what there is.
    "*.sign_up.login_id": NEW,
    "webauthn.sign_up_*start.login_id": NEW,
    "webauthn.sign_in_start.login_id": world["pat"],
    "totp.sign_in_code.login_id": world["tess"],
    "mgmt.user.delete_passkey.login_id": world["pat"],
    "mgmt.user.create*.login_id": NEW,
    "mgmt.user.invite.login_id": NEW,
    "mgmt.user.generate_sign_up_embedded_link.login_id": NEW,
    "mgmt.user.generate_*_for_test_user.login_id": "test",
    "mgmt.family.create_dependent.login_id": NEW,
    "mgmt.jwt.impersonate*.login_id": "bob@example.com",
    "DescoperCreate.login_id": NEW,
    "UserObj.login_id": NEW,
    "*.login_id": ADA,
    "*.login_ids": [ADA],
    "*.new_login_id": "renamed@example.com",
    "*.additional_login_ids": ["+15551230160"],
    "*.dependent_login_id": "kid",
    "*.login_hint": ADA,
    "*.identifier": ADA,
    "*.identifiers": [ADA],
    "*.impersonator_id": world["user"],
    "*.impersonator_user_id_or_login_id": ADA,
    "*.validate_consent": False,
    "enchantedlink.sign_in_with_phone.phone": "+15551230100",
    "*.phone": PHONE,
    "*.recovery_phone": PHONE,
    "*.phones": [PHONE],
    "*.email": NEW,
    "*.recovery_email": NEW,
    "*.emails": [NEW],
    "otp.update_user_phone.method": DeliveryMethod.SMS,
    "magiclink.update_user_phone.method": DeliveryMethod.SMS,
    "otp.*.method": DeliveryMethod.EMAIL,
    "magiclink.*.method": DeliveryMethod.EMAIL,
    "mgmt.user.generate_*.method": DeliveryMethod.EMAIL,
    "*.user": {"name": "Joe Person", "givenName": "Joe", "familyName": "Person", "phone": PHONE},
    # Tokens, codes and secrets.
    "mgmt.outbound_application.*.refresh_token": "rt",
    "totp.sign_in_code.refresh_token": world["tessJwt"],
    "webauthn.sign_in_start.refresh_token": world["patJwt"],
    "*.refresh_token": world["refreshJwt"],
    "validate_and_refresh_session.session_token": "expired",
    "*.session_token": world["sessionJwt"],
    "*.stop_impersonation.jwt": world["impersonationJwt"],
    "MgmtLoginOptions.jwt": world["refreshJwt"],
    "*.jwt": world["sessionJwt"],
    "*.jwt_response": {"permissions": ["read"], "roles": ["reader"], "tenants": {"T1": ROLES}},
    "*.access_key": world["accessKeyCleartext"],
    "otp.*.code": world["code"],
    "totp.*.code": world["totpCode"],
    "oauth.*.code": world["oauthCode"],
    "*.code": world["ssoCode"],
    "magiclink.verify.token": world["magicToken"],
    "enchantedlink.verify.token": world["enchantedToken"],
    "mgmt.outbound_application_by_token.*.token": world["sessionJwt"],
    "*.pending_ref": world["pendingRef"],
    "*.password": world["password"],
    "*.old_password": world["password"],
    "*.new_password": "Babbage-1822",
    "webauthn.sign_up_finish.transaction_id": world["passkeySignUp"]["transactionId"],
    "webauthn.sign_in_finish.transaction_id": world["passkeySignIn"]["transactionId"],
    "webauthn.update_finish.transaction_id": world["passkeyUpdate"]["transactionId"],
    "webauthn.sign_up_finish.response": world["passkeySignUp"]["response"],
    "webauthn.sign_in_finish.response": world["passkeySignIn"]["response"],
    "webauthn.update_finish.response": world["passkeyUpdate"]["response"],
    "*.audience": LEFT_OUT,
    # Ids.
    "mgmt.access_key.*.id": world["accessKey"],
    "mgmt.access_key.*.ids": [world["accessKey"]],
    "mgmt.descoper.*.id": world["descoper"],
    "mgmt.engine.*.id": world["engine"],
    "mgmt.family.create.id": "F3",
    "mgmt.family.*.id": "F1",
    "mgmt.family.*.ids": ["F1"],
    "mgmt.list.*_ip*.id": world["ips"],
    "mgmt.list.*.id": world["texts"],
    "mgmt.management_key.*.id": world["managementKey"],
    "mgmt.management_key.*.ids": [world["managementKey"]],
    "mgmt.outbound_application.create_application.id": "new",
    "mgmt.outbound_application.*.id": "calendar",
    "mgmt.permission.*.id": world["permission"],
    "mgmt.permission.*.ids": [world["permission"]],
    "mgmt.role.*.id": world["role"],
    "mgmt.sso_application.create_*.id": "new",
    "mgmt.sso_application.*_oidc_*.id": "oidc",
    "mgmt.sso_application.*_saml_*.id": "saml",
    "mgmt.sso_application.*_wsfed_*.id": "wsfed",
    "mgmt.sso_application.*.id": "oidc",
    "mgmt.tenant.create.id": "T3",
    "mgmt.tenant.*.id": "T1",
    "mgmt.tenant.*.ids": ["T1"],
    "mgmt.third_party_application.*.id": world["thirdParty"],
    "mgmt.third_party_application.*.ids": [world["thirdParty"]],
    "mgmt.third_party_application.*.app_id": world["thirdParty"],
    "mgmt.outbound_scim.create_configuration.app_id": "oidc",
    "mgmt.outbound_scim.*.app_id": "saml",
    "*.app_id": "calendar",
    "SAMLIDPRoleGroupMappingInfo.id": world["role"],
    "my_tenants.ids": LEFT_OUT,
    "mgmt.family.delete_dependent.user_id": world["dependent"],
    "mgmt.outbound_application*.fetch_token*.tenant_id": LEFT_OUT,
    "*.user_id": world["user"],
    "*.user_ids": [world["user"]],
    "*.bound_user_id": world["user"],
    "*.creating_user": world["user"],
    "*.actor_id": "actor",
    "*.tenant_id": "T1",
    "*.tenant_ids": ["T1"],
    "*.tenant": "T1",
    "*.tenants": ["T1"],
    "*.selected_tenant": "T1",
    "*.selected_family": "F1",
    "*.family_id": "F1",
    "*.family_ids": ["F1"],
    "*.sso_id": "",
    "*.sso_app_ids": ["oidc"],
    "*.sso_app_id": "oidc",
    "*.federated_app_ids": ["oidc"],
    "*.project_ids": [world["project"]],
    "*.group_id": world["group"],
    "*.consent_id": "unknown",
    "*.consent_ids": ["unknown"],
    "*.credential_id": world["passkey"],
    "*.device_ids": ["unknown"],
    "*.execution_id": "unknown",
    "*.token_id": world["outboundToken"],
    "*.template_id": LEFT_OUT,
    "*.provider_id": LEFT_OUT,
    # Names.
    "mgmt.authz.delete_namespace.name": "doc",
    "mgmt.authz.delete_relation_definition.name": "reader",
    "mgmt.list.load_by_name.name": "words",
    "mgmt.list.update.name": "words",
    "mgmt.permission.create.name": "new",
    "mgmt.permission.*.name": "write",
    "mgmt.permission.*.names": ["write"],
    "mgmt.role.create.name": "new",
    "mgmt.role.*.name": "writer",
    "mgmt.sso.new_settings.sso_id": "second",
    "mgmt.user.create_custom_attribute.name": "colour",
    "mgmt.user.delete_custom_attribute.name": "plan",
    "mgmt.user.delete_family_scoped_custom_attributes.names": ["chore"],
    "mgmt.family.delete_custom_attributes.names": ["crest"],
    "CustomAttribute.name": "colour",
    "*.name": "New",
    "*.names": ["New"],
    "*.new_name": "renamed",
    "*.display_name": "New",
    "*.given_name": "Joe",
    "*.middle_name": "Q",
    "*.family_name": "Person",
    "RoleMapping.role_name": "reader",
    "*.role_names": ["reader"],
    "*.role_name": "reader",
    "*.role_name_like": "read",
    "AssociatedTenant.role_names": ["reader"],
    "*.default_sso_roles": ["reader"],
    "*.permission_names": ["read"],
    "get_matched_*.permissions": ["read"],
    "*validate_*.permissions": ["read"],
    "*get_matched_*.roles": ["reader"],
    "*validate_*.roles": ["reader"],
    "mgmt.permission.create_batch.permissions": [{"name": "new", "description": "New"}],
    "mgmt.permission.update_batch.permissions": [{"id": world["permission"], "newName": "renamed"}],
    "mgmt.role.create_batch.roles": [{"name": "new", "permissionNames": ["read"], "tenantId": "T1"}],
    "mgmt.role.update_batch.roles": [{"id": world["role"], "newName": "renamed"}],
    "mgmt.role.delete_batch.roles": ["writer"],
    "*.role_ids": [world["role"]],
    "mgmt.role.*_by_id*.tenant_id": LEFT_OUT,
    "*.schema_name": LEFT_OUT,
    "*.old_name": LEFT_OUT,
    # Documents.
    "mgmt.authz.save_schema.schema": {"name": "s", "namespaces": [NAMESPACE]},
    "mgmt.fga.*.schema": DSL,
    "mgmt.authz.save_namespace.namespace": NAMESPACE,
    "*.namespace": "doc",
    "*.relation_definition": "owner",
    "mgmt.authz.save_relation_definition.relation_definition": {"name": "owner"},
    "mgmt.authz.*.relations": [TUPLE],
    "mgmt.fga.*.relations": [RELATION],
    "*.relation_queries": [TUPLE],
    "*.resource": "d1",
    "*.resources": ["d1"],
    "*.resource_identifiers": [{"resourceId": "d1", "resourceType": "doc"}],
    "*.resources_details": [{"resourceId": "d1", "resourceType": "doc", "displayName": "Diary"}],
    "*.resources_queries": [{"type": "doc", "queries": ["d"]}],
    "*.resources_limit": 5,
    "*.target": "u1",
    "*.targets": ["u1"],
    "*.flow_id": world["flow"]["flow"]["id"],
    "*.flow_ids": [world["flow"]["flow"]["id"]],
    "*.flow": world["flow"]["flow"],
    "*.screens": world["flow"]["screens"],
    "*.theme": world["theme"],
    "*.files": world["snapshot"],
    "*.input_secrets": {},
    "*.excludes": ["flows"],
    "*.format": "",
    "mgmt.list.*.lists": [{"id": world["texts"], "name": "words", "type": "texts", "data": ["ham"]}],
    "mgmt.list.*.data": ["ham"],
    "mgmt.list.*.list_type": "texts",
    "*.ip": "10.0.0.1",
    "*.ips": ["10.0.0.1"],
    "*.permitted_ips": ["127.0.0.1"],
    "mgmt.*.search*.text": "words",
    "*.text": "spam",
    "*.texts": ["spam"],
    "mgmt.password.*.settings": {"enabled": True, "minLength": 9, "lowercase": True},
    "mgmt.outbound_scim.*.configuration": {"baseUrl": "https://scim.example.com"},
    "*.mappings": [{"scope": "profile", "claims": {"name": "user.name"}, "description": "The name"}],
    "*.permissions_scopes": SCOPES,
    "*.attributes_scopes": [{"name": "mail", "description": "Mail", "values": ["email"]}],
    "*.jwt_bearer_settings": {"issuers": {"https://idp.example.com": {"jwksUri": "https://idp.example.com/keys"}}},
    "mgmt.outbound_application.batch_upload_user_tokens.tokens": [TOKEN | {"userId": world["user"]}],
    "mgmt.outbound_application.batch_upload_tenant_tokens.tokens": [TOKEN | {"tenantId": "T1"}],
    "mgmt.family.create_dependent.custom_attributes": {"plan": "gold"},
    "mgmt.family.*.custom_attributes": {"crest": "lion"},
    "AttributeMapping.custom_attributes": {"plan": "claim"},
    "mgmt.tenant.*.custom_attributes": LEFT_OUT,
    "*.custom_attributes": {"plan": "gold"},
    "*.family_scoped_attributes": {"chore": "dishes"},
    "*.custom_claims": {"plan": "gold"},
    "*.attribute_key": "plan",
    "*.attribute_val": "gold",
    "*.data": {"note": "by hand"},
    "*.headers": {"x-drive": "1"},
    "*.template_options": {"greeting": "Hello"},
    "mgmt.outbound_application*.options": {"withRefreshToken": False},
    "*.issuers": LEFT_OUT,
    "*.fga_mappings": LEFT_OUT,
    "*.tenant_role_ids": {"T1": {"values": [world["role"]], "and": False}},
    "*.tenant_role_names": {"T1": {"values": ["reader"], "and": False}},
    "*.flow_input": {"email": NEW},
    "mgmt.user.import_users.users": world["auth0"].encode(),
    "mgmt.user.import_users.hashes": None,
    "mgmt.user.import_users.source": "auth0",
    "mgmt.user.create_custom_attribute.type": "singleselect",
    "mgmt.user.create_custom_attribute.options": ["red", "blue"],
    # Words.
    "*.type": "info",
    "CustomAttribute.type": 1,
    "CustomAttribute.options": LEFT_OUT,
    "CustomAttribute.default_value": LEFT_OUT,
    # The SDK cannot send its own enumerations here.
    "mgmt.tenant.update_settings.*_unit": "minutes",
    "mgmt.tenant.update_settings.auth_type": "saml",
    "*.auth_type": "saml",
    "*.provider": "google",
    "SSOOIDCSettings.prompt": ["login"],
    "*.prompt": "login",
    "*.action": "tested",
    "*.actions": ["tested"],
    "*.excluded_actions": ["failed"],
    "*.devices": ["Desktop"],
    "*.methods": ["otp"],
    "*.geos": ["US"],
    "*.remote_addresses": ["127.0.0.1"],
    "*.group_by_created": "d",
    "*.statuses": ["enabled"],
    "*.status": "enabled",
    "*.environment": "production",
    "*.tags": ["drive"],
    "*.locale": "en",
    "*.style_id": "",
    "*.photo": "https://app.example.com/family.png",
    "*.picture": "https://app.example.com/ada.png",
    "*.logo": "https://app.example.com/logo.png",
    "*.description": "New",
    "*.role_inheritance": "none",
    "*.company_roles": ["company-full-access"],
    "*.tag_roles": LEFT_OUT,
    "*.project_roles": LEFT_OUT,
    "*.sort": LEFT_OUT,
    "*.seed": LEFT_OUT,
    "*.view_permissions": ["read"],
    "*.edit_permissions": ["read"],
    "*.self_provisioning_domains": ["new.example"],
    "*.domains": ["acme.example"],
    "*.enforce_sso_exclusions": [world["user"]],
    "*.enforce_sso": False,
    "*.subject_name_id_type": "email",
    "*.subject_name_id_format": "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
    "*.default_signature_algorithm": "sha256",
    "*.default_relay_state": "state",
    "*.default_audience": "projectId",
    "*.access_token": "at",
    "*.access_token_type": "Bearer",
    "*.access_token_expiry": 1893456000,
    "*.id_token": LEFT_OUT,
    "*.verify_refresh": False,
    "*.external_identifier": "ada",
    "*.granted_by": world["user"],
    "*.api_key": "secret",
    "*.scopes": ["events"],
    "*.scope": ["openid"],
    "*.default_scopes": ["events"],
    "*.client_id": "client",
    "*.client_secret": "secret",
    "*.realm": "urn:realm",
    "*.entity_id": "entity",
    "*.sp_entity_id": "sp",
    "*.idp_entity_id": "idp",
    "*.certificate": "certificate",
    "*.idp_cert": "certificate",
    "*.idp_additional_certs": ["certificate"],
    "*.issuer": "https://idp.example.com",
    "*.sign_algorithm": "RS256",
    "*.grant_type": "authorization_code",
    "*.groups": ["staff"],
    "*.groups_priority": ["staff"],
    "*.verified_email": True,
    "*.filter_type": "roles",
    "*.value": "value",
    "*.label": "Value",
    "*.callback_domain": "login.example.com",
    "*.origin": "https://app.example.com",
    "*.approved_callback_urls": [URI],
    "*_allowed_callbacks": [URI],
    "*.reply_url": "https://rp.example.com/reply",
    "*_url": "https://app.example.com/page",
    "*.url": "https://app.example.com/page",
    "*.uri": URI,
    "*_uri": "https://idp.example.com/keys",
    "*.config_fga_*": "drive",
    # Numbers, and what is on or off.
    "*.version": 1,
    "*_family_members": 4,
    "*.expire_time": 3600,
    "mgmt.access_key.create.expire_time": 1893456000,
    "*.expires_in": 3600,
    "*.refresh_duration": 3600,
    "*.timeout": 60,
    "*.page": 0,
    "*.size": 10,
    "*.limit": 10,
    "*_expiration": 20,
    "*.inactivity_time": 20,
    "*_created_time": 1893456000000,
    "*_modified_time": 1893456000000,
    "*.from_ts": TIME,
    "*.to_ts": TIME,
    "*.since": LEFT_OUT,
    "*.preview": False,
    "mgmt.project.remove_tag_field.projects": [{"id": world["project"], "tag": "drive"}],
    "MgmtKey*.roles": ["project-full-access"],
    "OIDCAttributeMapping.*": "claim",
    "AttributeMapping.*": "claim",
    "XAAJWTBearerSettings.*_to_use": "claim",
    "UserObj.password": LEFT_OUT,
    "*.lock_reasons": ["admin"],
    "*.temp_lock_reasons": ["password"],
    "*.test": False,
    "*.dryrun": True,
}  # fmt: skip

# What the SDK takes to be optional, and the method cannot do without.
NEEDED = {
    "mgmt.outbound_application.delete_user_tokens.app_id",
    "mgmt.outbound_application.upload_*_token.access_token",
    "mgmt.sso.mapping.attribute_mapping",
    "mgmt.sso_application.*_saml_application.entity_id",
    "mgmt.sso_application.*_saml_application.acs_url",
    "mgmt.sso_application.*_saml_application.certificate",
    "mgmt.third_party_application.delete_consents.app_id",
    "mgmt.user.import_users.users",
    "my_tenants.dct",
    "saml.start.return_url",
}


def choices(hint: object) -> list:
    """The types that an annotation allows, those of a list's items among them."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType, list):
        return [choice for part in typing.get_args(hint) for choice in choices(part)]
    return [hint]


def is_list(hint: object) -> bool:
    return typing.get_origin(hint) is list or any(map(is_list, typing.get_args(hint)))


def value_for(place: str, hint: object, everything: bool) -> object:
    """What to pass, by a row of its own, by an option class, by its name, by its type."""
    rows = [row for row in ARGUMENTS if fnmatch.fnmatchcase(place, row)]
    rows.sort(key=lambda row: row.startswith("*"))
    if rows and (not rows[0].startswith("*") or ARGUMENTS[rows[0]] is LEFT_OUT):
        return ARGUMENTS[rows[0]]
    ours = [choice for choice in choices(hint) if inspect.isclass(choice) and choice.__module__.startswith("descope")]
    for option_class in ours:
        if issubclass(option_class, enum.Enum):
            made = next(iter(option_class))
        else:
            made = option_class(**arguments(option_class.__name__, option_class.__init__, everything))
        return [made] if is_list(hint) else made
    if rows:
        return ARGUMENTS[rows[0]]
    if bool in choices(hint):
        return True
    raise KeyError(f"{place} has no row in ARGUMENTS")


def arguments(path: str, function: object, everything: bool) -> dict:
    """What to pass to a method, or to the constructor of an option class."""
    hints = typing.get_type_hints(inspect.unwrap(function))
    given = {}
    for name, parameter in inspect.signature(function).parameters.items():
        place = f"{path}.{name}"
        needed = parameter.default is parameter.empty or any(fnmatch.fnmatchcase(place, row) for row in NEEDED)
        if name == "self" or not (everything or needed):
            continue
        value = value_for(place, hints.get(name), everything)
        if value is not LEFT_OUT:
            given[name] = value
    return given


def methods(part: object, path: str = ""):
    """The public methods of a client and of what hangs on it."""
    for name, member in inspect.getmembers(type(part)):
        if name.startswith("_"):
            continue
        if isinstance(member, property):
            if type(further := getattr(part, name)).__module__.startswith("descope"):
                yield from methods(further, f"{path}{name}.")
        elif inspect.isroutine(member):
            yield path + name, getattr(part, name)


connection = http.client.HTTPConnection(urllib.parse.urlsplit(BASE_URL).netloc)


def emulator(method: str, path: str) -> dict:
    connection.request(method, f"/_emulator/{path}")
    answer = connection.getresponse()
    body = json.load(answer)
    if answer.status != 200:
        raise SystemExit(f"{method} /_emulator/{path}: {answer.status} {body}")
    return body


def variants(path: str, method: object) -> dict[str, dict]:
    """The calls of a method, by their names: what it needs, and all that it takes, where that is more."""
    least, most = (arguments(path, method, everything) for everything in (False, True))
    return {path: least} if least.keys() == most.keys() else {path: least, f"{path} (everything)": most}


async def outcome(method: object, given: dict) -> str | None:
    """Calls the method, and tells what it has raised."""
    try:
        answer = method(**given)
        if inspect.isawaitable(answer):
            await answer
    except Exception as raised:  # Whatever the SDK makes of an answer: the journal tells what the answer was.
        return f"{type(raised).__name__}: {raised}"
    return None


# These are called on a client that has done nothing yet: it is closed, or the keys that it has read are all that counts.
UNUSED = {"aclose", "aopen", "mgmt.outbound_application_by_token.aclose", "validate_session"}
FIELDS = ("operation", "method", "path", "status", "errorCode", "errorMessage", "body")


async def drive(client_class: type) -> list[dict]:
    def new_client() -> DescopeClient | DescopeClientAsync:
        return client_class(world["project"], management_key=os.environ["EMULATOR_MANAGEMENT_KEY"], base_url=BASE_URL)

    client = new_client()
    calls = []
    for path, method in methods(client):
        for name, given in variants(path, method).items():
            called = operator.attrgetter(path)(new_client()) if path in UNUSED else method
            emulator("POST", "snapshots/drive/restore")
            emulator("DELETE", "requests")
            error = await outcome(called, given)
            requests = [{field: request[field] for field in FIELDS} for request in emulator("GET", "requests")["requests"]]
            calls.append({"method": path, "name": name, "given": sorted(given), "error": error, "requests": requests})
    return calls


driven = DescopeClientAsync if "async" in sys.argv[2:] else DescopeClient
version = f"{importlib.metadata.version('descope')} {driven.__name__}"
json.dump({"client": "python", "version": version, "calls": asyncio.run(drive(driven))}, sys.stdout)
