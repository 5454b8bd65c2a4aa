"""The plugin: names what the other modules bring. No rule lives here."""

from __future__ import annotations

import ckan.plugins as p

from ckanext.citylake.theme import Theme


class CitylakePlugin(Theme, p.SingletonPlugin):
    """Everything of the portal; what visitors see comes from `Theme`."""
