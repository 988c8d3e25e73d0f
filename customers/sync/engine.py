"""One run of the sync: reads the feed in batches, one transaction each.

Rows that a killed run committed are unchanged for the next one, so running again completes the work.
An order with a refused line is refused as a whole: a figure is either right or visibly missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count
from django.utils import timezone

from accounts.models import User
from basedata.models import FeedPosition, Product, StockRecord, SyncRefusal, SyncRun
from customers.orders.models import Order, OrderLine, ParkedOrder
from customers.timeline import TimelineEntry
from kit.domain.past_dates import is_in_future
from kit.exchange.table_notes import Notes
from kit.sql.streaming import stream_values
from kit.sql.turns import in_turn

from . import rows
from .orders import (
    LARGEST_TOTAL,
    find_customers,
    order_total,
    order_url,
    park,
    refresh_after_orders,
    unpark,
    write_orders,
)
from .rows import RowRefused
from .signs import settle_sign
from .sources import Rows, Source, SourceRefused, open_source
from .staging import FIELDS, Staging, batches

Values = dict[str, Any]  # cells or parsed values of one row, by the names of rows.COLUMNS
SILENCE_LIMIT = timedelta(minutes=2)
MAX_STORED_REFUSALS = 1000
BATCH, ORDER_BATCH, LINE_BATCH = 1000, 500, 5000
PRODUCT_FIELDS = ["name", "model", "batch", "unit", "unit_price", "note", "is_discontinued", "changed_at"]
LABELS = {"products": "产品", "storage": "库存", "orders": "订单", "order_lines": "订单行"}


class SyncBusy(Exception):
    """Another run is open."""


def sync(location: str, *, full: bool = False, by: User | None = None) -> SyncRun:
    """Run the sync once. Raise SyncBusy or SourceRefused, both with a message for the screen."""
    source = open_source(location)
    try:
        run = open_run(source.label, full, by)
        runner = SyncRunner(run, source)
        try:
            runner.run()
        except BaseException as error:
            reason = str(error) if isinstance(error, SourceRefused) else "同步中断，已写入的部分保留，请重新同步。"
            runner.close(SyncRun.Status.FAILED, reason)
            raise
        runner.close(SyncRun.Status.DONE, "；".join(runner.remarks))
        return run
    finally:
        source.close()


def open_run(source_label: str, full: bool, by: User | None) -> SyncRun:
    """Create the open run, which is the lock; fail one that was silent for two minutes. Raise SyncBusy."""
    SyncRun.fail_silent(timezone.now() - SILENCE_LIMIT)
    try:
        with transaction.atomic():
            return SyncRun.objects.create(source=source_label, is_full=full, by=by)
    except IntegrityError:
        raise SyncBusy("另一次同步正在进行，请等它结束后再试。") from None


class SyncRunner:
    def __init__(self, sync_run: SyncRun, source: Source) -> None:
        self.sync_run, self.source, self.staging = sync_run, source, Staging()
        self.remarks: list[str] = []
        self.notes = Notes()
        self.unreadable_tables: set[str] = set()  # with a row whose key may be unread
        self.refusals = 0
        self.latest_changes: dict[str, datetime] = {}

    def run(self) -> None:
        self.sync_products()
        self.sync_storage()
        self.sync_orders()

    def close(self, status: str, message: str) -> None:
        self.staging.close()
        self.sync_run.notes = [*self.source.notes(), *self.notes.sentences()]
        self.sync_run.finish(status, message)
        self.sync_run.refresh_from_db()

    # Reading

    def count(self, table: str, **more: int) -> None:
        names = ("read", "added", "changed", "unchanged", "refused", "removed", "parked")
        counts = self.sync_run.counts.setdefault(table, dict.fromkeys(names, 0))
        for name, number in more.items():
            counts[name] = counts.get(name, 0) + number

    def heartbeat(self) -> None:
        """Record that this run is alive. Raise SourceRefused when another one has taken over."""
        mine = SyncRun.objects.filter(pk=self.sync_run.pk, status=SyncRun.Status.RUNNING)
        if not mine.update(heartbeat_at=timezone.now(), counts=self.sync_run.counts):
            raise SourceRefused("这次同步停了两分钟以上，已由另一次接替。")

    def refuse(self, table: str, line: int | None, key: str | None, reason: str) -> None:
        self.count(table, refused=1)
        self.refusals += 1
        if self.refusals <= MAX_STORED_REFUSALS:
            key_text = str(key or "").replace("\0", "")[:100]
            SyncRefusal.objects.create(run=self.sync_run, table=table, line=line, key=key_text, reason=reason[:300])

    def read_table(self, table: str) -> Rows | None:
        feed = self.source.rows(table)
        if feed is None:
            self.remarks.append(f"没有{LABELS[table]}（{table}），已跳过")
            return None
        self.count(table)
        return self._name_cells(table, feed)

    def _name_cells(self, table: str, feed: Rows) -> Rows:
        for position, (line, cells) in enumerate(feed):
            if position == 0 and (missing := rows.missing_columns(table, cells)):
                raise SourceRefused(f"{LABELS[table]}（{table}）缺少列：{'、'.join(missing)}。")
            yield line, rows.normalize_cells(table, cells)

    def parse_batch(
        self,
        table: str,
        batch: list[tuple[int, Values]],
        parse: Callable[[Values], Values],
        key: Callable[[Values], str],
    ) -> dict[str, tuple[int, Values]]:
        """Return {key: (line, values)} of the valid rows; of several rows with one key the newest."""
        rows_by_key: dict[str, tuple[int, Values]] = {}
        for line, cells in batch:
            self.count(table, read=1)
            try:
                values = parse(rows.require_sound(cells))
            except RowRefused as refusal:
                self.unreadable_tables |= {table} if cells["fault"] else set()
                self.refuse(table, line, cells.get("number") or cells.get("product_number"), str(refusal))
                continue
            if table == "orders" and rows.is_month(cells["ordered_at"]):
                self.notes.add("订单的日期只写了年月，按当月 1 日：{}。", f"第 {line} 行")
            at = values["changed_at"]
            if at:
                self.latest_changes[table] = max(at, self.latest_changes.get(table, at))
            if key(values) in rows_by_key:
                self.count(table, unchanged=1)
                if _is_not_newer(at, rows_by_key[key(values)][1]["changed_at"]):
                    continue
            rows_by_key[key(values)] = (line, values)
        return rows_by_key

    def save_position(self, table: str) -> None:
        position, _ = FeedPosition.objects.get_or_create(table=table)
        datetimes = [at for at in (position.changed_at, self.latest_changes.get(table)) if at]
        position.changed_at, position.synced_at = max(datetimes, default=None), timezone.now()
        position.save()

    def removes_missing(self, table: str) -> bool:
        """Return whether rows missing from the feed are gone: only in a full feed without unreadable rows."""
        if self.sync_run.is_full and table in self.unreadable_tables:
            self.remarks.append(f"{LABELS[table]}有读不出的行，这次没有下架或取消")
        return self.sync_run.is_full and table not in self.unreadable_tables

    # Tables

    def sync_products(self) -> None:
        if (feed := self.read_table("products")) is None:
            return
        for batch in batches(feed, BATCH):
            self.staging.mark_seen("products", (str(cells["number"]).strip() for _, cells in batch))
            with in_turn():
                self.heartbeat()
                self._write_products(
                    self.parse_batch("products", batch, rows.parse_product, lambda values: values["number"])
                )
        if self.removes_missing("products"):
            present = Product.objects.filter(is_discontinued=False)
            for numbers in batches((number for _, number in stream_values(present.values_list("pk", "number"))), BATCH):
                missing = Product.objects.filter(number__in=self.staging.unseen("products", numbers))
                self.count("products", removed=missing.update(is_discontinued=True))
        self.save_position("products")

    def _write_products(self, rows_by_number: dict[str, tuple[int, Values]]) -> None:
        stored = {product.number: product for product in Product.objects.filter(number__in=rows_by_number)}
        products = []
        for number, (_, values) in rows_by_number.items():
            current = stored.get(number)
            if current and not current.is_discontinued and _is_not_newer(values["changed_at"], current.changed_at):
                self.count("products", unchanged=1)
                continue
            self.count("products", **{"changed" if current else "added": 1})
            products.append(Product(**values))
        Product.objects.bulk_create(
            products, update_conflicts=True, unique_fields=["number"], update_fields=PRODUCT_FIELDS
        )  # fmt: skip
        self._adopt_lines([product.number for product in products if product.number not in stored])

    def _adopt_lines(self, numbers: list[str]) -> None:
        """Link order lines that came before their product."""
        orphans = OrderLine.objects.filter(product=None, product_number__in=numbers).order_by()
        waiting = set(orphans.values_list("product_number", flat=True))
        for product in Product.objects.filter(number__in=waiting):
            orphans.filter(product_number=product.number).update(product=product)

    def sync_storage(self) -> None:
        if (feed := self.read_table("storage")) is None:
            return
        for batch in batches(feed, BATCH):
            self.staging.mark_seen("storage", (_stock_key(cells) for _, cells in batch))
            with in_turn():
                self.heartbeat()
                self._write_stock(self.parse_batch("storage", batch, rows.parse_stock, _stock_key))
        if self.removes_missing("storage"):
            keys = StockRecord.objects.values_list("pk", "product__number", "warehouse", "location")
            for present in batches(stream_values(keys), BATCH):
                keys_by_text = {"\t".join(parts): pk for pk, *parts in present}
                missing_keys = [keys_by_text[key] for key in self.staging.unseen("storage", keys_by_text)]
                self.count("storage", removed=StockRecord.objects.filter(pk__in=missing_keys).delete()[0])
        self.save_position("storage")

    def _write_stock(self, rows_by_key: dict[str, tuple[int, Values]]) -> None:
        numbers = {values["product_number"] for _, values in rows_by_key.values()}
        products = dict(Product.objects.filter(number__in=numbers).values_list("number", "pk"))
        current_rows = StockRecord.objects.filter(product__number__in=numbers).values_list(
            "product__number", "warehouse", "location", "changed_at"
        )
        stored = {"\t".join(parts): at for *parts, at in current_rows}
        records = []
        for key, (line, values) in rows_by_key.items():
            product = products.get(values.pop("product_number"))
            if product is None:
                self.refuse("storage", line, key.replace("\t", " "), "没有这个产品编号")
            elif key in stored and _is_not_newer(values["changed_at"], stored[key]):
                self.count("storage", unchanged=1)
            else:
                self.count("storage", **{"changed" if key in stored else "added": 1})
                records.append(StockRecord(product_id=product, **values))
        StockRecord.objects.bulk_create(
            records, update_conflicts=True, unique_fields=["product", "warehouse", "location"],
            update_fields=["quantity", "note", "changed_at"],
        )  # fmt: skip

    def sync_orders(self) -> None:
        self.unpark_orders()
        lines, feed = self.read_table("order_lines"), self.read_table("orders")
        if lines is None or feed is None:
            self.remarks.append("订单和订单行要一起提供，这次没有同步订单")
            return
        for batch in batches(lines, LINE_BATCH):
            self.count("order_lines", read=len(batch))
            self.staging.add_lines(_raw_line(line, cells) for line, cells in batch)
            self.heartbeat()
        self.staging.create_line_index()
        for batch in batches(feed, ORDER_BATCH):
            self.staging.mark_seen("orders", (str(cells["number"]).strip() for _, cells in batch))
            with in_turn():
                self.heartbeat()
                self._write_orders(self.parse_batch("orders", batch, rows.parse_order, lambda values: values["number"]))
        self._refuse_orphan_lines()
        self._remark_signs()
        if self.removes_missing("orders"):
            self._cancel_missing()
        self.save_position("orders")
        self.save_position("order_lines")

    def unpark_orders(self) -> None:
        keys = ParkedOrder.objects.order_by().values_list("customer_key").annotate(orders=Count("pk"))
        for batch in batches((key for key, _ in list(keys)), BATCH):
            with in_turn():
                if unparked_count := unpark(batch):
                    self.remarks.append(f"{unparked_count} 个待匹配订单已归入客户")

    def _write_orders(self, rows_by_number: dict[str, tuple[int, Values]]) -> None:
        stored = {number: (at, status) for number, at, status in _stored_orders(rows_by_number)}
        wrong_signs = Order.objects.filter(number__in=rows_by_number).of_wrong_sign().values_list("number", flat=True)
        # Read again, as if they were older.
        stored |= {number: (None, stored[number][1]) for number in wrong_signs}
        changed = [(line, values) for line, values in rows_by_number.values() if not self._is_unchanged(values, stored)]
        lines = self.staging.lines_of([values["number"] for _, values in changed])
        customers = find_customers(values["customer_number"] for _, values in changed)
        complete = [values for line, values in changed if self._attach_lines(line, values, lines[values["number"]])]
        without_customer = [values for values in complete if values["customer_number"] not in customers]
        # A stored order whose customer is no longer known is parked too: its figures leave the old customer.
        self._delete_orders([values["number"] for values in without_customer if values["number"] in stored])
        park(without_customer)
        with_customer = [values for values in complete if values["customer_number"] in customers]
        write_orders(with_customer, customers)
        self.count("orders", parked=len(without_customer))
        for values in with_customer:
            kind = "changed" if values["number"] in stored else "added"
            self.count("orders", **{kind: 1})
            self.count("order_lines", **{kind: len(values["lines"])})

    def _is_unchanged(self, values: Values, stored: dict[str, tuple[datetime | None, str]]) -> bool:
        if values["number"] not in stored:
            return False
        at, status = stored[values["number"]]
        revived = status == Order.Status.CANCELLED != values["status"] and values["changed_at"] == at
        if revived or not _is_not_newer(values["changed_at"], at):
            return False
        self.count("orders", unchanged=1)
        return True

    def _attach_lines(self, order_row: int, values: Values, raw_lines: list[tuple[int, Values]]) -> bool:
        """Put the order's parsed lines into values; refuse the order and return False when one of them is invalid."""
        lines_by_number: dict[int, Values] = {}
        for row, cells in raw_lines:
            try:
                line = rows.parse_line(rows.require_sound(cells))
                if line["line_number"] in lines_by_number:
                    raise RowRefused(f"行号 {line['line_number']} 重复")
            except RowRefused as refusal:
                self.refuse("order_lines", row, values["number"], str(refusal))
                reason = f"订单行第 {row} 行不合格（{refusal}），整张订单没有写入"
                self.refuse("orders", order_row, values["number"], reason)
                return False
            lines_by_number[line["line_number"]] = line
        values["lines"] = list(lines_by_number.values())
        if not raw_lines and values["status"] != Order.Status.CANCELLED:
            self.refuse("orders", order_row, values["number"], "没有订单行，整张订单没有写入")
            return False
        if abs(order_total(values["lines"])) >= LARGEST_TOTAL:
            self.refuse("orders", order_row, values["number"], "总金额太大")
            return False
        return self._settle_sign(order_row, values)

    def _settle_sign(self, order_row: int, values: Values) -> bool:
        try:
            self.count("orders", turned=int(settle_sign(values)))
        except RowRefused as refusal:
            self.count("orders", wrong_sign=1)
            self.refuse("orders", order_row, values["number"], str(refusal))
            return False
        return True

    def _remark_signs(self) -> None:
        counts = self.sync_run.counts["orders"]
        if refused_count := counts.get("wrong_sign"):
            self.remarks.append(f"{refused_count} 张订单的正负与状态不符，没有写入")
        if turned_count := counts.get("turned"):
            self.remarks.append(f"{turned_count} 张退货订单的数量为正，已按设置「销售系统的退货写成正数」改为负数")

    def _delete_orders(self, numbers: list[str]) -> None:
        if numbers:
            orders = Order.objects.filter(number__in=numbers)
            order_keys = list(orders.values_list("pk", "customer_id"))
            urls = [order_url(owner, pk) for pk, owner in order_keys]
            owners = {owner for _, owner in order_keys}
            TimelineEntry.objects.filter(customer__in=owners, kind=TimelineEntry.Kind.ORDER, url__in=urls).delete()
            orders.delete()
            refresh_after_orders(owners)

    def _refuse_orphan_lines(self) -> None:
        for batch in batches(self.staging.orphan_lines(), ORDER_BATCH):
            stored_numbers = {number for number, *_ in _stored_orders([number for number, _, _ in batch])}
            for number, row, lines in batch:
                if number not in stored_numbers:
                    self.refuse("order_lines", row, number, f"没有这张订单，它的 {lines} 行没有写入")

    def _cancel_missing(self) -> None:
        present = Order.objects.exclude(status=Order.Status.CANCELLED).order_by()
        for numbers in batches((number for _, number in stream_values(present.values_list("pk", "number"))), BATCH):
            missing_orders = Order.objects.filter(number__in=self.staging.unseen("orders", numbers))
            with in_turn():
                owners = set(missing_orders.values_list("customer_id", flat=True))
                self.count("orders", removed=missing_orders.mark_cancelled())
                refresh_after_orders(owners)
        parked = stream_values(ParkedOrder.objects.values_list("pk", "number"))
        for numbers in batches((number for _, number in parked), BATCH):
            ParkedOrder.objects.filter(number__in=self.staging.unseen("orders", numbers)).delete()


def _stored_orders(numbers: Iterable[str]) -> list[tuple[str, datetime | None, str]]:
    return list(Order.objects.filter(number__in=list(numbers)).values_list("number", "changed_at", "status"))


def _is_not_newer(at: datetime | None, stored: datetime | None) -> bool:
    """Compare times of change; a missing one or a stored one in the future never makes a row "not newer"."""
    return at is not None and stored is not None and at <= stored and not is_in_future(stored)


def _stock_key(cells: dict[str, Any]) -> str:
    return "\t".join(str(cells[name] or "").strip() for name in ("product_number", "warehouse", "location"))


def _raw_line(line: int, cells: dict[str, Any]) -> tuple:
    texts = (None if cells[name] is None else str(cells[name]) for name in FIELDS)
    return (str(cells["order_number"] or "").strip(), line, *texts)
