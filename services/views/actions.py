"""Actions on a request, for lists and the record page."""

from __future__ import annotations

from kit.pages.actions import Action

ASSIGN = Action("assign", "分配", "user-plus", "services:request_assign", "btn-primary")
EDIT = Action("edit", "编辑", "edit", "services:request_update")
REMOVE = Action("remove", "删除", "trash", "services:request_delete", dialog=True)
REASSIGN = Action("reassign", "改派", "arrows-exchange", "services:request_reassign")
KEEP = Action("keep", "不改派", "circle-check", "services:request_keep")
HANDLE = Action("handle", "处理", "edit", "services:request_handle", "btn-primary")
WAIT = Action("wait", "等待客户回复", "clock", "services:request_wait")
RESUME = Action("resume", "恢复处理", "refresh", "services:request_resume")
FEEDBACK = Action("feedback", "反馈", "star", "services:request_feedback", "btn-primary")
INVOLVE = Action("involve", "邀请协办人", "users", "services:request_involve")
