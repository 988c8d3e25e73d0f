#!/usr/bin/env python
"""Django's command line for the CRM."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    from django.core.management import execute_from_command_line

    from crm.management.failures import describe_error

    try:
        execute_from_command_line(sys.argv)
    except Exception as error:
        if "--traceback" in sys.argv or not (words := describe_error(error)):
            raise
        sys.exit(f"CommandError: {words}")


if __name__ == "__main__":
    main()
