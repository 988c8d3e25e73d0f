"""Users, roles and departments, and what administrators do to them: guards beside actions, as for every record."""
