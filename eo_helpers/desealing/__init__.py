"""Desealing: where taking the asphalt away pays most."""
