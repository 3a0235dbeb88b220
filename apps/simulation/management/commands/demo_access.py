"""`manage.py demo_access`: fresh logins and an API key for a demo, printed once."""

from __future__ import annotations

import secrets
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand
from django.utils import timezone

from apps.core.auth import create_key
from apps.core.models import ApiKey, Scope

_KEY_NAME = "demo"


class Command(BaseCommand):
    """Make (or renew) the demo's admin and moderator, and its API key; old ones stop working."""

    help = __doc__

    def add_arguments(self, parser: Any) -> None:
        """Declare the arguments."""
        parser.add_argument("--url", default="http://127.0.0.1:8000")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print what opens the demo."""
        url = options["url"]
        ApiKey.objects.filter(name=_KEY_NAME, revoked_at=None).update(revoked_at=timezone.now())
        scopes = [scope for scope in Scope.values if scope != Scope.EVENTS_BACKFILL]
        key = create_key(name=_KEY_NAME, scopes=scopes)
        admin = self._login("admin", is_superuser=True)
        moderator = self._login("moderator", is_superuser=False, role="senior moderator")
        self.stdout.write(
            f"\n  For You   {url}/\n"
            f"  API docs  {url}/api/docs/\n"
            f"  Admin     {url}/admin/\n"
            f"  Review    {url}/moderation/\n"
            f"  KPIs      {url}/ops/\n\n"
            f"  API key     {key}\n"
            f"  admin       {admin}\n"
            f"  moderator   {moderator}\n"
        )
        self.stdout.flush()

    def _login(self, name: str, *, is_superuser: bool, role: str = "") -> str:
        password = secrets.token_urlsafe(12)
        user, _ = get_user_model().objects.get_or_create(username=name)
        user.is_staff, user.is_superuser = True, is_superuser
        user.set_password(password)
        user.save()
        user.groups.set(Group.objects.filter(name=role))
        return password
