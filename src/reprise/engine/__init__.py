"""Use cases over ports: scan, plan, run slices, switch spaces, estimate, explain. Knows no adapter."""
