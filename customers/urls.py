from django.urls import path

from .views import contacts, customers, sync

app_name = "customers"
urlpatterns = [
    path("", customers.CustomerList.as_view(), name="customer_list"),
    path("sync/", sync.SyncState.as_view(), name="sync"),
    path("sync/start/", sync.StartSync.as_view(), name="sync_start"),
    path("sync/parked/", sync.ParkedOrders.as_view(), name="sync_parked"),
    path("sync/<id:pk>/", sync.SyncRunPage.as_view(), name="sync_run"),
    path("<id:pk>/", customers.CustomerDetail.as_view(), name="customer_detail"),
    path("<id:pk>/edit/", customers.CustomerUpdate.as_view(), name="customer_update"),
    path("<id:pk>/history/", customers.CustomerHistory.as_view(), name="customer_history"),
    path("<id:pk>/contacts/new/", contacts.ContactCreate.as_view(), name="contact_create"),
    path("<id:customer>/contacts/<id:pk>/edit/", contacts.ContactUpdate.as_view(), name="contact_update"),
    path("<id:customer>/contacts/<id:pk>/delete/", contacts.RemoveContact.as_view(), name="contact_delete"),
]
