"""交往记录 and their attachments."""
