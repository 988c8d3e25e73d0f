"""Privileges of other roles in a PostgreSQL database, and the statements that grant them in a restored one.

A dump is restored without owners and privileges: it may come from another server, whose roles are not known here.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import psycopg

# Every object with its owner and its list of privileges, the built-in one where nobody changed it. The role of the
# restore owns everything afterwards, so its privileges count as an owner's.
READ_GRANTS = """WITH objects (prefix, kind, name, owner, acl, of_column) AS (
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


class Grant(NamedTuple):
    prefix: str  # of a statement about objects created later
    kind: str
    name: str
    privilege: str
    role: str
    is_grantable: bool
    is_owners: bool

    @property
    def target(self) -> tuple[str, str]:
        return self.kind, self.name


def read(database: psycopg.Connection, name: str) -> set[Grant]:
    """Return the privileges in this database. name: of the database, now or after the swap."""
    return {Grant(*row) for row in database.execute(READ_GRANTS, [name])}


def missing_grants(present: set[Grant], coming: set[Grant]) -> list[str]:
    """Return the statements that give the restored database the privileges of the present one."""
    targets = {grant.target for grant in coming}
    present_targets = {grant.target for grant in present}
    to_grant = {grant for grant in present - coming if grant.prefix or grant.target in targets}
    to_revoke = {grant for grant in coming - present if grant.target in present_targets}
    return [*_statements("REVOKE", "FROM", to_revoke), *_statements("GRANT", "TO", to_grant)]


def _statements(verb: str, preposition: str, grants: set[Grant]) -> list[str]:
    """Return one statement for all objects of a kind on which a role has the same privileges."""
    privileges = defaultdict(set)
    for grant in grants:
        if not grant.is_owners:
            privileges[grant[:3] + grant[4:6]].add(grant.privilege)
    names = defaultdict(list)
    for (prefix, kind, name, role, is_grantable), granted in privileges.items():
        names[prefix, kind, role, is_grantable, ", ".join(sorted(granted))].append(name)
    statements = []
    for (prefix, kind, role, is_grantable, privilege_list), objects in sorted(names.items()):
        what = " ".join(filter(None, [kind, ", ".join(sorted(objects))]))
        option = " WITH GRANT OPTION" if is_grantable and verb == "GRANT" else ""
        statements.append(f"{prefix}{verb} {privilege_list} ON {what} {preposition} {role}{option};")
    return statements
