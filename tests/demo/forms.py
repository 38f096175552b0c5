"""The upload forms."""

from __future__ import annotations

from django import forms

from tests.demo.models import Document, Picture

__all__ = ["DocumentForm", "PictureForm", "ReplacementForm"]


class PictureForm(forms.ModelForm):
    """Uploads a picture. Pillow sees to it that it is one."""

    class Meta:
        model = Picture
        fields = ("title", "image")


class ReplacementForm(forms.ModelForm):
    """Puts another image in the place of a picture's."""

    image = forms.ImageField(widget=forms.FileInput)

    class Meta:
        model = Picture
        fields = ("image",)


class DocumentForm(forms.ModelForm):
    """Uploads any file."""

    class Meta:
        model = Document
        fields = ("file",)
