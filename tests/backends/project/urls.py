"""The admin, and a page that shows what was uploaded."""

from django.contrib import admin
from django.urls import path
from django.views.generic import DetailView

from tests.backends.project.models import Article

urlpatterns = [
    path("admin/", admin.site.urls),
    path("<int:pk>/", DetailView.as_view(model=Article), name="article"),
]
