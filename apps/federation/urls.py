"""Addresses under `/api/v1/federation/`."""

from __future__ import annotations

from django.urls import path

from apps.federation import views

urlpatterns = [
    path("cards", views.Cards.as_view()),
    path("model", views.GlobalModels.as_view()),
    path("round", views.OpenRound.as_view()),
    path("rounds/<uuid:round_id>/devices", views.Devices.as_view()),
    path("rounds/<uuid:round_id>/task", views.Task.as_view()),
    path("rounds/<uuid:round_id>/shares", views.Shares.as_view()),
    path("rounds/<uuid:round_id>/masked", views.Masked.as_view()),
    path("rounds/<uuid:round_id>/revealed", views.Revealed.as_view()),
]
