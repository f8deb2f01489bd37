"""The providers' own services, one a file."""
