from django.urls import path

from .opportunities import bulk_pages, known_pages
from .opportunities import pages as opportunities
from .plans import pages as development
from .plans import results

app_name = "marketing"
urlpatterns = [
    path("opportunities/", opportunities.OpportunityList.as_view(), name="opportunity_list"),
    path("opportunities/new/", opportunities.OpportunityCreate.as_view(), name="opportunity_create"),
    path("opportunities/known/", known_pages.KnownOrganisations.as_view(), name="known"),
    path("opportunities/assign/", bulk_pages.AssignOpportunities.as_view(), name="assign_many"),
    path("opportunities/reassign/", bulk_pages.ReassignOpportunities.as_view(), name="reassign_many"),
    path("opportunities/postpone/", bulk_pages.PostponeOpportunities.as_view(), name="postpone_many"),
    path("opportunities/<id:pk>/", opportunities.OpportunityDetail.as_view(), name="opportunity_detail"),
    path("opportunities/<id:pk>/edit/", opportunities.OpportunityUpdate.as_view(), name="opportunity_update"),
    path("opportunities/<id:pk>/delete/", opportunities.RemoveOpportunity.as_view(), name="opportunity_delete"),
    path("opportunities/<id:pk>/assign/", opportunities.AssignOpportunity.as_view(), name="opportunity_assign"),
    path("opportunities/<id:pk>/reassign/", opportunities.ReassignOpportunity.as_view(), name="opportunity_reassign"),
    path("opportunities/<id:pk>/forecast/", opportunities.UpdateForecast.as_view(), name="opportunity_forecast"),
    path("opportunities/<id:pk>/contact/", opportunities.CorrectContact.as_view(), name="opportunity_contact"),
    path("opportunities/<id:pk>/win/", opportunities.WinOpportunity.as_view(), name="opportunity_win"),
    path("opportunities/<id:pk>/lose/", opportunities.LoseOpportunity.as_view(), name="opportunity_lose"),
    path("opportunities/<id:pk>/share/", opportunities.ShareOpportunity.as_view(), name="opportunity_share"),
    path(
        "opportunities/<id:pk>/share/<id:grant>/withdraw/",
        opportunities.WithdrawOpportunityShare.as_view(),
        name="opportunity_share_withdraw",
    ),
    path(
        "opportunities/<id:pk>/show/<slug:field>/",
        opportunities.ShowOpportunityDetail.as_view(),
        name="opportunity_show",
    ),
    path("opportunities/<id:pk>/history/", opportunities.OpportunityHistory.as_view(), name="opportunity_history"),
    path("development/", development.DevelopmentList.as_view(), name="development_list"),
    path("development/<id:pk>/plan/", development.PlanPage.as_view(), name="development_plan"),
    path("development/<id:pk>/execute/", results.ExecutePage.as_view(), name="development_execute"),
    path("development/<id:opportunity>/items/<id:pk>/edit/", development.ItemUpdate.as_view(), name="item_update"),
    path("development/<id:opportunity>/items/<id:pk>/delete/", development.RemoveItem.as_view(), name="item_delete"),
    path("development/<id:opportunity>/items/<id:pk>/result/", results.RecordResult.as_view(), name="item_result"),
]
