"""Which view answers where."""

from __future__ import annotations

from django.urls import path

from . import views

urlpatterns = [
    path("tickets/<int:order>", views.ticket),
    path("orders/<int:order>/signature", views.signature),
]
