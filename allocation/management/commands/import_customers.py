"""`import_customers FILE`: customers from CSV or XLSX."""

from accounts.models import ImportKind
from allocation.management.import_command import ImportCommand


class Command(ImportCommand):
    help = "Import customers from a CSV file or an .xlsx workbook (docs/importing.md)."
    kind = ImportKind.CUSTOMERS
