from .attachments import AttachForm
from .contacts import ContactForm
from .customers import CustomerForm
from .interactions import InteractionForm
from .known import DuplicateCheckForm
from .picker import CustomerField, add_customer_field, customer_suggestions

__all__ = [
    "AttachForm",
    "ContactForm",
    "CustomerField",
    "CustomerForm",
    "DuplicateCheckForm",
    "InteractionForm",
    "add_customer_field",
    "customer_suggestions",
]
