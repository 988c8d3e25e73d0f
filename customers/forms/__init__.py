from .contacts import ContactForm
from .customers import CustomerForm, NewCustomerForm
from .picker import CustomerField, add_customer_field, offered_customers

__all__ = ["ContactForm", "CustomerField", "CustomerForm", "NewCustomerForm", "add_customer_field", "offered_customers"]
