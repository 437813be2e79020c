"""The import commands, as tests call them."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from tests.importing.readers import Import


@pytest.fixture
def load(tmp_path: Path) -> Import:
    """`load(text, **options)` imports customers; gives the JSON answer with the words for people under `said`."""

    def run(
        text: str | bytes,
        command: str = "import_customers",
        mapping: dict[str, str] | None = None,
        mapping_name: str = "",
        **options: Any,
    ) -> dict[str, Any]:
        path = tmp_path / "list.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        if mapping is not None:
            options["mapping"] = str(tmp_path / "mapping.json")
            Path(options["mapping"]).write_text(json.dumps(mapping), encoding="utf-8")
        if mapping_name:
            options["mapping"] = mapping_name
        out, err = StringIO(), StringIO()
        call_command(command, str(path), format="json", stdout=out, stderr=err, **options)
        answer: dict[str, Any] = json.loads(out.getvalue())
        assert answer["rows"] == sum(answer[key] for key in ("created", "updated", "unchanged", "rejected"))
        return answer | {"said": err.getvalue()}

    return run
