"""Who may do what on the review pages, and what they answer."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.content.models import Content
from apps.core.clock import HOUR_MS, now_ms
from apps.media.services import accept
from apps.moderation.models import Appeal, AuditEntry, Case, Decision, SecondLook, Statement
from apps.moderation.roles import ROLES
from apps.moderation.services import appeals, cases
from apps.moderation.templatetags.moderation import due
from apps.moderation.tests.factories import make_case, make_decision, make_user
from apps.moderation.urls import urlpatterns

pytestmark = pytest.mark.django_db
REVIEWERS = {"moderator", "senior moderator", "admin"}
SENIORS = {"senior moderator", "admin"}
# By the name of each address: its method, and the roles that it lets in.
RIGHTS: dict[str, tuple[str, set[str]]] = {
    "queue": ("get", REVIEWERS),
    "case": ("get", REVIEWERS),
    "media": ("get", REVIEWERS),
    "claim": ("post", REVIEWERS),
    "release": ("post", REVIEWERS),
    "escalate": ("post", REVIEWERS),
    "decide": ("post", REVIEWERS),
    "alike": ("get", REVIEWERS),
    "decide_alike": ("post", REVIEWERS),
    "undo": ("post", REVIEWERS),
    "quality": ("get", REVIEWERS),
    "judge": ("post", REVIEWERS),
    "decided": ("get", SENIORS),
    "appeals": ("get", SENIORS),
    "answer": ("post", SENIORS),
    "statistics": ("get", {"senior moderator", "admin", "analyst"}),
    "transparency": ("get", {"senior moderator", "admin", "analyst"}),
    "audit": ("get", {"admin"}),
}
ROUTES = {route.name: str(route.pattern) for route in urlpatterns}


def address(name: str) -> str:
    path = ROUTES[name]
    for part in ("case", "decision", "appeal", "look"):
        path = path.replace(f"<int:{part}_pk>", "1")
    return f"/moderation/{path}"


def test_every_address_has_its_rights_in_the_table() -> None:
    assert set(ROUTES) == set(RIGHTS)


@pytest.mark.parametrize("role", [*ROLES, ""])
@pytest.mark.parametrize("name", RIGHTS)
def test_role_gets_in_or_is_refused(name: str, role: str, client: Any) -> None:
    client.force_login(make_user("mo", role))
    method, allowed = RIGHTS[name]

    answer = getattr(client, method)(address(name))

    assert (answer.status_code != 403) == (role in allowed)


@pytest.mark.parametrize("name", RIGHTS)
@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_other_methods_are_refused(name: str, method: str, client: Any) -> None:
    client.force_login(make_user("mo", "admin"))

    answer = getattr(client, method)(address(name))

    assert (answer.status_code == 405) == (method != RIGHTS[name][0])


@pytest.mark.parametrize("name", RIGHTS)
def test_stranger_is_sent_to_the_login(name: str, client: Any) -> None:
    answer = getattr(client, RIGHTS[name][0])(address(name))

    assert answer.status_code == 302
    assert "/admin/login/" in answer["Location"]


def test_post_without_its_token_is_refused() -> None:
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user())

    assert client.post(address("claim")).status_code == 403


def test_script_is_told_of_a_conflict_by_status(client: Any) -> None:
    case = make_case()
    cases.claim(case.pk, user=make_user("max"), now_ms=now_ms())
    client.force_login(make_user("mo"))

    answer = client.post(
        f"/moderation/cases/{case.pk}/claim", headers={"accept": "application/json"}
    )

    assert answer.status_code == 409
    assert answer.json()["code"] == "not-claimable"


def test_moderator_gets_the_uploaded_file_as_what_it_is(client: Any) -> None:
    case = make_case()
    picture = b"\x89PNG\r\n\x1a\n" + bytes(20)
    accept("v1", SimpleUploadedFile("evil.html", picture), now_ms=now_ms())
    client.force_login(make_user())

    page = client.get(f"/moderation/cases/{case.pk}/").content.decode()
    answer = client.get(f"/moderation/cases/{case.pk}/media")

    assert f'data-kind="image" data-src="/moderation/cases/{case.pk}/media"' in page
    assert (answer["Content-Type"], answer.getvalue()) == ("image/png", picture)
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_case_without_a_file_has_no_media(client: Any) -> None:
    client.force_login(make_user())

    assert client.get(f"/moderation/cases/{make_case().pk}/media").status_code == 404


def test_what_speaks_for_a_case_comes_before_what_decides_it(client: Any) -> None:
    case = make_case()
    client.force_login(make_user())

    page = client.get(f"/moderation/cases/{case.pk}/").content.decode()

    assert page.index("<h3>Reports</h3>") < page.index("data-decide")


def test_text_and_media_address_are_escaped(client: Any) -> None:
    case = make_case(description="<script>alert(1)</script>")
    Content.objects.update(media_url='https://x/"onerror="alert(2)')
    client.force_login(make_user())

    page = client.get(f"/moderation/cases/{case.pk}/").content.decode()

    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert 'x/"onerror' not in page


def test_alike_cases_need_their_number_typed(client: Any) -> None:
    made = [make_case(f"v{i}", description="buy followers") for i in range(3)]
    client.force_login(make_user())
    page = f"/moderation/cases/{made[0].pk}/alike/"
    assert client.get(page).content.decode().count('name="case"') == 3
    form = {"case": [c.pk for c in made], "action": "remove", "reason": "spam"}

    client.post(f"{page}decide", {**form, "confirm": "2"})
    assert not Decision.objects.exists()
    client.post(f"{page}decide", {**form, "confirm": "3"})

    assert Content.objects.filter(status="removed").count() == 3
    assert AuditEntry.objects.filter(verb="decided").count() == 3


def test_appeal_is_answered_on_its_page(client: Any) -> None:
    make_decision(user=make_user("mo"), at_ms=now_ms())
    appeals.appeal(Statement.objects.get(), text="It was a joke", now_ms=now_ms())
    client.force_login(make_user("boss", "senior moderator"))
    assert "It was a joke" in client.get("/moderation/appeals/").content.decode()

    made = Appeal.objects.get()
    client.post(f"/moderation/appeals/{made.pk}/answer", {"outcome": "overturn", "text": "Sorry"})

    assert Content.objects.get().status == "active"


def test_second_look_does_not_show_what_was_decided(client: Any) -> None:
    decision = make_decision(user=make_user("mo"))
    Decision.objects.update(note="obvious")
    look, _ = SecondLook.objects.get_or_create(decision=decision)
    client.force_login(make_user("max"))

    page = client.get("/moderation/quality/").content.decode()
    client.post(f"/moderation/quality/{look.pk}/judge", {"action": "limit", "reason": "hate"})

    assert "obvious" not in page
    assert 'value="remove" checked' not in page
    assert SecondLook.objects.get().action == "limit"


def test_statistics_name_moderators_to_admins_only(client: Any) -> None:
    make_decision(user=make_user("moritz"), at_ms=now_ms())
    client.force_login(make_user("ann", "analyst"))
    for_analyst = client.get("/moderation/statistics/").content.decode()
    client.force_login(make_user("root", "admin"))
    for_admin = client.get("/moderation/statistics/").content.decode()

    assert "moritz" not in for_analyst
    assert "moritz" in for_admin
    assert Case.objects.get().state == "decided"


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        (0.5, "30 min left"),
        (47, "47 h left"),
        (72, "3 d left"),
        (-0.1, "6 min late"),
        (-49, "2 d late"),
    ],
)
def test_time_that_is_left_or_over_is_said_in_words(hours: float, expected: str) -> None:
    assert due(round(hours * HOUR_MS), 0) == expected
