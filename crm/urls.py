"""All URLs of the product."""

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path

from accounts.notifications import pages as notifications
from accounts.signin import pages as accounts
from accounts.signin import second_factor_pages as second_factor
from crm import handover, health, help, home, palette, privacy_pages, role_check, search
from crm import undo_pages as recent
from customers.imports import pages as imports
from customers.merging import group_pages as merge_groups
from customers.merging import pages as together
from kit.imports import pages as runs
from services.ratings.pages import Rate

CONTACT = "customers/<id:customer>/contacts/<id:pk>/"
urlpatterns = [
    path("", home.Home.as_view(), name="home"),
    path("login/", accounts.SignIn.as_view(), name="login"),
    path("login/code/", second_factor.SecondStep.as_view(), name="login_code"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("setup/<str:token>/", accounts.FirstAdministrator.as_view(), name="setup"),
    path("marketing/", include("marketing.urls")),
    path("customers/transfer/", handover.TransferCustomers.as_view(), name="customer_transfer_many"),
    path("customers/<id:pk>/transfer/", handover.TransferCustomer.as_view(), name="customer_transfer"),
    path("customers/merge/", together.MergeCustomers.as_view(), name="customer_merge"),
    path("customers/merge/groups/", merge_groups.MergeGroups.as_view(), name="customer_merge_groups"),
    path("customers/reclassify/", together.ReclassifyCustomers.as_view(), name="customer_reclassify"),
    path("import/", imports.UploadTable.as_view(), name="import"),
    path("import/template/", imports.ImportTemplate.as_view(), name="import_template"),
    path("import/<id:pk>/", imports.ImportPreview.as_view(), name="import_file"),
    path("import/<id:pk>/carry-out/", imports.CarryOutImport.as_view(), name="import_carry_out"),
    path("import/<id:pk>/refused/", imports.RefusedRows.as_view(), name="import_refused"),
    path("imports/", runs.Imports.as_view(), name="imports"),
    path("imports/files/", runs.SheetFiles.as_view(), name="import_files"),
    path("imports/<id:pk>/", runs.OneRun.as_view(), name="import_run"),
    path("imports/<id:pk>/sheet/", runs.ChooseSheet.as_view(), name="import_sheet"),
    path("imports/<id:pk>/columns/", runs.MatchColumns.as_view(), name="import_columns"),
    path("imports/<id:pk>/values/", runs.RepairValues.as_view(), name="import_values"),
    path("imports/<id:pk>/preview/", runs.Preview.as_view(), name="import_preview"),
    path("imports/<id:pk>/carry-out/", runs.CarryOut.as_view(), name="import_write"),
    path("imports/<id:pk>/refused/", runs.RefusedRows.as_view(), name="import_rejects"),
    path("imports/<id:pk>/undo/", runs.TakeBackRun.as_view(), name="import_undo"),
    path("duplicates/", together.Duplicates.as_view(), name="duplicates"),
    path(
        "customers/<id:customer>/contacts/<id:pk>/personal/",
        privacy_pages.ContactPersonal.as_view(),
        name="contact_personal",
    ),
    path(
        "customers/<id:customer>/contacts/<id:pk>/personal/erase/",
        privacy_pages.EraseContact.as_view(),
        name="contact_erase",
    ),
    path("customers/", include("customers.urls")),
    path("services/", include("services.urls")),
    path("rate/<str:token>/", Rate.as_view(), name="rate"),
    path("reports/", include("reports.urls")),
    path("basedata/", include("basedata.urls")),
    path("accounts/users/<id:pk>/disable/", handover.DisableUser.as_view(), name="user_disable"),
    path("accounts/users/<id:pk>/hand-over/", handover.HandOver.as_view(), name="user_hand_over"),
    path("accounts/roles/<id:pk>/check/", role_check.RoleCheck.as_view(), name="role_check"),
    path("accounts/", include("accounts.urls")),
    path("recent/", recent.RecentChanges.as_view(), name="recent"),
    path("recent/<id:pk>/undo/", recent.TakeBack.as_view(), name="undo"),
    path("search/", search.Search.as_view(), name="search"),
    path("search/palette/", palette.Palette.as_view(), name="palette"),
    path("help/", help.Help.as_view(), name="help"),
    path("notifications/", notifications.NotificationList.as_view(), name="notifications"),
    path("notifications/mail/", notifications.SwitchMail.as_view(), name="notifications_mail"),
    path("notifications/read/", notifications.ReadAllNotifications.as_view(), name="notifications_read"),
    path("notifications/<id:pk>/open/", notifications.OpenNotification.as_view(), name="notification_open"),
    path("jobs/", home.JobList.as_view(), name="job_list"),
    path("jobs/mail/again/", home.SendMailAgain.as_view(), name="mail_again"),
    path("jobs/<id:pk>/", home.JobDetail.as_view(), name="job_detail"),
    path("jobs/<id:pk>/file/", home.JobFile.as_view(), name="job_file"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("admin/", admin.site.urls),
]

handler400 = "crm.errors.bad_request"
handler403 = "crm.errors.forbidden"
handler404 = "crm.errors.not_found"
handler500 = "crm.errors.server_error"
