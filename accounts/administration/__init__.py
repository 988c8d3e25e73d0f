"""What administrators do to people, roles and departments: guards beside actions, as for every other record."""
