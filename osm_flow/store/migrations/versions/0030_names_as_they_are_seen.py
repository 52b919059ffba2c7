"""Names of people that earlier versions took with signs that nobody sees are kept as they are read."""

from __future__ import annotations

import re

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

people = sa.table("people", sa.column("id", sa.Integer), sa.column("display_name", sa.String))
# Controls, soft hyphens, signs without width, and those that turn the direction of letters.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def upgrade() -> None:
    """Leave the signs out; a name in which nothing else stands stays what it is."""
    bind = op.get_bind()
    for person_id, name in bind.execute(sa.select(people.c.id, people.c.display_name)).all():
        read = " ".join(_UNSEEN.sub(lambda sign: " " if sign[0] in "\t\n\r\u2028\u2029" else "", name).split())
        if read and _UNSEEN.search(name):
            bind.execute(people.update().where(people.c.id == person_id).values(display_name=read))


def downgrade() -> None:
    """What nobody saw is gone; nothing is changed."""
