"""The form of departments, and departments as choices of a form."""

from __future__ import annotations

from typing import Any

from kit.pages.forms import Block, RecordForm

from .models import Department, subtree_ids


def department_paths() -> dict[int, str]:
    """Return paths like 销售部 › 华北组 by department id, in the order of the tree."""
    rows = {pk: (name, parent) for pk, name, parent in Department.objects.values_list("pk", "name", "parent_id")}

    def path(pk: int | None) -> tuple[str, ...]:
        return () if pk is None else (*path(rows[pk][1]), rows[pk][0])

    ordered = sorted((path(pk), pk) for pk in rows)
    return {pk: " › ".join(names) for names, pk in ordered}


def offer_departments(field: Any, without: set[int] | None = None) -> None:
    """Offer departments by their path, in the order of the tree."""
    paths = {pk: path for pk, path in department_paths().items() if pk not in (without or ())}
    field.queryset = Department.objects.filter(pk__in=paths)
    field.choices = [("", field.empty_label), *paths.items()]


class DepartmentForm(RecordForm):
    blocks = (
        Block(
            "部门",
            "移动部门时，它的下级部门和人员一起移动，查看范围和编辑范围立即跟着变。",
            (("name", 3), ("parent", 3)),
        ),
    )

    class Meta:
        model = Department
        fields = ["name", "parent"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        parent: Any = self.fields["parent"]
        parent.empty_label = "（最上级）"
        offer_departments(parent, without=subtree_ids(self.instance.pk) if self.instance.pk else set())
