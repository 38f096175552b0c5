"""The pages: Django as everybody writes it. Only ``private`` and ``table`` use what Django's storages do not have."""

from __future__ import annotations

import mimetypes

import pandas as pd
from django.core import signing
from django.core.files.storage import storages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tests.demo.forms import DocumentForm, PictureForm, ReplacementForm
from tests.demo.models import Document, Picture

__all__ = ["delete_document", "delete_picture", "documents", "gallery", "picture", "private", "table"]

#: For how many seconds a private link is good.
LINK_SECONDS = 600
#: How many rows of a table are shown.
ROWS = 100
_SALT = "tests.demo.private"


@require_http_methods(["GET", "POST"])
def gallery(request: HttpRequest) -> HttpResponse:
    """Show all pictures; take a new one."""
    form = PictureForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        return redirect("gallery")
    return render(request, "demo/gallery.html", {"form": form, "pictures": Picture.objects.all()})


@require_http_methods(["GET", "POST"])
def picture(request: HttpRequest, pk: int) -> HttpResponse:
    """Show one picture; take another image in its place."""
    found = get_object_or_404(Picture, pk=pk)
    replaced = str(found.image.name)
    form = ReplacementForm(request.POST or None, request.FILES or None, instance=found)
    if request.method == "POST" and form.is_valid():
        form.save()
        found.image.storage.delete(
            replaced
        )  # the new file has a name of its own, so nobody ever saw half of one
        return redirect("picture", pk)
    found = get_object_or_404(Picture, pk=pk)  # the form has put what it refused into the other
    return render(request, "demo/picture.html", {"form": form, "picture": found})


@require_POST
def delete_picture(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a picture and its file."""
    found = get_object_or_404(Picture, pk=pk)
    found.delete()
    found.image.delete(save=False)
    return redirect("gallery")


@require_http_methods(["GET", "POST"])
def documents(request: HttpRequest) -> HttpResponse:
    """Show all documents, each with a link that is good for a while; take a new one."""
    form = DocumentForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        form.save()
        return redirect("documents")
    listed = [(document, _private_link(document)) for document in Document.objects.all()]
    return render(
        request, "demo/documents.html", {"form": form, "documents": listed, "minutes": LINK_SECONDS // 60}
    )


def _private_link(document: Document) -> str:
    return reverse("private", args=[signing.dumps(document.file.name, salt=_SALT)])


@require_safe
def private(request: HttpRequest, token: str) -> HttpResponseBase:
    """Send a document to whoever has a link that we signed: piece by piece, however large it is."""
    try:
        name = signing.loads(token, salt=_SALT, max_age=LINK_SECONDS)
    except signing.BadSignature:
        return render(request, "demo/refused.html", status=403)
    try:
        stream = storages["private"].open_stream(name)  # type: ignore[attr-defined]
    except FileNotFoundError as error:
        raise Http404(f"{name} was deleted.") from error
    return StreamingHttpResponse(
        stream,
        content_type=mimetypes.guess_type(name)[0] or "application/octet-stream",
        headers={
            "Content-Length": str(stream.length),
            "Content-Disposition": content_disposition_header(True, name.rpartition("/")[2]) or "attachment",
            "Cache-Control": "private, no-store",
        },
    )


@require_safe
def table(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a csv document as a table: pandas finds it by its alias and name, wherever the storage keeps it."""
    document = get_object_or_404(Document, pk=pk)
    url = f"djstorage://private/{document.file.name}"
    context = {"document": document, "url": url, "rows_shown": ROWS}
    try:
        frame = pd.read_csv(url)
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError) as error:
        return render(request, "demo/table.html", {**context, "error": error})
    context |= {
        "columns": frame.columns,
        "rows": frame.head(ROWS).itertuples(index=False),
        "count": len(frame),
    }
    return render(request, "demo/table.html", context)


@require_POST
def delete_document(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a document and its file."""
    found = get_object_or_404(Document, pk=pk)
    found.delete()
    found.file.delete(save=False)
    return redirect("documents")
