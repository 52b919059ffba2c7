"""The register keeps the last report and the contracts of each project."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column and the table; what is there stays as it is."""
    op.add_column("projects", sa.Column("last_report", sa.Text(), nullable=True))
    op.create_table(
        "contracts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("contract_no", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Numeric(precision=14, scale=2), nullable=False),
        sa.Column("sign_date", sa.Date(), nullable=False),
        sa.Column("end_date", sa.Date(), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_contracts_case_id_cases")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_contracts_project_id_projects")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contracts")),
    )
    op.create_index(
        op.f("ix_contracts_project_id_contract_no"), "contracts", ["project_id", "contract_no"], unique=True
    )
    op.create_index(op.f("ix_contracts_case_id"), "contracts", ["case_id"])


def downgrade() -> None:
    """Forget them again."""
    op.drop_table("contracts")
    op.drop_column("projects", "last_report")
