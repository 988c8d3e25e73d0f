from .attachments import AttachForm
from .contacts import ContactForm
from .customers import CustomerForm, NewCustomerForm
from .interactions import InteractionForm
from .known import AskingForm
from .picker import CustomerField, add_customer_field, offered_customers

__all__ = [
    "AskingForm",
    "AttachForm",
    "ContactForm",
    "CustomerField",
    "CustomerForm",
    "InteractionForm",
    "NewCustomerForm",
    "add_customer_field",
    "offered_customers",
]
