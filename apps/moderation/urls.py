"""Addresses of the review pages."""

from __future__ import annotations

from django.urls import path

from apps.moderation import material, pages, report_pages

app_name = "moderation"
urlpatterns = [
    path("", pages.queue, name="queue"),
    path("cases/<int:case_pk>/", pages.case, name="case"),
    path("cases/<int:case_pk>/media", material.case_media, name="media"),
    path("cases/<int:case_pk>/claim", pages.claim, name="claim"),
    path("cases/<int:case_pk>/release", pages.release, name="release"),
    path("cases/<int:case_pk>/escalate", pages.escalate, name="escalate"),
    path("cases/<int:case_pk>/decide", pages.decide, name="decide"),
    path("cases/<int:case_pk>/alike/", pages.alike, name="alike"),
    path("cases/<int:case_pk>/alike/decide", pages.decide_alike, name="decide_alike"),
    path("decisions/", pages.decided, name="decided"),
    path("decisions/<int:decision_pk>/undo", pages.undo, name="undo"),
    path("appeals/", pages.appeal_list, name="appeals"),
    path("appeals/<int:appeal_pk>/answer", pages.answer_appeal, name="answer"),
    path("quality/", pages.look_list, name="quality"),
    path("quality/<int:look_pk>/judge", pages.judge, name="judge"),
    path("statistics/", report_pages.statistics, name="statistics"),
    path("transparency/", report_pages.transparency, name="transparency"),
    path("audit.jsonl", report_pages.audit, name="audit"),
]
