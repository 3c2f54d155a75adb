"""Where Piccolo's own commands find the engine and the app; `reglament` itself needs no PICCOLO_CONF."""

import os

from piccolo.conf.apps import AppRegistry

from service.database import DB as DB

APP_REGISTRY = AppRegistry(apps=["service.piccolo_app"])

if not DB.config and (dsn := os.environ.get("REGLAMENT_DATABASE_URL")):  # `piccolo migrations new`, psql, …
    DB.configure(dsn)
