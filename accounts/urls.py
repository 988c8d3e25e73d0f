from django.urls import path

from . import views

app_name = "accounts"
urlpatterns = [
    path("password/", views.PasswordChange.as_view(), name="password"),
    path("theme/", views.ChangeTheme.as_view(), name="theme"),
]
