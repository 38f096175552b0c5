"""What is uploaded."""

from django.db import models


class Article(models.Model):
    """With a file and a picture."""

    title = models.CharField(max_length=100)
    attachment = models.FileField(upload_to="attachments")
    picture = models.ImageField(
        upload_to="pictures/%Y", width_field="width", height_field="height", blank=True
    )
    width = models.IntegerField(null=True, editable=False)
    height = models.IntegerField(null=True, editable=False)
