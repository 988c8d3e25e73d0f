from .attachments import AttachForm
from .contacts import ContactForm
from .customers import CustomerForm, NewCustomerForm
from .interactions import InteractionForm
from .picker import CustomerField, add_customer_field, offered_customers

__all__ = [
    "AttachForm",
    "ContactForm",
    "CustomerField",
    "CustomerForm",
    "InteractionForm",
    "NewCustomerForm",
    "add_customer_field",
    "offered_customers",
]
