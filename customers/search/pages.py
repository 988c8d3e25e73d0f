"""Lists that a text names: words for a state that people type instead of a name."""

from __future__ import annotations

from django.urls import reverse

from accounts.models import User
from customers.churn.models import ChurnCase
from kit.domain.folding import fold_width

# Words for a state that people type instead of a name: both lead to the list of that state.
CHURN_STATES = {
    "客户流失": "all",
    "预警": "warning",
    "流失预警": "warning",
    "暂缓流失": "deferred",
    "确认流失": "confirmed",
    "确定流失": "confirmed",
    "已解除": "resolved",
    "已挽回": "won_back",
    "已合并": "merged",
}


def find_pages(user: User, text: str) -> list[tuple[str, str]]:
    """Return (words, URL) of the lists that the text names."""
    state = CHURN_STATES.get(fold_width(text))
    if state is None or not user.has_perm("customers.view_churncase"):
        return []
    label = dict(ChurnCase.Status.choices).get(state, "全部")
    return [(f"客户流失管理：{label}", f"{reverse('customers:churn_list')}?status={state}")]
