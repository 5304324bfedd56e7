"""What is handed to people who deploy: image, compose file, manifests, dashboard."""
