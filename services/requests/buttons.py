"""Buttons of a request, for lists and the record page."""

from __future__ import annotations

from kit.pages.buttons import Button

from .models import ServiceRequest

ASSIGN = Button(ServiceRequest.assign, "user-plus", "services:request_assign", "btn-primary")
EDIT = Button(ServiceRequest.edit, "edit", "services:request_update")
REMOVE = Button(ServiceRequest.remove, "trash", "services:request_delete", dialog=True)
REASSIGN = Button(ServiceRequest.reassign, "arrows-exchange", "services:request_reassign")
KEEP = Button(ServiceRequest.keep, "circle-check", "services:request_keep")
HANDLE = Button(ServiceRequest.handle, "edit", "services:request_handle", "btn-primary")
WAIT = Button(ServiceRequest.wait, "clock", "services:request_wait")
RESUME = Button(ServiceRequest.resume, "refresh", "services:request_resume")
FEEDBACK = Button(ServiceRequest.feedback, "star", "services:request_feedback", "btn-primary")
INVOLVE = Button(ServiceRequest.involve, "users", "services:request_involve")
