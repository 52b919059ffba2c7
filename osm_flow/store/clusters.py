"""The 18 provincial clusters and their 76 provinces, as shipped with the product."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).parent / "data" / "clusters.csv"


@dataclass(frozen=True)
class ClusterRow:
    """One province and the cluster it belongs to."""

    cluster: str
    cluster_th: str
    cluster_en: str
    region_th: str
    region_en: str
    province: str
    province_th: str
    province_en: str
    abbr_th: str
    is_centre: bool


@cache
def cluster_rows() -> tuple[ClusterRow, ...]:
    """The provinces of all clusters, as the product ships them."""
    with _FILE.open(encoding="utf-8", newline="") as file:
        return tuple(_row(line) for line in csv.DictReader(file))


def _row(line: dict[str, str]) -> ClusterRow:
    return ClusterRow(
        cluster=line["cluster_code"],
        cluster_th=line["cluster_th"],
        cluster_en=line["cluster_en"],
        region_th=line["region_th"],
        region_en=line["region_en"],
        province=line["iso_3166_2"],
        province_th=line["province_th"],
        province_en=line["province_en"],
        abbr_th=line["province_abbr_th"],
        is_centre=line["is_centre"] == "1",
    )
