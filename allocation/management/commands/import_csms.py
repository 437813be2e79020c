"""`import_csms FILE`: CSMs, their teams and skills from CSV or XLSX."""

from accounts.models import ImportKind
from allocation.management.import_command import ImportCommand


class Command(ImportCommand):
    help = "Import CSMs from a CSV file or an .xlsx workbook (docs/importing.md)."
    kind = ImportKind.CSMS
