"""可以谈什么 and 常购: what is bought together, what is offered, what a customer buys again and again."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from fractions import Fraction

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from basedata.models import FeedPosition, Product, StockRecord
from customers.insight.cards import product_cards
from customers.insight.hints import hints_for
from customers.insight.metrics import refresh_metrics
from customers.insight.pairs import refresh_pairs
from customers.insight.purchases import purchase_days
from customers.insight.regular import regular_products
from customers.insight.tasks import compute_pairs, start_monthly
from customers.models import HintCheck, HintPause, Order, ProductPair, merge_customers
from kit.audit.models import AuditEntry
from kit.domain.days import add_months, midnight, show_day
from kit.domain.verdict import Refused
from kit.jobs.models import Job
from tests import factories
from tests.customers.shop import AS_OF, draw, make_customers, make_products, write
from tests.html import find, text, texts

pytestmark = pytest.mark.django_db
MONTH = date(2026, 6, 1)


@pytest.fixture
def shop(company):
    """Return (customers, products, lines) of 150 buyers and 18 products."""
    customers, products = make_customers(company.manager, 150), make_products(18)
    lines = draw(customers, products)
    write(lines)
    return customers, products, lines


# Another way to count: sets of plain rows


def bought_until(lines, last):
    """Return {customer: {product number: days}} of purchases up to a day."""
    days = defaultdict(lambda: defaultdict(set))
    for customer, product, day, status, quantity in lines:
        if status in ("paid", "unpaid") and quantity > 0 and day <= last:
            days[customer.pk][product.number].add(day)
    return days


def in_year(days, last):
    """Return {customer: product numbers} of the twelve months up to a day."""
    since = add_months(last, -12)
    baskets = {key: {p for p, on in of.items() if any(since < day <= last for day in on)} for key, of in days.items()}
    return {key: basket for key, basket in baskets.items() if basket}


def count_pairs(baskets, buyers):
    """Return {(a, b): (buyers of a, of b, of both)} of all that a hint may come from."""
    numbers = sorted(set().union(*baskets.values()))
    by = {number: {key for key, basket in baskets.items() if number in basket} for number in numbers}
    return {
        (a, b): (len(by[a]), len(by[b]), len(by[a] & by[b]))
        for a in numbers
        for b in numbers
        if a != b and len(by[a] & by[b]) >= 20 and Fraction(len(by[a] & by[b]) * buyers, len(by[a]) * len(by[b])) >= 2
    }


def offers(pairs, recent, known):
    """Return the five best products with the share of their buyers, as D11 words it."""
    shares = defaultdict(list)
    for (a, b), (buyers_a, _, both) in pairs.items():
        if a in recent and b not in known:
            shares[b].append((-Fraction(both, buyers_a), a))
    best = sorted((min(shares[b])[0], b, min(shares[b])[1]) for b in shares)
    return [(b, a, -share) for share, b, a in best[:5]]


def buyers_of(lines, last):
    since = add_months(last, -12)
    return {c.pk for c, _, day, status, _ in lines if status in ("paid", "unpaid") and since < day <= last}


def test_pairs_are_those_that_sets_of_buyers_give(shop):
    _, _, lines = shop
    refresh_pairs(AS_OF, MONTH)
    rows = ProductPair.objects.values_list("a__number", "b__number", "buyers_a", "buyers_b", "both")
    baskets, buyers = in_year(bought_until(lines, AS_OF), AS_OF), len(buyers_of(lines, AS_OF))
    expected = count_pairs(baskets, buyers)
    assert {(a, b): rest for a, b, *rest in map(list, rows)} == {key: list(row) for key, row in expected.items()}
    assert 20 < len(expected) < 18 * 17
    assert set(ProductPair.objects.values_list("buyers", flat=True)) == {buyers}


def test_only_the_twenty_best_partners_of_a_product_are_kept(company):
    customers, products = make_customers(company.manager, 120), make_products(26)
    fans = [(c, p, AS_OF, "paid", 1) for c in customers[:30] for p in products]
    others = [(c, products[0], AS_OF, "paid", 1) for c in customers[30:50]]
    write([*fans, *others, *((c, products[1], AS_OF - timedelta(days=9), "returned", 1) for c in customers[50:])])
    write([(c, products[2], AS_OF - timedelta(days=8), "paid", 0) for c in customers[50:]], hour=23)
    refresh_pairs(AS_OF, MONTH)
    first = ProductPair.objects.filter(a=products[1]).values_list("b__number", flat=True)
    every = sorted(product.number for product in products if product != products[1])
    assert sorted(first) == every[:20]  # equal shares: the smaller numbers
    pair = ProductPair.objects.get(a=products[0], b=products[1])
    assert (pair.buyers_a, pair.buyers_b, pair.both, pair.buyers, str(pair.lift)) == (50, 30, 30, 120, "2.4")


def test_fewer_than_a_hundred_buyers_give_no_hints(company):
    customers, products = make_customers(company.manager, 99), make_products(2)
    write([(customer, product, AS_OF, "paid", 1) for customer in customers[:30] for product in products])
    write([(customer, products[0], AS_OF, "cancelled", 1) for customer in customers])
    write([(c, products[0], AS_OF, "paid", 0) for c in customers[30:]])
    refresh_pairs(AS_OF, MONTH)
    assert not ProductPair.objects.exists()
    write([(make_customers(company.manager, 1, "新")[0], products[0], AS_OF, "paid", 0)])
    refresh_pairs(AS_OF, MONTH)
    assert ProductPair.objects.count() == 2


def test_hints_are_the_best_of_what_was_never_bought(shop):
    customers, _, lines = shop
    refresh_pairs(AS_OF, MONTH)
    days = bought_until(lines, AS_OF)
    baskets = in_year(days, AS_OF)
    pairs, count = count_pairs(baskets, len(buyers_of(lines, AS_OF))), 0
    for customer in customers:
        own = purchase_days(customer, AS_OF)
        hints = hints_for(customer, own, AS_OF)
        given = [(hint.product.number, hint.bought.number, Fraction(hint.both, hint.buyers_a)) for hint in hints]
        assert given == offers(pairs, baskets.get(customer.pk, ()), days[customer.pk])
        count += len(given)
    assert count > 100


def test_the_check_counts_what_hints_of_ninety_days_ago_would_have_hit(shop):
    _, products, lines = shop
    check, split = refresh_pairs(AS_OF, MONTH), AS_OF - timedelta(days=90)
    until, after = bought_until(lines, split), bought_until(lines, AS_OF)
    baskets = in_year(until, split)
    pairs = count_pairs(baskets, len(buyers_of(lines, split)))
    by = {p.number: sum(p.number in basket for basket in baskets.values()) for p in products}
    ranking = sorted((number for number in by if by[number]), key=lambda number: (-by[number], number))
    shown = bought = best_shown = best_bought = 0
    rates = []
    for key, basket in baskets.items():
        later = {p for p, on in after[key].items() if any(split < day <= AS_OF for day in on)}
        offered = [b for b, _, _ in offers(pairs, basket, until[key])]
        pool = [number for number in ranking if number not in until[key]]
        shown, bought = shown + len(offered), bought + len(later & set(offered))
        best_shown, best_bought = best_shown + len(pool[:5]), best_bought + len(later & set(pool[:5]))
        rates.append(Fraction(len(later & set(pool)), len(pool)) if pool else Fraction(0))
    assert (check.compared, check.shown, check.bought) == (len(baskets), shown, bought)
    assert (check.best_shown, check.best_bought) == (best_shown, best_bought)
    assert float(check.random_rate) == pytest.approx(float(100 * sum(rates) / len(rates)), abs=0.0005)
    assert bought > 10


# On the customer's page


@pytest.fixture
def pair(company):
    """Return (customer, product they bought, product offered) with the pair 120 / 60 / 45 in the table."""
    customer = factories.CustomerFactory(name="海河水务有限公司", manager=company.manager, by=company.manager)
    bought, offered = make_products(2)
    write([(customer, bought, AS_OF - timedelta(days=3), "paid", 1)])
    refresh_metrics([customer.pk])
    ProductPair.objects.create(a=bought, b=offered, buyers_a=60, buyers_b=50, both=45, buyers=240)
    return customer, bought, offered


def hints_of(page):
    return [text(one) for one in find(page, "#hints").cssselect(".g")]


def test_the_card_says_how_many_bought_both_and_a_click_ends_it_for_this_customer(pair, company, sign_in):
    customer, _, offered = pair
    browser, url = sign_in(company.manager), f"/customers/{customer.pk}/"
    assert hints_of(browser.get(url)) == ["产品1 P01买过 产品0 的 60 家中 45 家（75.0%）也买它"]
    answer = browser.post(f"{url}hints/{offered.pk}/pause/", follow=True)
    assert hints_of(answer)[0] == "没有可以提的产品。"
    entry = AuditEntry.objects.about(customer).get(verb="不再提示")
    assert (entry.actor, entry.changes["产品"][1]) == (company.manager, "产品1")
    pause = HintPause.objects.get()
    answer = browser.post(f"{url}hints/{pause.pk}/resume/", follow=True)
    assert hints_of(answer)[0].startswith("产品1")
    assert AuditEntry.objects.about(customer).filter(verb="恢复提示").count() == 1


def test_a_colleague_who_only_sees_the_customer_may_not_pause(pair, company):
    customer, _, offered = pair
    with pytest.raises(Refused):
        HintPause.create(by=company.colleague, customer=customer, product=offered)


def test_what_is_off_sale_or_out_of_stock_is_not_offered(pair, company):
    customer, bought, offered = pair
    days = {bought.pk: [AS_OF]}
    assert len(hints_for(customer, days, AS_OF)) == 1  # no stock is mirrored
    FeedPosition.objects.create(table="storage", synced_at=timezone.now())
    assert hints_for(customer, days, AS_OF) == []
    StockRecord.objects.create(product=offered, warehouse="总库", quantity=3)
    assert len(hints_for(customer, days, AS_OF)) == 1
    Product.objects.filter(pk=offered.pk).update(is_discontinued=True)
    assert hints_for(customer, days, AS_OF) == []


def test_what_was_bought_more_than_a_year_ago_gives_no_hint_and_gets_none(pair):
    customer, bought, offered = pair
    last = add_months(AS_OF, -12)
    assert hints_for(customer, {bought.pk: [last]}, AS_OF) == []
    assert len(hints_for(customer, {bought.pk: [last + timedelta(days=1)]}, AS_OF)) == 1
    assert hints_for(customer, {bought.pk: [AS_OF], offered.pk: [date(2020, 1, 1)]}, AS_OF) == []


def test_pauses_of_a_merged_customer_follow_once(pair, company):
    customer, bought, offered = pair
    other = factories.CustomerFactory(name="海河水务（老）", manager=company.manager, by=company.manager)
    for holder, product in ((customer, offered), (other, offered), (other, bought)):
        HintPause.create(by=company.manager, customer=holder, product=product)
    merge_customers(customer, [other], by=company.supervisor, reason="同一家")
    assert set(HintPause.objects.values_list("customer", "product")) == {
        (customer.pk, offered.pk),
        (customer.pk, bought.pk),
    }


def test_orders_without_lines_are_said_and_without_orders_there_is_no_card(pair, company, sign_in):
    customer, _, _ = pair
    empty = factories.CustomerFactory(name="没有订单", manager=company.manager, by=company.manager)
    assert product_cards(customer, factories.fresh(company.nobody), AS_OF) is None
    assert "可以谈什么" not in text(sign_in(company.manager).get(f"/customers/{empty.pk}/"))
    Order.objects.create(number="1", customer=empty, ordered_at=midnight(AS_OF - timedelta(days=3)), status="paid")
    refresh_metrics([empty.pk])
    page = sign_in(company.manager).get(f"/customers/{empty.pk}/")
    assert "没有订单明细" in text(find(page, "#hints"))
    assert "没有订单明细" in text(find(page, "#regular"))


def test_what_is_bought_again_and_again_and_what_stopped(company):
    product, other = make_products(2)
    days = [date(2026, 1, 1), date(2026, 1, 31), date(2026, 3, 3)]  # 30 and 31 days: 30.5, half up
    (row,) = regular_products({product.pk: days, other.pk: days[:2]}, date(2026, 6, 4))
    assert (row.times, row.interval, row.last, row.stopped) == (3, 31, date(2026, 3, 3), False)
    (row,) = regular_products({product.pk: days}, date(2026, 6, 5))  # 94 days, more than 3 × 31
    assert row.stopped


def test_a_line_dated_after_the_day_of_the_data_was_not_bought_yet(pair, company):
    customer, bought, offered = pair
    days = [AS_OF - timedelta(days=9), AS_OF - timedelta(days=6), AS_OF + timedelta(days=1)]
    write([(customer, product, day, "paid", 1) for product in (bought, offered) for day in days[2:]])
    write([(customer, bought, day, "paid", 1) for day in days[:2]])
    cards = product_cards(customer, factories.fresh(company.manager), AS_OF)
    assert [hint.product for hint in cards.hints] == [offered]
    assert [(row.times, row.last) for row in cards.regular] == [(3, AS_OF - timedelta(days=3))]


def test_the_cards_ask_the_same_number_of_queries_however_much_was_bought(shop, company):
    customers, _, _ = shop
    refresh_pairs(AS_OF, MONTH)
    user, counts = factories.fresh(company.manager), set()
    for customer in customers[:10]:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            product_cards(customer, user, AS_OF)
        counts.add(len(queries))
    assert max(counts) <= 7


def test_the_card_says_how_often_a_product_is_bought_and_which_stopped(company, sign_in):
    customer = factories.CustomerFactory(manager=company.manager, by=company.manager)
    product, stopped = make_products(2)
    days = [AS_OF - timedelta(days=back) for back in (63, 33, 3)]
    write([(customer, product, day, "paid", 1) for day in days])
    write([(customer, stopped, day - timedelta(days=300), "paid", 1) for day in days])
    refresh_metrics([customer.pk])
    rows = texts(find(sign_in(company.manager).get(f"/customers/{customer.pk}/"), "#regular"), "li")
    assert rows[0].startswith("产品0")
    assert f"3 次，通常间隔 30 天，上次 {show_day(date(2026, 6, 27))}" in rows[0]
    assert rows[1].endswith("可能换了供应商或不再需要 很久没买")


# Monthly


def test_a_month_is_computed_once_by_a_job(shop):
    start_monthly()
    start_monthly()
    jobs = Job.objects.filter(function="customers.insight.tasks.run_pairs")
    assert jobs.count() == 1
    assert compute_pairs().startswith("截至 2026-06-30")
    jobs.delete()
    start_monthly()
    assert not jobs.exists()
    assert HintCheck.objects.get().month == timezone.localdate().replace(day=1)
