"""The one Piccolo app: all tables, because one transaction spans them."""

from pathlib import Path

from piccolo.conf.apps import AppConfig, table_finder

APP_CONFIG = AppConfig(
    app_name="reglament",
    migrations_folder_path=str(Path(__file__).with_name("piccolo_migrations")),
    table_classes=table_finder(["service.tables"]),
    migration_dependencies=[],
)
