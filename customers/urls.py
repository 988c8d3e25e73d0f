from django.urls import path

from .views import churn, contacts, customers

app_name = "customers"
urlpatterns = [
    path("", customers.CustomerList.as_view(), name="customer_list"),
    path("<id:pk>/", customers.CustomerDetail.as_view(), name="customer_detail"),
    path("<id:pk>/edit/", customers.CustomerUpdate.as_view(), name="customer_update"),
    path("<id:pk>/history/", customers.CustomerHistory.as_view(), name="customer_history"),
    path("<id:pk>/contacts/new/", contacts.ContactCreate.as_view(), name="contact_create"),
    path("<id:customer>/contacts/<id:pk>/edit/", contacts.ContactUpdate.as_view(), name="contact_update"),
    path("<id:customer>/contacts/<id:pk>/delete/", contacts.RemoveContact.as_view(), name="contact_delete"),
    path("churn/", churn.ChurnList.as_view(), name="churn_list"),
    path("churn/scan/", churn.ChurnScan.as_view(), name="churn_scan"),
    path("churn/<id:pk>/", churn.ChurnDetail.as_view(), name="churn_detail"),
    path("churn/<id:pk>/history/", churn.ChurnHistory.as_view(), name="churn_history"),
    path("churn/<id:pk>/defer/", churn.DeferLoss.as_view(), name="churn_defer"),
    path("churn/<id:pk>/confirm/", churn.ConfirmLoss.as_view(), name="churn_confirm"),
    path("churn/<id:pk>/win-back/", churn.WinBack.as_view(), name="churn_win_back"),
]
