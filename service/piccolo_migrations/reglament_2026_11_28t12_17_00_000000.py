from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import BigInt
from piccolo.columns.indexes import IndexMethod

ID = "2026-11-28T12:17:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Which record stands for a merged organisation or person."


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="reglament", description=DESCRIPTION)

    for table_class_name, tablename in (("Organisation", "organisation"), ("Contact", "contact")):
        manager.add_column(
            table_class_name=table_class_name,
            tablename=tablename,
            column_name="merged_into",
            db_column_name="merged_into",
            column_class_name="BigInt",
            column_class=BigInt,
            params={
                "default": None,
                "null": True,
                "primary_key": False,
                "unique": False,
                "index": False,
                "index_method": IndexMethod.btree,
                "choices": None,
                "db_column_name": None,
                "secret": False,
            },
            schema=None,
        )

    return manager
