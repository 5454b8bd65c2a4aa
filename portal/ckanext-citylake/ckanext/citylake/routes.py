"""Addresses under which data leave the portal: files at /data, tables at /datastore/dump (in CKAN's place). 404 for all else."""

from __future__ import annotations

import logging
from typing import Any

import ckan.plugins.toolkit as tk
from ckanext.citylake import dumps, published
from ckanext.citylake.files import store
from flask import Blueprint, Response, request, send_file

data = Blueprint("citylake_data", __name__)
log = logging.getLogger(__name__)


@data.route("/data/<name>/<release>/<path:file>")
def file(name: str, release: str, file: str) -> Any:
    """A file of a release, whole or in ranges; `latest` leads to the newest release's, by file name or format."""
    found = published.find_file(name, release, file)
    if found is None:
        return tk.abort(404)
    if release == published.LATEST:
        return tk.redirect_to("citylake_data.file", name=name, release=found.release, file=found.name, locale="default")
    path = store().path(found.sha256)
    try:
        return send_file(path, mimetype=found.media, as_attachment=True, download_name=found.name, etag=found.sha256, conditional=True)
    except FileNotFoundError:
        log.error("A file that a page names is not in the store.")
        return tk.abort(404)


@data.route("/datastore/dump/<resource_id>")
def dump(resource_id: str) -> Response:
    """The rows of one moment as one file; the parameters are those of CKAN's own dump."""
    return dumps.answer(resource_id, request.args.to_dict())


@data.after_request
def checked(response: Response) -> Response:
    """What is shown may end at any time: caches ask first."""
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
