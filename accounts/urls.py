from django.urls import path

from . import audit_pages, views

app_name = "accounts"
urlpatterns = [
    path("password/", views.PasswordChange.as_view(), name="password"),
    path("audit/", audit_pages.AuditList.as_view(), name="audit_list"),
    path("audit/verify/", audit_pages.VerifyTrail.as_view(), name="audit_verify"),
    path("audit/<id:pk>/", audit_pages.AuditDetail.as_view(), name="audit_detail"),
    path("theme/", views.ChangeTheme.as_view(), name="theme"),
]
