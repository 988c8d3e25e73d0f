"""Who gets what at every address: one table for each app, and the walk that asks every cell of them.

A line of a table is an address by its URL name, a kind of record of the world, a verb, and what each of PEOPLE gets:
a status, or "in" for being led to the sign-in page. An address stands in the table of the app whose code answers it.
Beside the table stands what its app adds to the world: the records, what to post, and which record a form was opened
with. A new app brings a module like these and is named in tables.APPS.
"""
