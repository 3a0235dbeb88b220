"""What a case is about, as the moderators see it: the file of its content."""

from __future__ import annotations

from django.http import FileResponse, Http404, HttpRequest
from django.views.decorators.http import require_safe

from apps.media import selectors as media
from apps.moderation.access import staff_page
from apps.moderation.models import Case
from apps.moderation.roles import REVIEW


@require_safe
@staff_page(REVIEW)
def case_media(request: HttpRequest, case_pk: int) -> FileResponse:
    """Return the uploaded file of a case's content; 404 where there is none."""
    case = Case.objects.filter(pk=case_pk).only("content_id").first()
    found = media.opened(case.content_id) if case else None
    if found is None:
        raise Http404
    file, content_type = found
    return FileResponse(file, content_type=content_type)
