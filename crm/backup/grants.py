"""What other roles may do in a PostgreSQL database, and the statements that give it to them in a restored one.

A dump is read without owners and rights: it may come from another server, whose roles are not known here.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import psycopg

# Every object with its owner and its list of rights, the built-in one where nobody changed it. A role of the
# restore's own owns everything afterwards, so its rights count as an owner's.
READ = """WITH objects (prefix, kind, name, owner, acl, of_column) AS (
    SELECT '', 'DATABASE', quote_ident(%s), datdba, coalesce(datacl, acldefault('d', datdba)), ''
    FROM pg_database WHERE datname = current_database()
  UNION ALL
    SELECT '', 'SCHEMA', quote_ident(nspname), nspowner, coalesce(nspacl, acldefault('n', nspowner)), ''
    FROM pg_namespace WHERE nspname = 'public'
  UNION ALL
    SELECT '', CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, 'public.' || quote_ident(relname), relowner,
        coalesce(relacl, acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner)), ''
    FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
  UNION ALL
    SELECT '', 'TABLE', 'public.' || quote_ident(relname), relowner, attacl, ' (' || quote_ident(attname) || ')'
    FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE relnamespace = 'public'::regnamespace AND attacl IS NOT NULL
  UNION ALL
    SELECT '', 'FUNCTION', oid::regprocedure::text, proowner, coalesce(proacl, acldefault('f', proowner)), ''
    FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prokind IN ('f', 'w')
  UNION ALL
    SELECT 'ALTER DEFAULT PRIVILEGES FOR ROLE ' || defaclrole::regrole
            || CASE defaclnamespace WHEN 0 THEN ' ' ELSE ' IN SCHEMA ' || defaclnamespace::regnamespace || ' ' END,
        CASE defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS'
            WHEN 'T' THEN 'TYPES' ELSE 'SCHEMAS' END, '', defaclrole, defaclacl, ''
    FROM pg_default_acl
)
SELECT prefix, kind, name, right_.privilege_type || of_column,
    CASE right_.grantee WHEN 0 THEN 'PUBLIC' ELSE right_.grantee::regrole::text END, right_.is_grantable,
    right_.grantee = owner OR right_.grantee = quote_ident(current_user)::regrole
FROM objects CROSS JOIN aclexplode(acl) AS right_"""


class Right(NamedTuple):
    prefix: str  # of a statement about what is made later
    kind: str
    name: str
    privilege: str
    role: str
    is_grantable: bool
    is_owners: bool

    @property
    def target(self) -> tuple[str, str]:
        return self.kind, self.name


def read(database: psycopg.Connection, name: str) -> set[Right]:
    """Return who may do what in this database, which is or will be called so."""
    return {Right(*row) for row in database.execute(READ, [name])}


def missing(present: set[Right], coming: set[Right]) -> list[str]:
    """Return the statements that make of the rights of the coming database those of the present one."""
    targets = {right.target for right in coming}
    lost = {right for right in present - coming if right.prefix or right.target in targets}
    gained = {right for right in coming - present if right.target in {right.target for right in present}}
    return [*_statements("REVOKE", "FROM", gained), *_statements("GRANT", "TO", lost)]


def _statements(verb: str, preposition: str, rights: set[Right]) -> list[str]:
    """One statement for all objects of a kind on which a role has the same privileges."""
    privileges = defaultdict(set)
    for right in rights:
        if not right.is_owners:
            privileges[right[:3] + right[4:6]].add(right.privilege)
    names = defaultdict(list)
    for (prefix, kind, name, role, is_grantable), found in privileges.items():
        names[prefix, kind, role, is_grantable, ", ".join(sorted(found))].append(name)
    statements = []
    for (prefix, kind, role, is_grantable, listed), found_names in sorted(names.items()):
        what = " ".join(filter(None, [kind, ", ".join(sorted(found_names))]))
        option = " WITH GRANT OPTION" if is_grantable and verb == "GRANT" else ""
        statements.append(f"{prefix}{verb} {listed} ON {what} {preposition} {role}{option};")
    return statements
