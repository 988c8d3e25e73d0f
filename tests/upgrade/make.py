"""Fill an empty installation of c5c96db and pack it; README.md says how this is run, in a checkout of that commit.

Its imports are those of that commit and never follow a move: this file is not part of the product of today.
Everything goes through the pages and methods of that commit, except the five updates marked "by hand".
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

VAR, TARGET = Path(os.environ["CRM_VAR_DIR"]), Path(sys.argv[1]).resolve()
PASSWORD = "upgrade-from-the-first"
os.environ.update(
    {
        "CRM_BASE_URL": "http://localhost",
        "CRM_DEBUG": "true",
        "CRM_DEMO_PASSWORD": PASSWORD,
        "CRM_EMAIL_URL": "memorymail://",
        "CRM_EXPORT_DIRECT_ROWS": "0",  # so that every export is a job
        "CRM_SESSION_HOURS": "876000",  # a hundred years: the sessions are to be open whenever the test is run
        "CRM_SESSION_IDLE_MINUTES": "0",
        "CRM_SYNC_SOURCE": str(VAR / "sync"),
        "DJANGO_SETTINGS_MODULE": "crm.settings",
        "SECRET_KEY": "the-known-key-of-the-upgrade-test-and-of-no-installation",
    }
)
sys.path.insert(0, os.getcwd())

import django  # noqa: E402

django.setup()

from crm.audit import seals  # noqa: E402
from crm.audit.retention import prune_expired  # noqa: E402
from crm.jobs.models import Job  # noqa: E402
from crm.jobs.tasks import run_job  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.files.uploadedfile import SimpleUploadedFile  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import setup_test_environment  # noqa: E402
from django.utils import timezone  # noqa: E402
from django_otp.oath import TOTP  # noqa: E402
from django_tasks_db.models import DBTaskResult  # noqa: E402

from accounts.models import Notification, User, notify  # noqa: E402
from accounts.notifications.mail import send_queued  # noqa: E402
from accounts.sessions.models import UserSession  # noqa: E402
from crm.privacy import erase_contact  # noqa: E402
from customers.imports import tasks as import_job  # noqa: E402
from customers.models import ChurnCase, Contact, Customer, ImportFile, Interaction, merge_customers  # noqa: E402
from marketing.models import Opportunity  # noqa: E402
from reports.models import MonthlyReport  # noqa: E402
from services.models import ServiceRequest  # noqa: E402
from services.requests import drafts  # noqa: E402

MANAGER, COLLEAGUE, SUPERVISOR = "xiaoming", "xiaogang", "zhuguan"
EXECUTIVE, ADMINISTRATOR, GUARDED, LEAVING = "gaoguan", "admin", "lisiyuan", "sunliqun"
SIGNED_IN = (MANAGER, SUPERVISOR, EXECUTIVE, ADMINISTRATOR)
EXPORTS = (
    "/marketing/opportunities/",
    "/marketing/development/",
    "/customers/",
    "/customers/orders/",
    "/customers/churn/",
    "/services/dispatch/",
    "/services/archive/",
    "/basedata/products/",
    "/basedata/stock/",
)
FEED = {
    "products": [
        "产品编号,名称,型号,批次,单位,单价,备注,changed_at",
        "UP-1,阀门,A,1,件,2.5,,{now}",
        "UP-2,水泵,,,台,x,,{now}",
    ],
    "storage": ["产品编号,仓库,货位,件数,备注,changed_at", "UP-1,北京,1-1,5.125,,{now}"],
    "orders": ["订单编号,客户编号,日期,送货地址,状态,changed_at", "UP-D2,UP-C9,2026-01-03,,unpaid,{now}"],
    "order_lines": ["订单编号,行号,产品编号,数量,单位,单价", "UP-D2,1,UP-1,1,台,100"],
}
EMPTY = {  # tables that c5c96db never fills
    "accounts_user_user_permissions",
    "axes_accessattemptexpiration",
    "axes_accessfailurelog",
    "django_admin_log",
    "guardian_groupobjectpermission",
    "guardian_userobjectpermission",
}
KEY = "3132333435363738393031323334353637383930"


def person(username: str) -> User:
    return User.objects.get(username=username)


def sign_in(username: str) -> Client:
    client = Client(SERVER_NAME="localhost")
    answer = client.post("/login/", {"username": username, "password": PASSWORD})
    assert answer.status_code == 302, answer.content.decode()
    return client


def send(client: Client, path: str, **values: object) -> None:
    answer = client.post(path, values)
    assert answer.status_code in (204, 302), f"{path} {answer.status_code} {answer.content.decode()}"


def make_company() -> None:
    call_command("migrate", verbosity=0)
    seals.BATCH = 200  # so that some seals are old enough to be pruned
    call_command("load_demo")
    User.objects.filter(username=GUARDED).update(email="lisiyuan@example.com")  # by hand
    User.objects.filter(username=MANAGER).update(email="xiaoming@example.com")  # by hand


def move_customers(client: Client) -> None:
    """Merged, deleted, shared, and a person whose texts were erased."""
    by, free = person(MANAGER), Customer.objects.current().filter(churn_cases=None)
    kept, gone, shared = free.filter(manager=by).order_by("pk")[:3]
    merge_customers(kept, [gone], by=person(SUPERVISOR), reason="同一家公司")
    warned = [case.customer for case in ChurnCase.objects.filter(status="warning").order_by("pk")[:2]]
    merge_customers(warned[0], warned[1:], by=person(SUPERVISOR), reason="同一家公司")  # the second case is resolved
    kinds = {"region": kept.region, "level": kept.level, "address": "北京市某路 1 号", "phone": "010-5555 0000"}
    with transaction.atomic():
        mistaken = Customer.create(by=by, name="误建的客户有限公司", manager=by, satisfaction=3, credit=3, **kinds)
    mistaken.remove(by=by)
    shared.share(person(COLLEAGUE), by=by, kind="view")
    shared.share(person("xiaohong"), by=by, kind="change", until=timezone.localdate() + timedelta(days=30))
    Opportunity.objects.filter(status="assigned", assignee=by)[0].share(person(COLLEAGUE), by=by, kind="change")
    contact = Contact.objects.filter(customer=shared).order_by("pk")[0]
    erase_contact(contact, by=person(SUPERVISOR), reason="本人要求")
    Interaction.objects.filter(customer=kept).order_by("pk")[0].remove(by=by)
    send(client, f"/customers/{kept.pk}/edit/", **edited(client, f"/customers/{kept.pk}/edit/"), fax="010-5555 0001")


def edited(client: Client, path: str) -> dict[str, object]:
    """What a browser would send of a form that was opened."""
    form = client.get(path).context["form"]
    values = {name: form[name].value() for name in form.fields}
    return {name: str(value) for name, value in values.items() if value is not None and name != "fax"}


def leave_work_half_done() -> None:
    """Drafts, an invited customer, a report being written, and cases that ended well."""
    supervisor = person(SUPERVISOR)
    handling, unclear = ServiceRequest.objects.filter(status="assigned", waiting_since=None).order_by("pk")[:2]
    unclear.wait(by=unclear.assignee, note="等客户停泵")
    drafts.save_draft(handling.assignee, handling, "handle", {"handling": "重新接地，等客户停泵。"})
    waiting = ServiceRequest.objects.filter(status="handled", kind__item="咨询").order_by("pk")[0]
    waiting.invite(by=waiting.assignee, result="客户确认归零")
    with transaction.atomic():
        MonthlyReport.create(by=supervisor, period=timezone.localdate().replace(day=1), remarks="在写", figures=[])
    case = ChurnCase.objects.filter(status="confirmed", customer__manager__is_active=True).order_by("pk")[0]
    case.win_back(by=case.customer.manager, note="重新签约")


def guard_and_refuse() -> list[str]:
    """Two-step verification for one, an account that left, wrong passwords; returns the recovery codes."""
    guarded = person(GUARDED)
    codes = guarded.turn_on_second_factor(
        by=guarded, key=KEY, code=f"{TOTP(bytes.fromhex(KEY)).token():06d}", keep=None
    )
    person(LEAVING).disable(by=person(ADMINISTRATOR))
    Client(SERVER_NAME="localhost").post("/login/", {"username": "nobody", "password": "wrong"})
    return codes


def sync_folder() -> None:
    """What the sales system wrote: a product without a price is refused, an order of a stranger is parked."""
    (VAR / "sync").mkdir()
    now = f"{timezone.localtime():%Y-%m-%d %H:%M:%S}"
    for table, lines in FEED.items():
        (VAR / f"sync/{table}.csv").write_text("\n".join(lines).format(now=now), encoding="utf-8")


def upload(client: Client, name: str) -> ImportFile:
    table = f"名称,地区,邮政编码\n{name}自来水厂,华北,266000\n{name}泵业有限公司,东北,\n".encode("utf-8-sig")
    send(client, "/import/", file=SimpleUploadedFile(f"{name}.csv", table))
    return ImportFile.objects.latest("pk")


def start_jobs(browsers: dict[str, Client], *, word: str, exports: tuple[str, ...]) -> None:
    """One job of every kind, each as its page starts it."""
    for path in exports:
        answer = browsers[SUPERVISOR].get(path, {"export": "xlsx", "reason": word})
        assert answer.get("Location", "").startswith("/jobs/"), path
    send(browsers[ADMINISTRATOR], "/customers/sync/start/")
    send(browsers[ADMINISTRATOR], "/customers/churn/scan/")
    send(browsers[ADMINISTRATOR], "/accounts/audit/verify/")
    import_job.start(upload(browsers[MANAGER], word))


def work() -> None:
    call_command("db_worker", batch=True, interval=0, startup_delay=False, reload=False, verbosity=0)


def run_and_break(browsers: dict[str, Client]) -> None:
    """Jobs that are done, failed, and running in a worker that died; a task that broke, and one that never ended."""
    start_jobs(browsers, word="做完的", exports=EXPORTS[:2])
    work()
    foreign = Job.objects.filter(kind__startswith="导出", status="done").latest("pk")
    Job.objects.filter(pk=foreign.pk).update(owner=person(ADMINISTRATOR))  # by hand: may not take this list away
    send(browsers[ADMINISTRATOR], "/customers/sync/start/")
    refused = browsers[SUPERVISOR].get("/customers/", {"export": "csv", "reason": "没做成的"})
    Job.objects.filter(pk=refused["Location"].split("/")[2]).update(owner=person(LEAVING))  # by hand: lost the role
    run_job.enqueue("no number")
    (VAR / "sync").rename(VAR / "away")
    work()
    (VAR / "away").rename(VAR / "sync")
    browsers[SUPERVISOR].get("/customers/orders/", {"export": "csv", "reason": "中断的"})
    died, task = Job.objects.latest("pk"), DBTaskResult.objects.latest("enqueued_at")
    task.claim("worker-that-died")
    died.claim()


def fill_mail() -> None:
    """A row of the queue in every state."""
    for number in range(5):
        notify(person(MANAGER), f"邮件 {number}")
    send_queued()
    for number in range(4):
        notify(person(MANAGER), f"等待的邮件 {number}")
    waiting = list(Notification.objects.filter(mail="queued"))
    for row, state in zip(waiting, ("sending", "failed", "dropped"), strict=False):
        Notification.objects.filter(pk=row.pk).update(mail=state, mail_at=timezone.now())  # by hand


def close_the_books() -> None:
    """The oldest seals are pruned, and everything that was recorded is sealed."""
    seals.seal_pending()
    settings.CRM_AUDIT_KEEP_MONTHS = 6
    prune_expired()
    while seals.seal_pending():
        pass


def check_tables() -> None:
    """Every table that c5c96db fills has rows."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT count(*) FROM "{table}"')
            if not cursor.fetchone()[0] and table not in EMPTY:
                raise SystemExit(f"{table} is empty")


def database_file() -> Path:
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA journal_mode=DELETE")
        connection.close()
        return VAR / "crm.sqlite3"
    plain = ["--no-owner", "--no-privileges", "--no-comments", "--inserts", "--rows-per-insert=500"]
    dump = ["pg_dump", *plain, "--dbname", os.environ["DATABASE_URL"]]
    text = subprocess.run(dump, check=True, capture_output=True, text=True).stdout
    unknown = ("\\restrict", "\\unrestrict", "SET transaction_timeout")  # to psql alone, and to older servers
    path = VAR / "crm.sql"
    path.write_text("\n".join(line for line in text.split("\n") if not line.startswith(unknown)), encoding="utf-8")
    return path


def read_menu(client: Client) -> list[str]:
    navigation = client.get("/").content.decode().partition("主导航")[2].partition("</nav>")[0]
    return re.findall(r'<a\b[^>]*href="([^"#]+)"', navigation)


def pack(known: dict[str, object]) -> None:
    database = database_file()
    (VAR / "known.json").write_text(json.dumps(known, ensure_ascii=False, indent=1), encoding="utf-8")
    others = [VAR / "known.json", *sorted((VAR / "sync").iterdir()), *sorted((VAR / "files").rglob("*"))]
    with zipfile.ZipFile(TARGET, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in [database, *others]:
            archive.write(path, path.relative_to(VAR))


def main() -> None:
    if any(VAR.iterdir()):
        raise SystemExit(f"{VAR} is not empty")
    setup_test_environment(debug=True)  # so that answers tell which form they show
    make_company()
    sync_folder()
    call_command("run_due")
    codes = guard_and_refuse()
    browsers = {username: sign_in(username) for username in SIGNED_IN}
    move_customers(browsers[MANAGER])
    leave_work_half_done()
    imported = upload(browsers[MANAGER], "已导入")
    send(browsers[MANAGER], f"/import/{imported.pk}/carry-out/", submission=str(uuid4()))
    run_and_break(browsers)
    fill_mail()
    upload(browsers[MANAGER], "只检查过")
    close_the_books()
    start_jobs(browsers, word="排队的", exports=EXPORTS)
    seals.seal_pending()
    check_tables()
    assert UserSession.objects.count() >= len(SIGNED_IN)
    menus = {username: read_menu(browser) for username, browser in browsers.items()}
    assert all(menus.values()), menus
    pack({"recovery_codes": codes, "menus": menus})


if __name__ == "__main__":
    main()
