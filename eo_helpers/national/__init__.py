"""The same themes for every commune of the country."""
