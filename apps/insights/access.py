"""Who may open the pages below `/ops/`: staff with the right, everyone else is asked to log in."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.contrib.admin.views.decorators import staff_member_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache

View = Callable[..., HttpResponse]


def needs(right: str) -> Callable[[View], View]:
    """Make a page for staff with the right; 403 for other staff, the login for anybody else."""

    def wrap(view: View) -> View:
        @wraps(view)
        def checked(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            if not request.user.has_perm(right):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return never_cache(staff_member_required(checked))

    return wrap
