"""Every address of the site."""

from __future__ import annotations

from csp.constants import UNSAFE_INLINE
from csp.decorators import csp_update
from django.contrib import admin
from django.urls import include, path, re_path, register_converter
from django.urls.converters import StringConverter
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.negotiation import DefaultContentNegotiation

from apps.content.views import ContentBatch, ContentDetail
from apps.core.login import LoginForm, login
from apps.core.problems import not_found
from apps.events.views import Events
from apps.experiments.views import Assignments
from apps.federation.views import Cards, GlobalModels, OpenRound, RoundDevices, RoundTask
from apps.feed.pages import about, preview
from apps.feed.views import Exposure, Feed, Neighbors, Parameters, Popular, Similar, Trending
from apps.insights.views import Metrics, MetricSeries, metric_csv
from apps.learning.pages import features
from apps.media.views import Media
from apps.moderation.views import (
    AppealDetail,
    Appeals,
    NoticeDetail,
    Notices,
    StatementDetail,
    Statements,
)
from apps.profiles.views import ClientTokens, UserBatch, UserDetail, UserExport


class IdConverter(StringConverter):
    """An id of the app: it may hold slashes, but what ends in one is a mistyped address."""

    regex = ".*[^/]"


register_converter(IdConverter, "id")

# Swagger UI styles itself from script: its page alone may. Its script comes from an address of its
# own, not inline.
api_docs = csp_update({"style-src": [UNSAFE_INLINE]})(SpectacularSwaggerSplitView.as_view())

# YAML, or JSON for who accepts or asks for it (`?format=json`).
schema = SpectacularAPIView.as_view(content_negotiation_class=DefaultContentNegotiation)

admin.site.login_form = LoginForm

api = [
    path("feed", Feed.as_view()),
    path("feed/parameters", Parameters.as_view()),
    path("popular", Popular.as_view()),
    path("trending", Trending.as_view()),
    path("events", Events.as_view()),
    path("content/batch", ContentBatch.as_view()),
    path("content/<id:content_id>/similar", Similar.as_view()),
    path("content/<id:content_id>/exposure", Exposure.as_view()),
    path("content/<id:content_id>/media", Media.as_view()),
    path("content/<id:content_id>", ContentDetail.as_view()),
    path("users/batch", UserBatch.as_view()),
    path("users/<id:user_id>/neighbors", Neighbors.as_view()),
    path("users/<id:user_id>/export", UserExport.as_view()),
    path("users/<id:user_id>", UserDetail.as_view()),
    path("experiments/assignments", Assignments.as_view()),
    path("metrics/", Metrics.as_view()),
    path("metrics/<slug:name>.csv", metric_csv),
    path("metrics/<slug:name>", MetricSeries.as_view()),
    path("notices", Notices.as_view()),
    path("notices/<uuid:notice_id>", NoticeDetail.as_view()),
    path("statements", Statements.as_view()),
    path("statements/<uuid:statement_id>", StatementDetail.as_view()),
    path("appeals", Appeals.as_view()),
    path("appeals/<uuid:appeal_id>", AppealDetail.as_view()),
    path("federation/cards", Cards.as_view()),
    path("federation/model", GlobalModels.as_view()),
    path("federation/round", OpenRound.as_view()),
    path("federation/rounds/<uuid:round_id>/devices", RoundDevices.as_view()),
    path("federation/rounds/<uuid:round_id>/task", RoundTask.as_view()),
    path("client-tokens", ClientTokens.as_view()),
]

urlpatterns = [
    path("", preview, name="preview"),
    path("about/", about, name="about"),
    path("api/v1/", include(api)),
    path("api/schema/", schema, name="schema"),
    path("api/docs/", api_docs, name="docs"),
    re_path(r"^api/", csrf_exempt(not_found)),
    path("admin/login/", login),  # in place of the admin's own
    path("admin/", admin.site.urls),
    path("ops/", include("apps.insights.urls")),
    path("ops/features/", features, name="features"),
    path("ops/experiments/", include("apps.experiments.urls")),
    path("moderation/", include("apps.moderation.urls")),
]

handler400 = "apps.core.problems.bad_request"
handler403 = "apps.core.problems.permission_denied"
handler404 = "apps.core.problems.not_found"
handler500 = "apps.core.problems.server_error"
