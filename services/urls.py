from django.urls import path

from .ratings import pages as ratings
from .requests import bulk_pages, customer_search_pages, list_pages, work_pages
from .requests import pages as requests
from .targets import pages as targets

app_name = "services"
urlpatterns = [
    path("new/", requests.RequestCreate.as_view(), name="request_create"),
    path("dispatch/", list_pages.Dispatch.as_view(), name="dispatch"),
    path("dispatch/assign/", bulk_pages.AssignRequests.as_view(), name="assign_many"),
    path("reassign/", bulk_pages.ReassignRequests.as_view(), name="reassign_many"),
    path("handling/", list_pages.Handling.as_view(), name="handling"),
    path("feedback/", list_pages.Feedback.as_view(), name="feedback"),
    path("archive/", list_pages.Archive.as_view(), name="archive"),
    path("customers/", customer_search_pages.FindCustomer.as_view(), name="find_customer"),
    path("contacts/", customer_search_pages.FindContacts.as_view(), name="find_contacts"),
    path("targets/", targets.Targets.as_view(), name="targets"),
    path("<id:pk>/", requests.RequestDetail.as_view(), name="request_detail"),
    path("<id:pk>/edit/", requests.RequestUpdate.as_view(), name="request_update"),
    path("<id:pk>/delete/", requests.RemoveRequest.as_view(), name="request_delete"),
    path("<id:pk>/assign/", requests.AssignRequest.as_view(), name="request_assign"),
    path("<id:pk>/reassign/", requests.ReassignRequest.as_view(), name="request_reassign"),
    path("<id:pk>/keep/", requests.KeepAssignee.as_view(), name="request_keep"),
    path("<id:pk>/wait/", work_pages.WaitForCustomer.as_view(), name="request_wait"),
    path("<id:pk>/resume/", work_pages.ResumeHandling.as_view(), name="request_resume"),
    path("<id:pk>/handle/", work_pages.HandleRequest.as_view(), name="request_handle"),
    path("<id:pk>/feedback/", ratings.FeedBack.as_view(), name="request_feedback"),
    path("<id:pk>/invite/", ratings.InviteCustomer.as_view(), name="request_invite"),
    path("<id:pk>/rating.svg", ratings.RatingPicture.as_view(), name="rating_picture"),
    path("<id:pk>/handle/draft/", work_pages.SaveDraft.as_view(form="handle"), name="draft_handle"),
    path("<id:pk>/feedback/draft/", work_pages.SaveDraft.as_view(form="feedback"), name="draft_feedback"),
    path("<id:pk>/helpers/", requests.InvolveHelper.as_view(), name="request_involve"),
    path("<id:pk>/helpers/<id:helper>/delete/", requests.ReleaseHelper.as_view(), name="request_release"),
    path("<id:pk>/notes/", requests.AddNote.as_view(), name="request_note"),
    path("<id:pk>/history/", requests.RequestHistory.as_view(), name="request_history"),
]
