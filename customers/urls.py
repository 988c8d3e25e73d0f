from django.urls import path

from .views import contacts, customers, detail, orders

app_name = "customers"
urlpatterns = [
    path("", customers.CustomerList.as_view(), name="customer_list"),
    path("new/", customers.CustomerCreate.as_view(), name="customer_create"),
    path("deleted/", customers.DeletedCustomers.as_view(), name="customer_deleted"),
    path("orders/", orders.OrderList.as_view(), name="order_list"),
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
    path("<id:pk>/history/", customers.CustomerHistory.as_view(), name="customer_history"),
    path("<id:pk>/orders/", orders.CustomerOrders.as_view(), name="customer_orders"),
    path("<id:pk>/orders/<id:order>/", orders.OrderDetail.as_view(), name="order_detail"),
    path("<id:pk>/contacts/new/", contacts.ContactCreate.as_view(), name="contact_create"),
    path("<id:customer>/contacts/<id:pk>/edit/", contacts.ContactUpdate.as_view(), name="contact_update"),
    path("<id:customer>/contacts/<id:pk>/delete/", contacts.RemoveContact.as_view(), name="contact_delete"),
]
