"""The history of the tables, run by :meth:`storage.database.Database.upgrade`."""
