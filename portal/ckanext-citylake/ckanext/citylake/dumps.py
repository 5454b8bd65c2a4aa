"""A table as one file, in CKAN's place: CKAN's own dump reads page by page while tables may be exchanged, and its JSON and XML go
through floats. Here all pages come from one moment, and numbers keep every digit.

The columns are called by their physical names, as in the API, its filters, and the published Parquet and JSON Lines: a program
reads them. Chinese headings are in the published CSV and XLSX files, and in `datastore_info`. CKAN's row number is left out.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from typing import IO, Any

import ckan.plugins.toolkit as tk
import simplejson
from ckanext.citylake import tables
from ckanext.datastore.backend import DatastoreBackend
from ckanext.datastore.backend.postgres import _cache_types, _get_fields, get_read_engine, search_data
from ckanext.datastore.blueprint import dump_schema
from ckanext.datastore.logic.schema import datastore_search_schema
from ckanext.datastore.writer import csv_writer, json_writer, tsv_writer, xml_writer
from flask import Response, request
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

PAGE = 32_000        # rows
SECONDS = 60.0       # of one query
IN_MEMORY = 2**20    # bytes; larger ones go to disk
_KINDS = {"csv": ("text/csv; charset=utf-8", csv_writer, "csv"), "tsv": ("text/tab-separated-values; charset=utf-8", tsv_writer, "tsv"),
          "json": ("application/json; charset=utf-8", json_writer, "lists"), "xml": ("text/xml; charset=utf-8", xml_writer, "objects")}
_PASSED = ("filters", "q", "distinct", "plain", "language", "fields", "sort")


def answer(resource: str, arguments: Mapping[str, str]) -> Response:
    """The table behind a resource's id or an alias; 404 where there is none or the reader may not have it, 400 for bad parameters."""
    wanted, errors = tk.navl_validate(dict(arguments), {**dump_schema(), "format": _format()}, {})
    if errors:
        tk.abort(400, "\n".join(f"{key}: {' '.join(map(str, found))}" for key, found in errors.items()))
    table = _readable(resource)
    media = _KINDS[wanted["format"]][0]
    headers = {"Content-Disposition": f'attachment; filename="{table}.{wanted["format"]}"', "Content-Type": media}
    if request.method == "HEAD":
        return Response(headers=headers)
    spool: IO[bytes] = tempfile.SpooledTemporaryFile(IN_MEMORY)      # noqa: SIM115  the answer closes it
    try:
        _write(table, wanted, spool)
    except (tk.ValidationError, DBAPIError):      # a column that is not there, a filter that does not fit, too long a query
        tk.abort(400, tk._("The query does not fit the table, or takes too long."))
    headers["Content-Length"] = str(spool.tell())
    spool.seek(0)
    return Response(_blocks(spool), headers=headers)


def _format() -> list[Any]:
    """CKAN's own check fails where it should refuse."""
    return [tk.get_validator("default")("csv"), tk.get_validator("one_of")(list(_KINDS))]


def _readable(resource: str) -> str:
    exists, real = DatastoreBackend.get_active_backend().resource_id_from_alias(resource)
    table = real or resource
    try:
        if not exists:
            raise tk.ObjectNotFound(resource)
        tk.check_access("datastore_search", {}, {"resource_id": table})
    except (tk.NotAuthorized, tk.ObjectNotFound):
        tk.abort(404, tk._("DataStore resource not found"))
    return table


def _write(table: str, wanted: Mapping[str, Any], spool: IO[bytes]) -> None:
    _, writer_of, form = _KINDS[wanted["format"]]
    _cache_types(get_read_engine())
    with tables.snapshot(SECONDS) as connection:
        pages = _pages(connection, table, wanted, form)
        first = next(pages)
        with writer_of(first["fields"], bom=wanted["bom"]) as writer:
            spool.write(writer.write_records(_records(first)))
            for page in pages:
                spool.write(writer.write_records(_records(page)))
            spool.write(writer.end_file())


def _pages(connection: Connection, table: str, wanted: Mapping[str, Any], form: str) -> Iterator[dict[str, Any]]:
    """Answers of the DataStore, one after the other, until `limit` rows or the end."""
    asked: dict[str, Any] = {key: wanted[key] for key in _PASSED if key in wanted}
    asked.setdefault("fields", [field["id"] for field in _get_fields(connection, table)])
    offset, left = wanted["offset"], wanted.get("limit")
    after: dict[str, Any] = {}
    while True:
        rows = PAGE if left is None else min(PAGE, left)
        page = _page(connection, {**asked, "resource_id": table, "records_format": form, "limit": rows, "offset": 0 if after else offset,
                                  "filters": {**(asked.get("filters") or {}), **after}})
        got = _count(page)
        yield page
        left = None if left is None else left - page["limit"]
        if not got or (left is not None and left <= 0):
            return
        offset, after = offset + page["limit"], page.get("next_page", {})


def _page(connection: Connection, asked: dict[str, Any]) -> dict[str, Any]:
    valid, errors = tk.navl_validate({**asked, "include_total": False, "include_next_page": True}, datastore_search_schema(), {})
    if errors:
        raise tk.ValidationError(errors)
    found: dict[str, Any] = search_data({"connection": connection, "api_version": 3}, valid)
    return found


def _count(page: Mapping[str, Any]) -> int:
    """Whether there were rows: their text, or their list."""
    return len(page["records"]) if not hasattr(page["records"], "encoded_json") else 1


def _records(page: Mapping[str, Any]) -> Any:
    """Rows for CKAN's writers: CSV text as it is; JSON with every number as it was written."""
    records = page["records"]
    return simplejson.loads(records.encoded_json, use_decimal=True) if hasattr(records, "encoded_json") else records


def _blocks(spool: IO[bytes]) -> Iterator[bytes]:
    with spool:
        while block := spool.read(2**16):
            yield block
