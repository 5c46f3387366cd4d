"""What the schema of a service's database refuses, constraint by constraint."""

from .waiting import HarnessError

# Of our own tables. A unique index that is no constraint is told of in the same words.
_CONSTRAINTS = """
    SELECT conname FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'f')
    UNION SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE i.indisunique AND c.relnamespace = 'public'::regnamespace
    EXCEPT SELECT conname FROM pg_constraint WHERE conrelid = 'schema_migrations'::regclass"""
_UNCHECKED = "SELECT conname FROM pg_constraint WHERE NOT convalidated"
_NULLABLE = """
    SELECT attrelid::regclass || '.' || attname FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND attnum > 0
    AND NOT attisdropped AND NOT attnotnull"""


class SchemaCases:
    """Mixed into a ServiceTest: `good` adds a row to each table; `broken` has a statement behind it
    for each constraint, which breaks that one; `nullable` names the columns that may be NULL."""

    good = ""
    broken = {}
    nullable = set()

    def names(self, sql):
        return set(self.mesh.postgres.psql(sql).split())

    def test_each_constraint_refuses(self):
        self.mesh.postgres.psql(f"BEGIN; {self.good}; ROLLBACK")
        for name, statement in self.broken.items():
            with self.subTest(name), self.assertRaisesRegex(HarnessError, f'constraint "{name}"'):
                self.mesh.postgres.psql(f"BEGIN; {self.good}; {statement}; ROLLBACK")

    def test_no_constraint_is_left_out(self):
        self.assertEqual(self.names(_CONSTRAINTS), set(self.broken))
        self.assertEqual(self.names(_NULLABLE), self.nullable)

    def test_the_rows_from_before_were_looked_at(self):
        self.assertEqual(self.names(_UNCHECKED), set())
