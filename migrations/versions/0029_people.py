"""People who sign in with an identity provider, and the keys that end with their membership."""

import sqlalchemy as sa
from alembic import op

from migrations.online import create_index

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_OF_PERSON = "fk_api_keys_person_id"


def upgrade() -> None:
    op.create_table(
        "people",
        sa.Column("id", sa.Uuid(), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("refresh_token", sa.LargeBinary(), nullable=True),
        sa.Column("holds_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("check_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name="pk_people"),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_people_issuer_subject")),
        if_not_exists=True,
    )
    op.add_column("api_keys", sa.Column("person_id", sa.Uuid(), nullable=True), if_not_exists=True)
    op.execute(
        f"""
        DO $$ BEGIN
            ALTER TABLE api_keys ADD CONSTRAINT {_OF_PERSON}
                FOREIGN KEY (person_id) REFERENCES people (id) NOT VALID;
        EXCEPTION WHEN duplicate_object THEN NULL;
        END $$
        """
    )
    with op.get_context().autocommit_block():
        op.execute(f"ALTER TABLE api_keys VALIDATE CONSTRAINT {_OF_PERSON}")
    create_index("ix_people_check_at", "people", ["check_at"], "refresh_token IS NOT NULL")
    create_index("ix_api_keys_person_id", "api_keys", ["person_id"], "person_id IS NOT NULL")


def downgrade() -> None:
    # Nobody asks the provider any more, so these would be valid for good. An API of the release before that
    # ran beside this one has made keys by them without the person.
    op.execute(
        """
        WITH RECURSIVE of_people AS (
            SELECT id FROM api_keys WHERE person_id IS NOT NULL
            UNION
            SELECT api_keys.id FROM api_keys JOIN of_people ON api_keys.created_by = of_people.id
        )
        UPDATE api_keys SET revoked_at = clock_timestamp()
        WHERE revoked_at IS NULL AND id IN (SELECT id FROM of_people)
        """
    )
    op.drop_index("ix_api_keys_person_id", "api_keys")
    op.drop_column("api_keys", "person_id")
    op.drop_table("people")
