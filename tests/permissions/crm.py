"""The frame: home, search, jobs, health, handing over, personal data; and the entrance of Django admin."""

from __future__ import annotations

from django.core.files.base import ContentFile

from customers.merging.merge import merge_undoably
from kit.jobs.models import Job
from tests import factories
from tests.permissions.world import World

TABLE = """
address                          record    verb  anon admi supe mana coll east stra outs exec nobo
home                             -         GET   in   200  200  200  200  200  200  200  200  200
home                             -         POST  in   405  405  405  405  405  405  405  405  405
logout                           -         GET   in   405  405  405  405  405  405  405  405  405
logout                           -         POST  in   in   in   in   in   in   in   in   in   in
healthz                          -         GET   200  200  200  200  200  200  200  200  200  200
healthz                          -         POST  200  200  200  200  200  200  200  200  200  200
readyz                           -         GET   200  200  200  200  200  200  200  200  200  200
readyz                           -         POST  200  200  200  200  200  200  200  200  200  200
recent                           -         GET   in   200  200  200  200  200  200  200  200  200
recent                           -         POST  in   405  405  405  405  405  405  405  405  405
undo                             removed   GET   in   404  404  200  404  404  404  404  404  404
undo                             removed   POST  in   404  404  302  404  404  404  404  404  404
undo                             mergedin  GET   in   404  200  404  404  404  404  404  404  404
undo                             mergedin  POST  in   404  302  404  404  404  404  404  404  404
search                           -         GET   in   200  200  200  200  200  200  200  200  200
search                           -         POST  in   405  405  405  405  405  405  405  405  405
palette                          -         GET   in   200  200  200  200  200  200  200  200  200
palette                          -         POST  in   405  405  405  405  405  405  405  405  405
help                             -         GET   in   200  200  200  200  200  200  200  200  200
help                             -         POST  in   405  405  405  405  405  405  405  405  405
job_list                         -         GET   in   200  200  200  200  200  200  200  200  200
job_list                         -         POST  in   405  405  405  405  405  405  405  405  405
job_detail                       job       GET   in   200  404  200  404  404  404  404  404  404
job_detail                       job       POST  in   405  405  405  405  405  405  405  405  405
job_file                         job       GET   in   404  404  200  404  404  404  404  404  404
job_file                         job       POST  in   405  405  405  405  405  405  405  405  405

user_disable                     person    GET   in   200  404  404  404  404  404  404  404  404
user_disable                     person    POST  in   302  404  404  404  404  404  404  404  404
user_disable                     left      POST  in   409  404  404  404  404  404  404  404  404
user_hand_over                   left      GET   in   409  404  404  404  404  404  404  404  404
user_hand_over                   left      POST  in   409  404  404  404  404  404  404  404  404
user_hand_over                   person    POST  in   409  404  404  404  404  404  404  404  404
role_check                       role      GET   in   200  404  404  404  404  404  404  404  404
role_check                       role      POST  in   405  405  405  405  405  405  405  405  405

customer_transfer                customer  GET   in   404  200  403  403  404  404  404  403  404
customer_transfer                customer  POST  in   404  302  403  403  404  404  404  403  404
customer_transfer_many           -         GET   in   403  302  403  403  403  403  302  403  403
customer_transfer_many           -         POST  in   403  409  403  403  403  403  200  403  403

mail_again                       -         GET   in   405  405  405  405  405  405  405  405  405
mail_again                       -         POST  in   302  403  403  403  403  403  403  403  403

contact_personal                 contact   GET   in   404  200  403  403  404  404  404  403  404
contact_personal                 contact   POST  in   404  200  403  403  404  404  404  403  404
contact_erase                    contact   GET   in   404  200  403  403  404  404  404  403  404
contact_erase                    contact   POST  in   404  200  403  403  404  404  404  403  404

admin:index                      -         GET   in   200  403  403  403  403  403  403  403  403
admin:index                      -         POST  in   200  403  403  403  403  403  403  403  403
imports                          -         GET   in   200  200  200  200  200  200  200  403  403
imports                          -         POST  in   200  200  200  200  200  200  200  403  403
import_files                     -         GET   in   405  405  405  405  405  405  405  405  405
import_files                     -         POST  in   403  200  200  200  200  200  200  403  403
import_run                       run       GET   in   404  404  302  404  404  404  404  404  404
import_run                       run       POST  in   405  405  405  405  405  405  405  405  405
import_sheet                     run       GET   in   404  404  200  404  404  404  404  404  404
import_sheet                     run       POST  in   404  404  302  404  404  404  404  404  404
import_columns                   run       GET   in   404  404  200  404  404  404  404  404  404
import_columns                   run       POST  in   404  404  302  404  404  404  404  404  404
import_values                    run       GET   in   404  404  200  404  404  404  404  404  404
import_values                    run       POST  in   404  404  302  404  404  404  404  404  404
import_preview                   run       GET   in   404  404  302  404  404  404  404  404  404
import_preview                   run       POST  in   405  405  405  405  405  405  405  405  405
import_write                     run       GET   in   404  404  302  404  404  404  404  404  404
import_write                     run       POST  in   404  404  409  404  404  404  404  404  404
import_rejects                   run       GET   in   404  404  302  404  404  404  404  404  404
import_rejects                   run       POST  in   404  404  200  404  404  404  404  404  404
import_undo                      run       GET   in   404  404  302  404  404  404  404  404  404
import_undo                      run       POST  in   404  404  409  404  404  404  404  404  404
"""
WRITING: set[tuple[str, str]] = {
    ("contact_personal", "200"),
    ("logout", "in"),
}  # a file that leaves a row in the trail; the end of a session


def make(world: World) -> None:
    """Add a job with its file, a deletion and a merge that can be taken back."""
    job = Job.objects.create(
        kind="导出沈阳北辰", function="tests", owner=world.company.manager, file_name="沈阳北辰.csv"
    )
    job.file.save("a.csv", ContentFile(b"x"))
    world.addresses["job"] = [job.pk]
    manager, supervisor = world.company.manager, world.company.supervisor
    pair = [factories.CustomerFactory(name=f"海河水务{name}", manager=manager) for name in ("五分厂", "六分厂")]
    removed = factories.ContactFactory(customer=pair[0], name="老李").remove(by=manager)
    merged = merge_undoably(pair[0], pair[1:], by=supervisor, reason="同一家")
    world.addresses |= {"removed": [removed.pk], "mergedin": [merged.pk]}
    world.own_values["contact_personal"] = {"export": "json"}
    world.own_values["import_files"] = {"file": "template-customers"}
