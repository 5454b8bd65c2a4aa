"""What visitors see: templates, style, languages, helpers, own pages and the filters of the catalog. No data rule lives here."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import ckan.plugins as p
from ckan.plugins import toolkit
from ckanext.citylake import density, feeds, figures, filters, helpers, preview, wording
from ckanext.citylake.pages import pages
from flask import Blueprint


class Theme(p.IConfigurer, p.ITemplateHelpers, p.ITranslation, p.IFacets, p.IFeed, p.IBlueprint):  # type: ignore[misc]
    """A part of the plugin. It stands first in `ckan.plugins`, so that its templates and its words win."""

    def update_config(self, config: Any) -> None:
        """Our templates and files; settings that the pages count on."""
        toolkit.add_template_directory(config, "templates")
        toolkit.add_public_directory(config, "public")
        config["ckan.favicon"] = "/citylake/mark.svg"
        config["search.facets.limit"] = 200

    def get_helpers(self) -> dict[str, Any]:
        """`h.citylake_*`; and the page's language for CKAN's own layout."""
        found = {name: helper for module in (helpers, filters, figures, preview, density) for name, helper in module.helpers_of().items()}
        return {**found, "unix_locale_to_bcp47": _bcp47}

    def get_blueprint(self) -> list[Blueprint]:
        """Our own pages."""
        return [pages]

    def get_feed_class(self) -> type[feeds.Feed]:
        """Feeds in the reader's language."""
        return feeds.Feed

    def get_item_additional_fields(self, dataset_dict: dict[str, Any]) -> dict[str, Any]:
        """A feed's entry."""
        return feeds.entry_of(dataset_dict)

    def i18n_directory(self) -> str:
        """Where our catalog lies."""
        return str(Path(__file__).parent / "i18n")

    def i18n_locales(self) -> list[str]:
        """The languages it has beside English."""
        return ["zh_Hans_CN"]

    def i18n_domain(self) -> str:
        """Its file name."""
        return "ckanext-citylake"

    def dataset_facets(self, facets: Any, package_type: str) -> Any:
        """The filters of the catalog."""
        return OrderedDict((key, toolkit._(name)) for key, name in wording.FACETS.items())

    def group_facets(self, facets: Any, group_type: str, package_type: str | None) -> Any:
        """The same within a field."""
        return self.dataset_facets(facets, "dataset")

    def organization_facets(self, facets: Any, organization_type: str, package_type: str | None) -> Any:
        """The same within a department."""
        return self.dataset_facets(facets, "dataset")


def _bcp47(locale: str) -> str:
    return {"zh_Hans_CN": "zh-CN"}.get(locale, locale.replace("_", "-"))
