"""The offices of the clusters and their provinces."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from osm_flow.store.clusters import cluster_rows
from osm_flow.store.inserts import insert_once
from osm_flow.store.models import Office, Province


def offices(session: Session) -> Sequence[Office]:
    """Every office with its provinces, in the order of cluster codes."""
    return session.scalars(select(Office).options(selectinload(Office.provinces)).order_by(Office.id)).all()


def seed_clusters(session: Session) -> int:
    """Add the clusters and provinces that are not there yet; what is there stays. Returns how many provinces are new."""
    known_offices = set(session.scalars(select(Office.id)))
    known_provinces = set(session.scalars(select(Province.id)))
    added = 0
    for (
        row
    ) in cluster_rows():  # always in one order: nodes that start together wait for each other and never in a circle
        if row.cluster not in known_offices:
            known_offices.add(row.cluster)
            insert_once(
                session,
                Office,
                id=row.cluster,
                name_th=row.cluster_th,
                name_en=row.cluster_en,
                region_th=row.region_th,
                region_en=row.region_en,
            )
        if row.province not in known_provinces:
            added += insert_once(
                session,
                Province,
                id=row.province,
                office_id=row.cluster,
                name_th=row.province_th,
                name_en=row.province_en,
                abbr_th=row.abbr_th,
                is_centre=row.is_centre,
            )
    return added
