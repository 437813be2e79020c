"""What the database knows about its tables, in tests that fill them by the ten thousand."""

from django.db import connection


def take_statistics() -> None:
    """Let PostgreSQL count what this test wrote; elsewhere nothing is needed.

    A test is one open transaction, whose rows PostgreSQL's own statistics job cannot see: it takes the full tables for
    empty and joins them row by row. Taken here they are right, and the job has to wait until the test is over.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
