"""Ways to run jobs: in this process now; on workers later."""
