"""How much of a file is read before it is refused (settings: UPLOAD_LIMITS)."""

from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Limits:
    """Upper bounds of one upload; the reader stops at the first one it meets."""

    file_bytes: int = 64 * 1024 * 1024
    unzipped_bytes: int = 256 * 1024 * 1024
    unzipped_ratio: int = 100  # a real sheet packs 5 to 30 times; a bomb a thousand times
    rows: int = 200_000
    columns: int = 100
    cells: int = 5_000_000
    cell_characters: int = 32_767  # what a spreadsheet cell can hold
    reader_seconds: int = 60
    reader_memory_bytes: int = 1024 * 1024 * 1024

    @classmethod
    def of(cls, settings: Mapping[str, int]) -> "Limits":
        """The defaults with what the settings name laid over them; unknown names are refused."""
        unknown = set(settings) - {field.name for field in fields(cls)}
        if unknown:
            raise ValueError(f"UPLOAD_LIMITS names limits that do not exist: {', '.join(sorted(unknown))}")
        return cls(**settings)
