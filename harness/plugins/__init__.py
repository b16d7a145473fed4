"""Code of the user's: found, loaded, digested, and kept from changing this process."""
