"""One run of the mirror: reads the feed in batches, each its own transaction.

What a killed run had committed is found unchanged by the next one, so running again completes the work.
An order with a refused line is refused as a whole: a figure is either right or visibly missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count
from django.utils import timezone

from basedata.models import FeedPosition, Product, StockRecord, SyncRefusal, SyncRun
from customers.models import Order, OrderLine, ParkedOrder, TimelineEntry
from kit.domain.past_dates import lies_ahead
from kit.exchange.table_notes import Notes
from kit.sql.streaming import stream_values

from . import rows
from .orders import LARGEST_TOTAL, after_orders, find_customers, order_url, park, take_up, total_of, write_orders
from .rows import RowRefused
from .signs import settle_sign
from .sources import Source, SourceRefused, open_source
from .staging import FIELDS, Staging, batches

SILENT = timedelta(minutes=2)
STORED_REFUSALS = 1000
BATCH, ORDER_BATCH, LINE_BATCH = 1000, 500, 5000
PRODUCT_FIELDS = ["name", "model", "batch", "unit", "unit_price", "note", "is_discontinued", "changed_at"]
LABELS = {"products": "产品", "storage": "库存", "orders": "订单", "order_lines": "订单行"}


class SyncBusy(Exception):
    """Another run is open."""


def sync(address: str, *, full: bool = False, by: Any = None) -> SyncRun:
    """Runs the mirror once. Raises SyncBusy or SourceRefused, both with words for the screen."""
    source = open_source(address)
    try:
        run = open_run(source.shown, full, by)
        work = Work(run, source)
        try:
            work.do()
        except BaseException as error:
            reason = str(error) if isinstance(error, SourceRefused) else "同步中断，已写入的部分保留，请重新同步。"
            work.close(SyncRun.Status.FAILED, reason)
            raise
        work.close(SyncRun.Status.DONE, "；".join(work.remarks))
        return run
    finally:
        source.close()


def open_run(shown: str, full: bool, by: Any) -> SyncRun:
    """The open row is the lock; one silent for two minutes lost its process and is failed."""
    SyncRun.fail_silent(timezone.now() - SILENT)
    try:
        with transaction.atomic():
            return SyncRun.objects.create(source=shown, is_full=full, by=by)
    except IntegrityError:
        raise SyncBusy("另一次同步正在进行，请等它结束后再试。") from None


class Work:
    def __init__(self, run: SyncRun, source: Source) -> None:
        self.run, self.source, self.staging = run, source, Staging()
        self.remarks: list[str] = []
        self.notes = Notes()
        self.unsure: set[str] = set()  # tables with a row whose key may not have been read
        self.refusals = 0
        self.latest: dict[str, datetime] = {}

    def do(self) -> None:
        self.products()
        self.storage()
        self.orders()

    def close(self, status: str, message: str) -> None:
        self.staging.close()
        self.run.notes = [*self.source.notes(), *self.notes.sentences()]
        self.run.finish(status, message)
        self.run.refresh_from_db()

    # Reading

    def count(self, table: str, **more: int) -> None:
        names = ("read", "added", "changed", "unchanged", "refused", "removed", "parked")
        counts = self.run.counts.setdefault(table, dict.fromkeys(names, 0))
        for name, number in more.items():
            counts[name] = counts.get(name, 0) + number

    def beat(self) -> None:
        """Alive, and still the one run; a run taken over by another stops here."""
        mine = SyncRun.objects.filter(pk=self.run.pk, status=SyncRun.Status.RUNNING)
        if not mine.update(heartbeat_at=timezone.now(), counts=self.run.counts):
            raise SourceRefused("这次同步停了两分钟以上，已由另一次接替。")

    def refuse(self, table: str, line: int | None, key: Any, reason: str) -> None:
        self.count(table, refused=1)
        self.refusals += 1
        if self.refusals <= STORED_REFUSALS:
            words = str(key or "").replace("\0", "")[:100]
            SyncRefusal.objects.create(run=self.run, table=table, line=line, key=words, reason=reason[:300])

    def table(self, table: str) -> Iterator[tuple[int, dict[str, Any]]] | None:
        found = self.source.rows(table)
        if found is None:
            self.remarks.append(f"没有{LABELS[table]}（{table}），已跳过")
            return None
        self.count(table)
        return self._named(table, found)

    def _named(self, table: str, found: Iterator[tuple[int, dict[str, Any]]]) -> Iterator[tuple[int, dict[str, Any]]]:
        for position, (line, cells) in enumerate(found):
            if position == 0 and (missing := rows.missing_columns(table, cells)):
                raise SourceRefused(f"{LABELS[table]}（{table}）缺少列：{'、'.join(missing)}。")
            yield line, rows.named(table, cells)

    def taken(self, table: str, batch: list, parse: Callable[[Any], dict], key: Callable[[dict], Any]) -> dict:
        """{key: (line, values)} of the good rows; of several rows of one key the newest."""
        found: dict[Any, tuple[int, dict]] = {}
        for line, cells in batch:
            self.count(table, read=1)
            try:
                values = parse(rows.sound(cells))
            except RowRefused as refusal:
                self.unsure |= {table} if cells["fault"] else set()
                self.refuse(table, line, cells.get("number") or cells.get("product_number"), str(refusal))
                continue
            if table == "orders" and rows.is_month(cells["ordered_at"]):
                self.notes.add("订单的日期只写了年月，按当月 1 日：{}。", f"第 {line} 行")
            at = values["changed_at"]
            if at:
                self.latest[table] = max(at, self.latest.get(table, at))
            if key(values) in found:
                self.count(table, unchanged=1)
                if _not_newer(at, found[key(values)][1]["changed_at"]):
                    continue
            found[key(values)] = (line, values)
        return found

    def read_to_the_end(self, table: str) -> None:
        position, _ = FeedPosition.objects.get_or_create(table=table)
        known = [at for at in (position.changed_at, self.latest.get(table)) if at]
        position.changed_at, position.synced_at = max(known, default=None), timezone.now()
        position.save()

    def may_remove(self, table: str) -> bool:
        """Is what a full feed does not name gone? Not while a row of it could not be read."""
        if self.run.is_full and table in self.unsure:
            self.remarks.append(f"{LABELS[table]}有读不出的行，这次没有下架或取消")
        return self.run.is_full and table not in self.unsure

    # Tables

    def products(self) -> None:
        if (feed := self.table("products")) is None:
            return
        for batch in batches(feed, BATCH):
            self.staging.see("products", (str(cells["number"]).strip() for _, cells in batch))
            with transaction.atomic():
                self.beat()
                self._products(self.taken("products", batch, rows.product, lambda values: values["number"]))
        if self.may_remove("products"):
            present = Product.objects.filter(is_discontinued=False)
            for numbers in batches((number for _, number in stream_values(present.values_list("pk", "number"))), BATCH):
                gone = self.staging.unseen("products", numbers)
                self.count("products", removed=Product.objects.filter(number__in=gone).update(is_discontinued=True))
        self.read_to_the_end("products")

    def _products(self, found: dict[str, tuple[int, dict]]) -> None:
        stored = {product.number: product for product in Product.objects.filter(number__in=found)}
        new = []
        for number, (_, values) in found.items():
            old = stored.get(number)
            if old and not old.is_discontinued and _not_newer(values["changed_at"], old.changed_at):
                self.count("products", unchanged=1)
                continue
            self.count("products", **{"changed" if old else "added": 1})
            new.append(Product(**values))
        Product.objects.bulk_create(
            new, update_conflicts=True, unique_fields=["number"], update_fields=PRODUCT_FIELDS
        )  # fmt: skip
        self._adopt_lines([product.number for product in new if product.number not in stored])

    def _adopt_lines(self, numbers: list[str]) -> None:
        """Lines that came before their product are given to it."""
        orphans = OrderLine.objects.filter(product=None, product_number__in=numbers).order_by()
        waiting = set(orphans.values_list("product_number", flat=True))
        for product in Product.objects.filter(number__in=waiting):
            orphans.filter(product_number=product.number).update(product=product)

    def storage(self) -> None:
        if (feed := self.table("storage")) is None:
            return
        for batch in batches(feed, BATCH):
            self.staging.see("storage", (_stock_key(cells) for _, cells in batch))
            with transaction.atomic():
                self.beat()
                self._storage(self.taken("storage", batch, rows.stock, _stock_key))
        if self.may_remove("storage"):
            keys = StockRecord.objects.values_list("pk", "product__number", "warehouse", "location")
            for present in batches(stream_values(keys), BATCH):
                named = {"\t".join(parts): pk for pk, *parts in present}
                gone = [named[key] for key in self.staging.unseen("storage", named)]
                self.count("storage", removed=StockRecord.objects.filter(pk__in=gone).delete()[0])
        self.read_to_the_end("storage")

    def _storage(self, found: dict[str, tuple[int, dict]]) -> None:
        numbers = {values["product_number"] for _, values in found.values()}
        products = dict(Product.objects.filter(number__in=numbers).values_list("number", "pk"))
        present = StockRecord.objects.filter(product__number__in=numbers).values_list(
            "product__number", "warehouse", "location", "changed_at"
        )
        stored = {"\t".join(parts): at for *parts, at in present}
        new = []
        for key, (line, values) in found.items():
            product = products.get(values.pop("product_number"))
            if product is None:
                self.refuse("storage", line, key.replace("\t", " "), "没有这个产品编号")
            elif key in stored and _not_newer(values["changed_at"], stored[key]):
                self.count("storage", unchanged=1)
            else:
                self.count("storage", **{"changed" if key in stored else "added": 1})
                new.append(StockRecord(product_id=product, **values))
        StockRecord.objects.bulk_create(
            new, update_conflicts=True, unique_fields=["product", "warehouse", "location"],
            update_fields=["quantity", "note", "changed_at"],
        )  # fmt: skip

    def orders(self) -> None:
        self.take_up_parked()
        lines, feed = self.table("order_lines"), self.table("orders")
        if lines is None or feed is None:
            self.remarks.append("订单和订单行要一起提供，这次没有同步订单")
            return
        for batch in batches(lines, LINE_BATCH):
            self.count("order_lines", read=len(batch))
            self.staging.put_lines(_raw(line, cells) for line, cells in batch)
            self.beat()
        self.staging.index()
        for batch in batches(feed, ORDER_BATCH):
            self.staging.see("orders", (str(cells["number"]).strip() for _, cells in batch))
            with transaction.atomic():
                self.beat()
                self._orders(self.taken("orders", batch, rows.order, lambda values: values["number"]))
        self._homeless_lines()
        self._say_signs()
        if self.may_remove("orders"):
            self._cancel_missing()
        self.read_to_the_end("orders")
        self.read_to_the_end("order_lines")

    def take_up_parked(self) -> None:
        keys = ParkedOrder.objects.order_by().values_list("customer_key").annotate(orders=Count("pk"))
        for batch in batches((key for key, _ in list(keys)), BATCH):
            with transaction.atomic():
                if taken := take_up(batch):
                    self.remarks.append(f"{taken} 个待匹配订单已归入客户")

    def _orders(self, found: dict[str, tuple[int, dict]]) -> None:
        stored = {number: rest for number, *rest in _stored(found)}
        wrong = set(Order.objects.filter(number__in=found).of_wrong_sign().values_list("number", flat=True))
        stored |= {number: [None, stored[number][1]] for number in wrong}  # looked at again, as if they were older
        waiting = [(line, values) for line, values in found.values() if not self._is_unchanged(values, stored)]
        lines = self.staging.lines_of([values["number"] for _, values in waiting])
        customers = find_customers(values["customer_number"] for _, values in waiting)
        good = [values for line, values in waiting if self._with_lines(line, values, lines[values["number"]])]
        unknown = [values for values in good if values["customer_number"] not in customers]
        # An order that is here and whose customer is not known any more waits too: its figures leave the old customer.
        self._withdraw([values["number"] for values in unknown if values["number"] in stored])
        park(unknown)
        known = [values for values in good if values["customer_number"] in customers]
        write_orders(known, customers)
        self.count("orders", parked=len(unknown))
        for values in known:
            kind = "changed" if values["number"] in stored else "added"
            self.count("orders", **{kind: 1})
            self.count("order_lines", **{kind: len(values["lines"])})

    def _is_unchanged(self, values: dict, stored: dict[str, list]) -> bool:
        if values["number"] not in stored:
            return False
        at, status = stored[values["number"]]
        revived = status == Order.Status.CANCELLED != values["status"] and values["changed_at"] == at
        if revived or not _not_newer(values["changed_at"], at):
            return False
        self.count("orders", unchanged=1)
        return True

    def _with_lines(self, at: int, values: dict, raw: list[tuple[int, dict]]) -> bool:
        """Puts the order's checked lines into values; False (and refused) when one of them cannot be taken."""
        found: dict[int, dict] = {}
        for row, cells in raw:
            try:
                line = rows.line(rows.sound(cells))
                if line["line_number"] in found:
                    raise RowRefused(f"行号 {line['line_number']} 重复")
            except RowRefused as refusal:
                self.refuse("order_lines", row, values["number"], str(refusal))
                self.refuse("orders", at, values["number"], f"订单行第 {row} 行不合格（{refusal}），整张订单没有写入")
                return False
            found[line["line_number"]] = line
        values["lines"] = list(found.values())
        if not raw and values["status"] != Order.Status.CANCELLED:
            self.refuse("orders", at, values["number"], "没有订单行，整张订单没有写入")
            return False
        if abs(total_of(values["lines"])) >= LARGEST_TOTAL:
            self.refuse("orders", at, values["number"], "总金额太大")
            return False
        return self._with_sign(at, values)

    def _with_sign(self, at: int, values: dict) -> bool:
        try:
            self.count("orders", turned=int(settle_sign(values)))
        except RowRefused as refusal:
            self.count("orders", wrong_sign=1)
            self.refuse("orders", at, values["number"], str(refusal))
            return False
        return True

    def _say_signs(self) -> None:
        counts = self.run.counts["orders"]
        if refused := counts.get("wrong_sign"):
            self.remarks.append(f"{refused} 张订单的正负与状态不符，没有写入")
        if turned := counts.get("turned"):
            self.remarks.append(f"{turned} 张退货订单的数量为正，已按 CRM_RETURNS_POSITIVE 改为负数")

    def _withdraw(self, numbers: list[str]) -> None:
        if numbers:
            orders = Order.objects.filter(number__in=numbers)
            found = list(orders.values_list("pk", "customer_id"))
            urls = [order_url(owner, pk) for pk, owner in found]
            owners = {owner for _, owner in found}
            TimelineEntry.objects.filter(customer__in=owners, kind=TimelineEntry.Kind.ORDER, url__in=urls).delete()
            orders.delete()
            after_orders(owners)

    def _homeless_lines(self) -> None:
        for batch in batches(self.staging.homeless_lines(), ORDER_BATCH):
            here = {number for number, *_ in _stored([number for number, _, _ in batch])}
            for number, row, lines in batch:
                if number not in here:
                    self.refuse("order_lines", row, number, f"没有这张订单，它的 {lines} 行没有写入")

    def _cancel_missing(self) -> None:
        present = Order.objects.exclude(status=Order.Status.CANCELLED).order_by()
        for numbers in batches((number for _, number in stream_values(present.values_list("pk", "number"))), BATCH):
            gone = Order.objects.filter(number__in=self.staging.unseen("orders", numbers))
            with transaction.atomic():
                owners = set(gone.values_list("customer_id", flat=True))
                self.count("orders", removed=gone.mark_cancelled())
                after_orders(owners)
        parked = stream_values(ParkedOrder.objects.values_list("pk", "number"))
        for numbers in batches((number for _, number in parked), BATCH):
            ParkedOrder.objects.filter(number__in=self.staging.unseen("orders", numbers)).delete()


def _stored(numbers: Any) -> Any:
    return Order.objects.filter(number__in=list(numbers)).values_list("number", "changed_at", "status")


def _not_newer(at: datetime | None, stored: datetime | None) -> bool:
    """A row without changed_at cannot say that it is unchanged: it is taken; likewise after one that lay ahead."""
    return at is not None and stored is not None and at <= stored and not lies_ahead(stored)


def _stock_key(cells: dict[str, Any]) -> str:
    return "\t".join(str(cells[name] or "").strip() for name in ("product_number", "warehouse", "location"))


def _raw(line: int, cells: dict[str, Any]) -> tuple:
    texts = (None if cells[name] is None else str(cells[name]) for name in FIELDS)
    return (str(cells["order_number"] or "").strip(), line, *texts)
