"""Which task is rung for which waiting rows."""

from accounts.models import ImportBatch
from allocation.tasks.importing import apply_import, stage_import
from allocation.tasks.sweeping import Errand

ERRANDS = (
    Errand(ImportBatch, ("queued", "staging"), stage_import, "batch_id"),
    Errand(ImportBatch, ("confirmed", "applying"), apply_import, "batch_id"),
)
