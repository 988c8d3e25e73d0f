from django.urls import path

from .churn import pages as churn
from .contacts import bulk_pages as many_contacts
from .contacts import known_pages as known_contacts
from .contacts import pages as contacts
from .insight import alert_pages as alerts
from .insight import churn_lists
from .insight import pages as insight
from .interactions import attachment_pages
from .interactions import pages as interactions
from .merging import share_many
from .orders import pages as orders
from .page import list_pages
from .page import pages as detail
from .records import known_pages, timeline_pages
from .records import pages as customers
from .sync import pages as sync

app_name = "customers"
urlpatterns = [
    path("", list_pages.CustomerList.as_view(), name="customer_list"),
    path("share/", share_many.ShareCustomers.as_view(), name="share_many"),
    path("contacts/refuse/", many_contacts.RefuseContacts.as_view(), name="refuse_contacts"),
    path("contacts/delete/", many_contacts.RemoveContacts.as_view(), name="remove_contacts"),
    path("known/", known_pages.KnownWhileTyping.as_view(), name="known"),
    path("new/", customers.CustomerCreate.as_view(), name="customer_create"),
    path("deleted/", list_pages.DeletedCustomers.as_view(), name="customer_deleted"),
    path("orders/", orders.OrderList.as_view(), name="order_list"),
    path("sync/", sync.SyncState.as_view(), name="sync"),
    path("sync/start/", sync.StartSync.as_view(), name="sync_start"),
    path("sync/parked/", sync.ParkedOrders.as_view(), name="sync_parked"),
    path("sync/<id:pk>/", sync.SyncRunPage.as_view(), name="sync_run"),
    path("<id:pk>/", detail.CustomerDetail.as_view(), name="customer_detail"),
    path("<id:pk>/edit/", customers.CustomerUpdate.as_view(), name="customer_update"),
    path("<id:pk>/delete/", customers.RemoveCustomer.as_view(), name="customer_delete"),
    path("<id:pk>/restore/", customers.RestoreCustomer.as_view(), name="customer_restore"),
    path("<id:pk>/share/", customers.ShareCustomer.as_view(), name="customer_share"),
    path(
        "<id:pk>/share/<id:grant>/withdraw/",
        customers.WithdrawCustomerShare.as_view(),
        name="customer_share_withdraw",
    ),
    path("<id:pk>/show/<slug:field>/", customers.ShowCustomerDetail.as_view(), name="customer_show"),
    path("<id:pk>/history/", customers.CustomerHistory.as_view(), name="customer_history"),
    path("<id:pk>/orders/", orders.CustomerOrders.as_view(), name="customer_orders"),
    path("<id:pk>/orders/<id:order>/", orders.OrderDetail.as_view(), name="order_detail"),
    path("<id:pk>/hints/<id:product>/pause/", insight.PauseHint.as_view(), name="hint_pause"),
    path("<id:customer>/hints/<id:pk>/resume/", insight.ResumeHint.as_view(), name="hint_resume"),
    path("<id:pk>/timeline/", timeline_pages.CustomerTimeline.as_view(), name="timeline"),
    path("<id:pk>/contacts/", contacts.ContactList.as_view(), name="contact_list"),
    path("<id:pk>/contacts/new/", contacts.ContactCreate.as_view(), name="contact_create"),
    path("<id:pk>/contacts/known/", known_contacts.KnownContacts.as_view(), name="known_contacts"),
    path("<id:customer>/contacts/<id:pk>/edit/", contacts.ContactUpdate.as_view(), name="contact_update"),
    path(
        "<id:customer>/contacts/<id:pk>/show/<slug:field>/", contacts.ShowContactDetail.as_view(), name="contact_show"
    ),
    path("<id:customer>/contacts/<id:pk>/delete/", contacts.RemoveContact.as_view(), name="contact_delete"),
    path("<id:pk>/interactions/", interactions.InteractionList.as_view(), name="interaction_list"),
    path("<id:pk>/interactions/new/", interactions.InteractionCreate.as_view(), name="interaction_create"),
    path("<id:customer>/interactions/<id:pk>/", interactions.InteractionDetail.as_view(), name="interaction_detail"),
    path(
        "<id:customer>/interactions/<id:pk>/edit/", interactions.InteractionUpdate.as_view(), name="interaction_update"
    ),
    path(
        "<id:customer>/interactions/<id:pk>/delete/",
        interactions.RemoveInteraction.as_view(),
        name="interaction_delete",
    ),
    path("<id:customer>/interactions/<id:pk>/done/", interactions.FinishFollowUp.as_view(), name="interaction_done"),
    path("<id:customer>/interactions/<id:pk>/attachments/", attachment_pages.AttachFiles.as_view(), name="attach"),
    path("<id:customer>/attachments/<id:pk>/", attachment_pages.AttachmentFile.as_view(), name="attachment"),
    path(
        "<id:customer>/attachments/<id:pk>/delete/",
        attachment_pages.RemoveAttachment.as_view(),
        name="attachment_delete",
    ),
    path("churn/", churn_lists.ChurnList.as_view(), name="churn_list"),
    path("churn/early/", churn_lists.AlertList.as_view(), name="alert_list"),
    path("churn/early/<id:pk>/pause/", alerts.PauseAlert.as_view(), name="alert_pause"),
    path("churn/early/<id:pk>/warn/", alerts.ListAsWarning.as_view(), name="alert_warn"),
    path("churn/scan/", churn.ChurnScan.as_view(), name="churn_scan"),
    path("churn/<id:pk>/", churn.ChurnDetail.as_view(), name="churn_detail"),
    path("churn/<id:pk>/history/", churn.ChurnHistory.as_view(), name="churn_history"),
    path("churn/<id:pk>/defer/", churn.DeferLoss.as_view(), name="churn_defer"),
    path("churn/<id:pk>/confirm/", churn.ConfirmLoss.as_view(), name="churn_confirm"),
    path("churn/<id:pk>/win-back/", churn.WinBack.as_view(), name="churn_win_back"),
]
