"""Addresses of the pages below `/ops/`."""

from __future__ import annotations

from django.urls import path

from apps.insights import alert_pages, inspect_pages, model_pages, pages, rollout_pages

urlpatterns = [
    path("", pages.overview, name="ops"),
    path("kpis/<slug:name>/", pages.kpi, name="kpi"),
    path("retention/", pages.retention, name="retention"),
    path("models/", model_pages.models, name="models"),
    path("models/<int:pk>/promote", model_pages.promote, name="model_promote"),
    path("models/<slug:family>/rollback", model_pages.roll_back, name="model_rollback"),
    path("models/<int:pk>/canary", rollout_pages.canary, name="model_canary"),
    path("models/rollout/end", rollout_pages.end, name="rollout_end"),
    path("viewer/", inspect_pages.viewer, name="inspect_viewer"),
    path("content/", inspect_pages.content, name="inspect_content"),
    path("alerts/", alert_pages.alert_list, name="alerts"),
    path("alerts/<int:pk>/acknowledge", alert_pages.acknowledge, name="alert_acknowledge"),
    path("alerts/rules/new", alert_pages.rule_edit, name="rule_new"),
    path("alerts/rules/<int:pk>/", alert_pages.rule_edit, name="rule_edit"),
    path("alerts/rules/<int:pk>/silence", alert_pages.silence, name="rule_silence"),
]
