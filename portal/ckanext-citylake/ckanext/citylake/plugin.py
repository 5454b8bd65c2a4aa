"""The plugin: names what the other modules bring. No rule lives here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ckan.plugins as p
from ckan.plugins import toolkit
from ckanext.citylake import actions, auth, routes, search
from ckanext.citylake.theme import Theme


class CitylakePlugin(Theme, auth.Labels, p.IConfigDeclaration, p.IConfigurable, p.IActions, p.IAuthFunctions,
                     p.IValidators, p.IPermissionLabels, p.IPackageController, p.SingletonPlugin):
    """Everything of the portal; what visitors see comes from `Theme`."""

    def declare_config_options(self, declaration: Any, key: Any) -> None:
        """The one option of ours."""
        declaration.declare(key.ckanext.citylake.publisher, auth.PUBLISHER).set_description("The account that publishes.")

    def configure(self, config: Any) -> None:
        """`_table_metadata` names every table of the DataStore, and by default anybody may read it."""
        toolkit.config["ckan.datastore.public_table_search"] = []

    def get_actions(self) -> Mapping[str, actions.Action]:
        return actions.functions()

    def get_auth_functions(self) -> Mapping[str, auth.Auth]:
        return auth.functions()

    def get_validators(self) -> Mapping[str, Any]:
        return {"citylake_publishers_only": auth.publishers_only}

    def get_blueprint(self) -> list[Any]:
        return [routes.data, *super().get_blueprint()]

    def before_dataset_search(self, search_params: dict[str, Any]) -> dict[str, Any]:
        return search.asked(search_params)

    def before_dataset_index(self, pkg_dict: dict[str, Any]) -> dict[str, Any]:
        return search.indexed(pkg_dict)
