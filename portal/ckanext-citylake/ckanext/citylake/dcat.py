"""Datasets and the catalog as DCAT-AP 3."""

from __future__ import annotations

from ckanext.dcat.profiles import EuropeanDCATAP3Profile


class CitylakeProfile(EuropeanDCATAP3Profile):
    """DCAT-AP 3 from our pages."""
