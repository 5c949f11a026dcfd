"""The official Python SDK against the emulator: four ways to sign in, and what follows a sign-in."""

import json
import os
import urllib.parse
import urllib.request

from descope import AuthException, DeliveryMethod, DescopeClient

BASE_URL = os.environ["EMULATOR_BASE_URL"]
URI = "https://app.example.com/verify"

client = DescopeClient(
    project_id=os.environ["EMULATOR_PROJECT_ID"],
    management_key=os.environ["EMULATOR_MANAGEMENT_KEY"],
    base_url=BASE_URL,
)


def next_message(address: str, after: int = 0) -> dict:
    query = urllib.parse.urlencode({"to": address, "wait": 5, "after": after})
    with urllib.request.urlopen(f"{BASE_URL}/_emulator/inbox?{query}") as answer:
        return json.load(answer)["messages"][0]


def refused(call, *args, **kwargs) -> AuthException:
    try:
        call(*args, **kwargs)
    except AuthException as error:
        return error
    raise AssertionError(f"{call} was not refused")


def session_lives_and_ends(session: dict, login_id: str) -> None:
    """Validate, refresh, load, and log out: every step a signed-in user takes."""
    tokens = session["sessionToken"], session["refreshSessionToken"]
    user_id = tokens[0]["sub"]
    claims = client.validate_session(tokens[0]["jwt"])
    assert claims["sub"] == user_id, claims
    renewed = client.refresh_session(tokens[1]["jwt"])
    assert renewed["sessionToken"]["sub"] == user_id, renewed
    assert client.validate_and_refresh_session(renewed["sessionToken"]["jwt"], tokens[1]["jwt"])
    assert login_id in client.me(tokens[1]["jwt"])["loginIds"]
    client.logout(tokens[1]["jwt"])
    error = refused(client.me, tokens[1]["jwt"])
    assert "logout" in str(error.error_message), error
    refused(client.refresh_session, tokens[1]["jwt"])


def otp() -> None:
    for method, login_id in (
        (DeliveryMethod.EMAIL, "py-otp@example.com"),
        (DeliveryMethod.SMS, "+15551230001"),
        (DeliveryMethod.VOICE, "+15551230002"),
        (DeliveryMethod.WHATSAPP, "+15551230003"),
    ):
        masked = client.otp.sign_up(method, login_id, {"name": "Ada Lovelace"})
        assert masked and masked != login_id, masked
        message = next_message(login_id)
        wrong = "000000" if message["code"] != "000000" else "111111"
        assert "code" in str(refused(client.otp.verify_code, method, login_id, wrong).error_message).lower()
        session = client.otp.verify_code(method, login_id, message["code"])
        assert session["firstSeen"] is True, session
        assert session["user"]["name"] == "Ada Lovelace"
        refused(client.otp.verify_code, method, login_id, message["code"])
        session_lives_and_ends(session, login_id)
        client.otp.sign_in(method, login_id)
        code = next_message(login_id, message["id"])["code"]
        assert client.otp.verify_code(method, login_id, code)["firstSeen"] is False
    assert "user" in str(refused(client.otp.sign_in, DeliveryMethod.EMAIL, "nobody@example.com").error_message).lower()


def magic_link() -> None:
    login_id = "py-magic@example.com"
    client.magiclink.sign_up_or_in(DeliveryMethod.EMAIL, login_id, URI)
    link = next_message(login_id)["links"][0]
    assert link["url"].startswith(f"{URI}?t="), link
    assert "token" in str(refused(client.magiclink.verify, "not-a-token").error_message).lower()
    session_lives_and_ends(client.magiclink.verify(link["token"]), login_id)
    refused(client.magiclink.verify, link["token"])


def enchanted_link() -> None:
    login_id = "py-enchanted@example.com"
    sent = client.enchantedlink.sign_up_or_in(login_id, URI)
    links = next_message(login_id)["links"]
    assert len(links) == 3
    right = next(link for link in links if link["linkId"] == sent["linkId"])
    wrong = next(link for link in links if link["linkId"] != sent["linkId"])
    assert refused(client.enchantedlink.get_session, sent["pendingRef"]).status_code == 401
    refused(client.enchantedlink.verify, wrong["token"])
    assert refused(client.enchantedlink.get_session, sent["pendingRef"]).status_code == 401
    client.enchantedlink.verify(right["token"])
    session_lives_and_ends(client.enchantedlink.get_session(sent["pendingRef"]), login_id)
    refused(client.enchantedlink.get_session, sent["pendingRef"])


def access_key() -> None:
    made = client.mgmt.access_key.create("Nightly report", custom_claims={"job": "report"})
    session = client.exchange_access_key(made["cleartext"])
    claims = client.validate_session(session["sessionToken"]["jwt"])
    assert claims["job"] == "report" and claims["sub"] == made["key"]["id"], claims
    client.mgmt.access_key.delete(made["key"]["id"])
    refused(client.exchange_access_key, made["cleartext"])


def management() -> None:
    user = client.mgmt.user.create("py-mgmt@example.com", email="py-mgmt@example.com", display_name="Ada")["user"]
    assert user["status"] == "invited" and user["verifiedEmail"] is True, user
    assert client.mgmt.user.load("py-mgmt@example.com")["user"]["userId"] == user["userId"]
    embedded = client.mgmt.user.generate_embedded_link("py-mgmt@example.com")
    session_lives_and_ends(client.magiclink.verify(embedded), "py-mgmt@example.com")
    client.mgmt.user.delete("py-mgmt@example.com")
    refused(client.mgmt.user.load, "py-mgmt@example.com")

    client.mgmt.user.create_test_user("py-test", email="py-test@example.com")
    made = client.mgmt.user.generate_otp_for_test_user(DeliveryMethod.EMAIL, "py-test")
    client.otp.sign_in(DeliveryMethod.EMAIL, "py-test")
    assert client.otp.verify_code(DeliveryMethod.EMAIL, "py-test", made["code"])["sessionToken"]["tu"] is True
    client.mgmt.user.delete_all_test_users()
    refused(client.mgmt.user.load, "py-test")


for step in (otp, magic_link, enchanted_link, access_key, management):
    step()
    print(f"python: {step.__name__} ok")
