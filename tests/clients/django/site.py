"""An application in Django with the vendor's django-descope, unmodified, whose users have signed in by the web component.

Takes the tokens of sessions from a file, a session and a refresh token in each line.
"""

import logging
import os
import sys

os.environ["DESCOPE_BASE_URI"] = os.environ["EMULATOR_BASE_URL"]

import django
from django.conf import settings

settings.configure(
    DEBUG=False,
    SECRET_KEY="for-this-check-alone",
    ALLOWED_HOSTS=["testserver"],
    ROOT_URLCONF=__name__,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django_descope"],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django_descope.middleware.DescopeMiddleware",
    ],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    DESCOPE_PROJECT_ID=os.environ["EMULATOR_PROJECT_ID"],
    DESCOPE_MANAGEMENT_KEY=os.environ["EMULATOR_MANAGEMENT_KEY"],
)
django.setup()

from django.core.management import call_command
from django.http import HttpResponse
from django.template import engines
from django.test import Client
from django.urls import include, path

PAGE = "{% load descope %}{% descope_flow 'sign-up-or-in' '/' %}"


def home(request):
    return HttpResponse(request.user.username if request.user.is_authenticated else "nobody")


def login(request):
    return HttpResponse(engines["django"].from_string(PAGE).render({}, request))


urlpatterns = [path("", home), path("login", login), path("auth/", include("django_descope.urls"))]


def main() -> None:
    logging.disable(logging.CRITICAL)
    call_command("migrate", verbosity=0)
    page = Client().get("/login").content.decode()
    assert f'base-url="{os.environ["EMULATOR_BASE_URL"]}"' in page, page
    with open(sys.argv[1], encoding="utf-8") as lines:
        sessions = [line.split() for line in lines]
    assert sessions, "there are no tokens"
    users = set()
    for session, refresh in sessions:
        browser = Client()
        assert browser.get("/").content == b"nobody"
        stored = browser.post("/auth/store_jwt", {"DS": session, "DSR": refresh})
        assert stored.status_code == 200, stored.content
        user = browser.get("/").content.decode()
        assert user.startswith("U2"), user
        users.add(user)
    # A forged one gets nowhere; the vendor's package ends such a request with an error.
    forged = Client(raise_request_exception=False)
    session, refresh = sessions[0]
    header, payload, _ = session.split(".")
    assert forged.post("/auth/store_jwt", {"DS": f"{header}.{payload}.AAAA", "DSR": "wrong"}).status_code == 200
    assert not forged.get("/").content.startswith(b"U2")
    print(f"django-descope knows {len(users)} users by {len(sessions)} sessions")


if __name__ == "__main__":
    main()
