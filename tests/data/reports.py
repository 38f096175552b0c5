"""What Django writes to the alias ``reports``."""

from __future__ import annotations

from typing import Any

import pandas as pd
from django.core.files.base import ContentFile

__all__ = ["write_table"]


def write_table(storage: Any, table: pd.DataFrame) -> str:
    """Save a table as CSV, and as Parquet through ``storage.open``; return the URL of their folder."""
    storage.save("2026/table ü.csv", ContentFile(table.to_csv(index=False)))
    with storage.open("2026/table.parquet", "wb") as file:
        table.to_parquet(file)
    return "djstorage://reports/2026"
