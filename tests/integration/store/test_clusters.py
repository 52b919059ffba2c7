"""The clusters as shipped: 18 of them, 76 provinces, each with its own code, name and abbreviation."""

from __future__ import annotations

import re
from collections import Counter, defaultdict

from osm_flow.store.clusters import ClusterRow, cluster_rows

THAI = re.compile(r"^[\u0e00-\u0e7f ]+$")


def by_cluster() -> dict[str, list[ClusterRow]]:
    found = defaultdict(list)
    for row in cluster_rows():
        found[row.cluster].append(row)
    return found


def test_every_province_but_the_capital_is_in_one_cluster() -> None:
    assert len(by_cluster()) == 18
    assert len(cluster_rows()) == 76
    assert max(Counter(row.province for row in cluster_rows()).values()) == 1
    assert "TH-10" not in {row.province for row in cluster_rows()}


def test_codes_and_names_tell_provinces_apart() -> None:
    for name in ("province", "province_th", "province_en", "abbr_th"):
        values = [getattr(row, name) for row in cluster_rows()]
        assert all(values), name
        assert len(set(values)) == len(values), name
    assert all(re.fullmatch(r"TH-\d\d", row.province) for row in cluster_rows())
    assert all(THAI.match(row.province_th) and THAI.match(row.abbr_th) for row in cluster_rows())


def test_a_cluster_has_one_name_one_region_and_one_centre() -> None:
    for cluster, rows in by_cluster().items():
        assert len({(row.cluster_th, row.cluster_en, row.region_th, row.region_en) for row in rows}) == 1, cluster
        assert sum(row.is_centre for row in rows) == 1, cluster
        assert 2 <= len(rows) <= 8, cluster
    assert len({rows[0].cluster_th for rows in by_cluster().values()}) == 18


def test_names_fit_the_tables_they_go_into() -> None:
    assert max(len(row.cluster) for row in cluster_rows()) <= 16
    assert max(len(row.province_th) for row in cluster_rows()) <= 64
    assert max(len(row.abbr_th) for row in cluster_rows()) <= 8


def test_the_cluster_of_the_demo_is_that_of_udon_thani() -> None:
    rows = by_cluster()["NE-U1"]

    assert {row.province: row.province_th for row in rows} == {
        "TH-38": "บึงกาฬ",
        "TH-39": "หนองบัวลำภู",
        "TH-41": "อุดรธานี",
        "TH-42": "เลย",
        "TH-43": "หนองคาย",
    }
    assert [row.province_th for row in rows if row.is_centre] == ["อุดรธานี"]


def test_the_list_is_read_once() -> None:
    assert cluster_rows() is cluster_rows()
