"""ckan.ini: everything that CKAN leaves open and a city closes stands here, and docs/deploy.md explains it."""

from __future__ import annotations

from collections.abc import Mapping

# Only editors write, only a sysadmin makes accounts, organisations and groups, and nobody learns who has an account.
CLOSED = {
    "ckan.auth.anon_create_dataset": "false",
    "ckan.auth.create_unowned_dataset": "false",
    "ckan.auth.create_dataset_if_not_in_organization": "false",
    "ckan.auth.user_create_groups": "false",
    "ckan.auth.user_create_organizations": "false",
    "ckan.auth.user_delete_groups": "false",
    "ckan.auth.user_delete_organizations": "false",
    "ckan.auth.create_user_via_api": "false",
    "ckan.auth.create_user_via_web": "false",
    "ckan.auth.public_user_details": "false",
    "ckan.auth.public_activity_stream_detail": "false",
    "ckan.auth.allow_dataset_collaborators": "false",
    "ckan.auth.create_default_api_keys": "false",
    "ckan.auth.reveal_private_datasets": "false",
    "ckan.auth.enable_cookie_auth_in_api": "false",
    "ckan.datastore.sqlsearch.enabled": "false",
    "ckan.gravatar_default": "disabled",
    "ckan.upload.user.types": "",
    "SESSION_COOKIE_HTTPONLY": "true",
    "SESSION_COOKIE_SAMESITE": "Lax",
    "REMEMBER_COOKIE_HTTPONLY": "true",
    "REMEMBER_COOKIE_SAMESITE": "Lax",
}
# `dcat` and scheming before ours would win with their templates and validators: ours stands first.
CITY = {
    "ckan.plugins": "citylake scheming_datasets datastore dcat",
    "scheming.dataset_schemas": "ckanext.citylake:dataset.yaml",
    "scheming.presets": "ckanext.scheming:presets.json",
    "ckanext.dcat.rdf.profiles": "citylake_dcat_ap",
    "ckan.locale_default": "zh_Hans_CN",
    "ckan.locales_offered": "zh_Hans_CN en",
    "ckan.display_timezone": "Asia/Shanghai",
    "ckan.views.default_views": "",
    "ckan.feeds.limit": "50",
    "ckan.max_resource_size": "0",      # nothing is uploaded past the publisher's own actions
    "ckan.search.solr_commit": "true",
    "ckanext.citylake.publisher": "citylake-publisher",
}
LOGGING = """
[loggers]
keys = root

[handlers]
keys = console

[formatters]
keys = generic

[logger_root]
level = WARNING
handlers = console

[handler_console]
class = StreamHandler
args = (sys.stderr,)
formatter = generic

[formatter_generic]
format = %(asctime)s %(levelname)-5.5s [%(name)s] %(message)s
"""


def text(own: Mapping[str, str]) -> str:
    """The whole file. `own` is what one stack decides: addresses, folders, secrets, title; it wins."""
    options = {"use": "egg:ckan", "config.mode": "strict", **CITY, **CLOSED, **own}
    lines = (f"{key} = {value.replace('%', '%%')}".rstrip() for key, value in options.items())
    return "[app:main]\n" + "\n".join(lines) + "\n" + LOGGING
