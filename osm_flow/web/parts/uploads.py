"""A file that a page sent, kept with its case."""

from __future__ import annotations

from flask import current_app, flash, g, request

from osm_flow.errors import Invalid
from osm_flow.operations.cases import attachments
from osm_flow.operations.cases.attachments import GivenFile
from osm_flow.web.forms.posted import posted_key
from osm_flow.web.site.i18n import gettext


class FileMissing(Invalid):
    """Choose a file first."""


def keep_upload(case_id: str, work_item_id: str | None = None) -> None:
    """Keep the posted file with the case. Raises FileMissing and what `attach` raises."""
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        raise FileMissing(fields={"file": FileMissing.__doc__ or ""})
    file, key = GivenFile(upload.filename, upload.read(), current_app.config["QUOTAS"]), posted_key()
    attachments.attach(g.session, case_id, g.actor, g.now, file, work_item_id=work_item_id, key=key)
    flash(gettext("แนบ %(name)s แล้ว", name=upload.filename), "success")
