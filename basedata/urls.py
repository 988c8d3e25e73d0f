from django.urls import path

from .calendar import pages as calendar
from .dictionary import pages as dictionary
from .mirror import pages as mirrored

app_name = "basedata"
urlpatterns = [
    path("dictionary/", dictionary.DictionaryList.as_view(), name="dictionary_list"),
    path("dictionary/new/", dictionary.DictionaryCreate.as_view(), name="dictionary_create"),
    path("dictionary/<id:pk>/", dictionary.DictionaryDetail.as_view(), name="dictionary_detail"),
    path("dictionary/<id:pk>/edit/", dictionary.DictionaryUpdate.as_view(), name="dictionary_update"),
    path("dictionary/<id:pk>/delete/", dictionary.RemoveEntry.as_view(), name="dictionary_delete"),
    path("dictionary/<id:pk>/history/", dictionary.DictionaryHistory.as_view(), name="dictionary_history"),
    path("products/", mirrored.ProductList.as_view(), name="product_list"),
    path("stock/", mirrored.StockList.as_view(), name="stock_list"),
    path("calendar/", calendar.CalendarPage.as_view(), name="calendar"),
    path("calendar/hours/", calendar.EditHours.as_view(), {"pk": 1}, name="calendar_hours"),
    path("calendar/enter/", calendar.EnterYear.as_view(), name="calendar_enter"),
    path("calendar/days/new/", calendar.SpecialDayCreate.as_view(), name="special_day_create"),
    path("calendar/days/<id:pk>/edit/", calendar.SpecialDayUpdate.as_view(), name="special_day_update"),
    path("calendar/days/<id:pk>/delete/", calendar.RemoveSpecialDay.as_view(), name="special_day_delete"),
]
