"""What the integration tests of the worker share."""
