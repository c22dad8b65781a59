"""What comes in from a CRM: verified by its adapter, taken apart into events, mapped to a note."""
