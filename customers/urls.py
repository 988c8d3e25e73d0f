from django.urls import path

from . import views

app_name = "customers"
urlpatterns = [
    path("", views.CustomerList.as_view(), name="customer_list"),
    path("<id:pk>/", views.CustomerDetail.as_view(), name="customer_detail"),
    path("<id:pk>/edit/", views.CustomerUpdate.as_view(), name="customer_update"),
    path("<id:pk>/history/", views.CustomerHistory.as_view(), name="customer_history"),
    path("<id:pk>/contacts/new/", views.ContactCreate.as_view(), name="contact_create"),
    path("<id:customer>/contacts/<id:pk>/edit/", views.ContactUpdate.as_view(), name="contact_update"),
    path("<id:customer>/contacts/<id:pk>/delete/", views.RemoveContact.as_view(), name="contact_delete"),
]
