"""The demo company: an invented seller of industrial instruments, always alive relative to today."""
