"""营销管理: opportunities and their development into customers."""

from __future__ import annotations

import marketing.personal
from accounts.models import User
from accounts.scopes.rule import Supervision
from customers.hooks import HeadFigure, KnownLeads, LeadForm, OriginCard
from kit.domain.modules import Action, Chapter, Leaving, MenuItem, Module, PagePermission, Search

from .customer_card import draw_customer_card, draw_open_opportunities
from .opportunities.duplicates import opportunity_matches
from .opportunities.known_pages import KnownOrganisations
from .opportunities.lead import lead_url
from .opportunities.models import Opportunity
from .opportunities.undoing import CHANGES
from .plans.leaving import count_open_opportunities, hand_over_opportunities
from .plans.undoing import REMOVED_ITEM
from .search import find_records
from .waiting import WAITING

MODULE: Module[User] = Module(
    "marketing",
    "营销管理",
    "target-arrow",
    order=10,
    menu=(
        MenuItem("销售机会管理", "marketing:opportunity_list", "marketing.view_opportunity", "unassigned"),
        MenuItem("客户开发计划", "marketing:development_list", "marketing.view_opportunity", "due", urgent=True),
    ),
    waiting=WAITING,
    notified=(Opportunity,),
    search=Search(find_records),
    actions=(Action("新建机会", "marketing:opportunity_create", "marketing.add_opportunity"),),
    personal=marketing.personal,
    leaving=Leaving("opportunities", "销售机会", count_open_opportunities, hand_over_opportunities),
    help=(Chapter("marketing/help.html", 20),),
    pages={
        "marketing:known": PagePermission("录入时查重", "|".join(KnownOrganisations.permissions)),
        "marketing:development_execute": PagePermission("执行计划", "marketing.develop_opportunity"),
    },
    record_pages={"marketing:development_list": "marketing:opportunity_detail"},
    lends=(
        REMOVED_ITEM,
        *CHANGES,
        Supervision("marketing.assign_opportunity"),
        OriginCard(draw_customer_card),
        HeadFigure(draw_open_opportunities),
        LeadForm(lead_url),
        KnownLeads(opportunity_matches),
    ),
)
