"""What do satellites say about this commune?"""

__version__ = "0.1.0"
