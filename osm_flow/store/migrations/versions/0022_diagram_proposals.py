"""New versions of processes are proposed by an office and published for all by another person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "diagram_proposals",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("office_id", sa.String(16), sa.ForeignKey("offices.id", name="fk_diagram_proposals_office_id")),
        sa.Column("proposed_by", sa.String(64), nullable=False),
        sa.Column("proposed_at", sa.String(27), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("decided_by", sa.String(64)),
        sa.Column("decided_at", sa.String(27)),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column(
            "deployment_id",
            sa.Integer,
            sa.ForeignKey("deployments.id", name="fk_diagram_proposals_deployment_id"),
        ),
    )
    op.create_index("ix_diagram_proposals_state", "diagram_proposals", ["state"])
    op.create_table(
        "proposed_files",
        sa.Column(
            "proposal_id",
            sa.Integer,
            sa.ForeignKey("diagram_proposals.id", name="fk_proposed_files_proposal_id"),
            primary_key=True,
        ),
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("proposed_files")
    op.drop_table("diagram_proposals")
