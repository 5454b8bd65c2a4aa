"""What gunicorn serves: CKAN from the file that CKAN_INI names. Runs in CKAN's environment."""

import os
from logging.config import fileConfig

from ckan.cli import CKANConfigLoader
from ckan.config.middleware import make_app

config = CKANConfigLoader(os.environ["CKAN_INI"]).get_config()
fileConfig(os.environ["CKAN_INI"], disable_existing_loggers=False)      # after CKAN's own, which silences every logger there is
application = make_app(config)
