"""Independent references, and the cases that several tests share."""
