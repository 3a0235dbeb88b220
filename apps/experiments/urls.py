"""Addresses of the pages below `/ops/experiments/`."""

from __future__ import annotations

from django.urls import path

from apps.experiments import pages

urlpatterns = [
    path("", pages.experiment_list, name="experiments"),
    path("new", pages.experiment_edit, name="experiment_new"),
    path("<slug:key>/", pages.experiment_detail, name="experiment"),
    path("<slug:key>/edit", pages.experiment_edit, name="experiment_edit"),
    path("<slug:key>/start", pages.experiment_start, name="experiment_start"),
    path("<slug:key>/ramp", pages.experiment_ramp, name="experiment_ramp"),
    path("<slug:key>/stop", pages.experiment_stop, name="experiment_stop"),
    path("<slug:key>/judge", pages.experiment_judge, name="experiment_judge"),
    path("<slug:key>/force", pages.experiment_force, name="experiment_force"),
]
