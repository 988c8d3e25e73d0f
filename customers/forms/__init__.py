from .contacts import ContactForm
from .customers import CustomerForm
from .picker import CustomerField, add_customer_field, offered_customers

__all__ = ["ContactForm", "CustomerField", "CustomerForm", "add_customer_field", "offered_customers"]
