"""How the filters of a list are drawn: the options of their fields, and the conditions in force."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

from django import forms
from django.forms.boundfield import BoundField

from kit.pages.html import format_html_fast, join_html
from kit.pages.query_string import QueryString
from kit.pages.templatetags.ui import format_cell

from .filter_choices import SeveralValues
from .filter_days import AgoField

OPTION, SELECTED_OPTION = '<option value="{}">{}</option>', '<option value="{}" selected>{}</option>'
TICK = '<label><input class="ck" type="checkbox" name="{}" id="{}" value="{}"{}><span>{}</span></label>'
CHECKED = format_html_fast(" checked")
PICKER = (
    '<summary class="inp" id="{}">{}</summary>'
    '<fieldset class="menu ticks"><legend class="vh">{}</legend>{}{}</fieldset>'
)
SEARCHED_FROM = 12  # so many options need a search among them
SEARCH = '<input class="inp js-only" type="search" data-narrow aria-label="在{}的选项中查找" placeholder="查找">'
FAVOURITES = 4
NAMED = 2  # so many chosen options a field names


def render_options(form: forms.Form, name: str, *, labelled: bool = False) -> str:
    """Return the <option>s of a choice field; a Select renders a template for each, which takes far longer.

    labelled: whether the option of no choice says the field's label, too.
    """
    bound_field = form[name]
    value, field = bound_field.value(), bound_field.field
    selected_key = "" if value is None else str(value)
    choices = field.choices_with(selected_key) if isinstance(field, AgoField) else iterate_choices(field)
    return join_html(
        format_html_fast(
            SELECTED_OPTION if str(key) == selected_key else OPTION,
            key,
            f"{bound_field.label}：{label}" if labelled and not key else label,
        )
        for key, label in choices
    )


def iterate_choices(field: Any) -> Iterator[tuple[Any, Any]]:
    """Yield (key, label) of a choice field, without the COUNT that iterating field.choices starts with.

    Rows are fetched in one statement: Django's iterator opens a server-side cursor, which takes three. Where the
    model has sql_label(), no instance is created: for all users of a company that took as long as the list itself.
    """
    if not isinstance(field, forms.ModelChoiceField):
        yield from field.choices
        return
    if field.empty_label is not None:
        yield "", field.empty_label
    rows: Any = field.queryset
    label = getattr(rows.model, "sql_label", None)
    if label is not None:
        yield from rows.values_list("pk", label())
        return
    for row in rows.all():
        yield row.pk, field.label_from_instance(row)


def render_ticks(form: forms.Form, name: str, *, labelled: bool) -> str:
    """Return what stands in the <details> of a field of several values. labelled: whether it says its own label."""
    bound_field = form[name]
    label, chosen, ticks = bound_field.label, set(bound_field.value() or ()), []
    chosen_labels = []
    for number, (key, text) in enumerate(iterate_choices(bound_field.field)):
        is_chosen = str(key) in chosen
        ticks.append(format_html_fast(TICK, name, f"id_{name}_{number}", key, CHECKED if is_chosen else "", text))
        if is_chosen:
            chosen_labels.append(str(text))
    summary = describe_chosen(chosen_labels)
    search = format_html_fast(SEARCH, label) if len(ticks) >= SEARCHED_FROM else ""
    shown = f"{label}：{summary}" if labelled else summary
    return format_html_fast(PICKER, f"id_{name}", shown, label, search, join_html(ticks))


def describe_chosen(labels: list[str]) -> str:
    """Return what a closed field of several values says."""
    return "、".join(labels) if 0 < len(labels) <= NAMED else f"{len(labels)} 项" if labels else "全部"


class Condition(NamedTuple):
    """A condition in force, and the URL without it. name: of its field."""

    name: str
    label: str
    value: str
    url: str


def applied_conditions(form: forms.Form, query: QueryString, *, except_for: str = "") -> list[Condition]:
    """Return the filters in force, one for each value. except_for: the field of the tabs."""
    if not form.is_valid():
        return []
    conditions = []
    for name, value in form.cleaned_data.items():
        if value in (None, "", False, ()) or name == except_for:
            continue
        field: Any = form.fields[name]
        label = str(field.label)
        if isinstance(field, SeveralValues):
            texts = {} if isinstance(field, forms.ModelChoiceField) else {str(k): v for k, v in iterate_choices(field)}
            for one in value:
                key = str(getattr(one, "pk", one))
                text = texts.get(key) or format_cell(one)
                conditions.append(Condition(name, label, str(text), query.link_without(name, key)))
        else:
            text = dict(getattr(field, "choices", ())).get(value) or format_cell(value)
            conditions.append(Condition(name, label, str(text), query.link(**{name: None})))
    return conditions


def describe_conditions(conditions: Iterable[Condition]) -> list[str]:
    """Return the conditions as text, with the values of one filter as the alternatives they are."""
    by_label: dict[str, list[str]] = {}
    for condition in conditions:
        by_label.setdefault(condition.label, []).append(condition.value)
    return [f"{label} {'或'.join(values)}" for label, values in by_label.items()]


class FilterLine(NamedTuple):
    """The visible fields of a filter as a list shows them: favourites, and the others behind 更多筛选."""

    favourites: list[BoundField]
    more: list[BoundField]
    more_in_force: int
    more_is_wrong: bool


def filter_line(form: forms.Form, favourites: Collection[str], applied: Iterable[Condition]) -> FilterLine:
    """Return the fields of a list's filter. favourites: names of those always shown; none: the first four."""
    shown = form.visible_fields()
    names = set(favourites) or {field.name for field in shown[:FAVOURITES]}
    more = [field for field in shown if field.name not in names]
    more_names = {field.name for field in more}
    in_force = {condition.name for condition in applied} & more_names
    always = [field for field in shown if field.name in names]
    return FilterLine(always, more, len(in_force), any(field.errors for field in more))
