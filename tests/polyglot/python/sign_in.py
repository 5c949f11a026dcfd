"""A client generated from the bundle signs a user in by one-time code and loads that user with the management key."""

import os
from http import HTTPStatus

import httpx

from descope_client import AuthenticatedClient
from descope_client.api.management_user import management_user_load
from descope_client.api.otp import otp_sign_up_email, otp_verify_email
from descope_client.api.session import session_me
from descope_client.models import (
    ErrorResponse,
    JwtResponse,
    OtpEmailResponse,
    OtpSignUpEmailRequest,
    OtpVerifyRequest,
    SignUpUser,
    User,
    UserResponse,
)

BASE_URL = os.environ["EMULATOR_BASE_URL"]
PROJECT_ID = os.environ["EMULATOR_PROJECT_ID"]
MANAGEMENT_KEY = os.environ["EMULATOR_MANAGEMENT_KEY"]
LOGIN_ID = "python-generated@example.com"


def client(*parts: str) -> AuthenticatedClient:
    """A client whose bearer is the project id, joined by what else the operation asks for."""
    return AuthenticatedClient(
        base_url=BASE_URL, token=":".join((PROJECT_ID, *parts)), raise_on_unexpected_status=True
    )


def code_of(address: str) -> str:
    answer = httpx.get(f"{BASE_URL}/_emulator/inbox", params={"to": address, "wait": "5"}, timeout=10)
    return str(answer.raise_for_status().json()["messages"][0]["code"])


sent = otp_sign_up_email.sync(
    client=client(),
    body=OtpSignUpEmailRequest(login_id=LOGIN_ID, user=SignUpUser(name="Ada Lovelace", email=LOGIN_ID)),
)
assert isinstance(sent, OtpEmailResponse), sent
assert sent.masked_email and sent.masked_email != LOGIN_ID, sent

code = code_of(LOGIN_ID)
wrong = otp_verify_email.sync_detailed(
    client=client(),
    body=OtpVerifyRequest(login_id=LOGIN_ID, code="000000" if code != "000000" else "111111"),
)
assert wrong.status_code >= HTTPStatus.BAD_REQUEST, wrong.status_code
assert isinstance(wrong.parsed, ErrorResponse) and wrong.parsed.error_code == "E061102", wrong.parsed

session = otp_verify_email.sync(client=client(), body=OtpVerifyRequest(login_id=LOGIN_ID, code=code))
assert isinstance(session, JwtResponse), session
assert session.first_seen is True, session
assert isinstance(session.user, User) and session.user.login_ids == [LOGIN_ID], session.user
assert isinstance(session.refresh_jwt, str)

me = session_me.sync(client=client(session.refresh_jwt))
assert isinstance(me, User) and me.user_id == session.user.user_id, me

loaded = management_user_load.sync(client=client(MANAGEMENT_KEY), login_id=LOGIN_ID)
assert isinstance(loaded, UserResponse) and isinstance(loaded.user, User), loaded
assert loaded.user.user_id == session.user.user_id and loaded.user.name == "Ada Lovelace", loaded

refused = management_user_load.sync(client=client("not-the-key"), login_id=LOGIN_ID)
assert isinstance(refused, ErrorResponse), refused

print("python: a generated client signs in and loads the user")
