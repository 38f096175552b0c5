"""Where it is uploaded."""

from django.contrib import admin

from tests.backends.project.models import Article

admin.site.register(Article)
