"""工作日历: working hours, holidays and make-up days."""
