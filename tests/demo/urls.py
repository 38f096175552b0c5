"""Addresses of the demo."""

from __future__ import annotations

from django.conf import settings
from django.urls import path
from django.views.static import serve

from tests.demo import views

urlpatterns = [
    path("", views.gallery, name="gallery"),
    path("pictures/<int:pk>/", views.picture, name="picture"),
    path("pictures/<int:pk>/delete/", views.delete_picture, name="delete-picture"),
    path("documents/", views.documents, name="documents"),
    path("documents/<int:pk>/table/", views.table, name="table"),
    path("documents/<int:pk>/delete/", views.delete_document, name="delete-document"),
    path("private/<str:token>/", views.private, name="private"),
    # In production the web server does this, or the object store itself.
    path("media/<path:path>", serve, {"document_root": settings.MEDIA_ROOT}),
]
