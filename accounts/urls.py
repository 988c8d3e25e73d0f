from django.urls import path

from .audit_pages import pages as audit_pages
from .departments import pages as departments
from .list_views import pages as list_views
from .profile import pages as profile
from .roles import pages as roles
from .signin import pages as views
from .signin import second_factor_pages as factor
from .users import pages as users

app_name = "accounts"
urlpatterns = [
    path("users/", users.UserList.as_view(), name="user_list"),
    path("users/new/", users.UserCreate.as_view(), name="user_create"),
    path("users/<id:pk>/", users.UserDetail.as_view(), name="user_detail"),
    path("users/<id:pk>/edit/", users.UserUpdate.as_view(), name="user_update"),
    path("users/<id:pk>/history/", users.UserHistory.as_view(), name="user_history"),
    path("users/<id:pk>/password/", users.ResetPassword.as_view(), name="user_reset_password"),
    path("users/<id:pk>/unlock/", users.Unlock.as_view(), name="user_unlock"),
    path("users/<id:pk>/enable/", users.Enable.as_view(), name="user_enable"),
    path("users/<id:pk>/sessions/end/", users.EndSessions.as_view(), name="user_end_sessions"),
    path("users/<id:pk>/second-factor/reset/", users.ResetSecondFactor.as_view(), name="user_reset_second_factor"),
    path("roles/", roles.RoleList.as_view(), name="role_list"),
    path("roles/new/", roles.RoleCreate.as_view(), name="role_create"),
    path("roles/<id:pk>/", roles.RoleDetail.as_view(), name="role_detail"),
    path("roles/<id:pk>/edit/", roles.RoleUpdate.as_view(), name="role_update"),
    path("roles/<id:pk>/copy/", roles.CopyRole.as_view(), name="role_copy"),
    path("roles/<id:pk>/retire/", roles.RetireRole.as_view(), name="role_retire"),
    path("roles/<id:pk>/reopen/", roles.ReopenRole.as_view(), name="role_reopen"),
    path("roles/<id:pk>/delete/", roles.RemoveRole.as_view(), name="role_delete"),
    path("roles/<id:pk>/history/", roles.RoleHistory.as_view(), name="role_history"),
    path("departments/", departments.DepartmentTree.as_view(), name="department_list"),
    path("departments/new/", departments.DepartmentCreate.as_view(), name="department_create"),
    path("departments/<id:pk>/edit/", departments.DepartmentUpdate.as_view(), name="department_update"),
    path("departments/<id:pk>/delete/", departments.RemoveDepartment.as_view(), name="department_delete"),
    path("profile/", profile.Profile.as_view(), name="profile"),
    path("profile/edit/", profile.EditProfile.as_view(), name="profile_edit"),
    path("profile/sessions/end/", profile.EndOtherSessions.as_view(), name="session_end_others"),
    path("profile/sessions/<id:pk>/end/", profile.EndSession.as_view(), name="session_end"),
    path("profile/second-factor/on/", factor.TurnOn.as_view(), name="second_factor_on"),
    path("profile/second-factor/off/", factor.TurnOff.as_view(), name="second_factor_off"),
    path("profile/second-factor/codes/", factor.RenewCodes.as_view(), name="recovery_codes"),
    path("views/<str:page>/new/", list_views.SaveView.as_view(), name="view_create"),
    path("views/<str:page>/default/", list_views.ChooseView.as_view(), name="view_choose"),
    path("views/<id:pk>/edit/", list_views.EditView.as_view(), name="view_update"),
    path("views/<id:pk>/replace/", list_views.ReplaceConditions.as_view(), name="view_replace"),
    path("views/<id:pk>/delete/", list_views.RemoveView.as_view(), name="view_delete"),
    path("password/", views.PasswordChange.as_view(), name="password"),
    path("audit/", audit_pages.AuditList.as_view(), name="audit_list"),
    path("audit/verify/", audit_pages.VerifyAuditLog.as_view(), name="audit_verify"),
    path("audit/<id:pk>/", audit_pages.AuditDetail.as_view(), name="audit_detail"),
    path("theme/", profile.ChangeLook.as_view(field="theme"), name="theme"),
    path("density/", profile.ChangeLook.as_view(field="density"), name="density"),
]
