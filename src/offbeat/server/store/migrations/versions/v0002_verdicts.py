"""Labels in the library's four verdicts, with channels, and who said it when."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ADDED: dict[str, sa.types.TypeEngine[Any]] = {
    "channels": sa.JSON(),
    "said_by": sa.String(120),
    "said_at": sa.String(40),
}
LABELS = sa.table(
    "labels",
    *(sa.column(name) for name in ("verdict", "source", "created_by", "created_at")),
    *(sa.column(name, kind) for name, kind in ADDED.items()),
)


def upgrade() -> None:
    """An anomaly that no event and no file gave was marked by hand: nothing had alarmed."""
    with op.batch_alter_table("labels") as table:
        table.alter_column("verdict", existing_type=sa.String(10), type_=sa.String(20))
        for name, kind in ADDED.items():
            table.add_column(sa.Column(name, kind, nullable=True))
    verdict, source = LABELS.c.verdict, LABELS.c.source
    op.execute(
        LABELS.update().values(
            verdict=sa.case(
                (sa.and_(verdict == "anomaly", source == "person"), "missed"),
                (verdict == "anomaly", "true alarm"),
                (verdict == "normal", "false alarm"),
                else_=verdict,
            ),
            channels=[],
            said_by=LABELS.c.created_by,
            said_at=LABELS.c.created_at,
        )
    )
    with op.batch_alter_table("labels") as table:
        for name, kind in ADDED.items():
            table.alter_column(name, existing_type=kind, nullable=False)


def downgrade() -> None:
    """Three words again; labels of some channels speak of all."""
    verdict = LABELS.c.verdict
    op.execute(
        LABELS.update().values(
            verdict=sa.case(
                (verdict.in_(("true alarm", "missed")), "anomaly"),
                (verdict == "false alarm", "normal"),
                else_=verdict,
            )
        )
    )
    with op.batch_alter_table("labels") as table:
        for name in ADDED:
            table.drop_column(name)
        table.alter_column("verdict", existing_type=sa.String(20), type_=sa.String(10))
