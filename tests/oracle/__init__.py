"""The independent oracle: every metric of the contract computed row by row in plain Python, from the definitions alone.

It is slow on purpose and shares no code with the product, so that where the two agree, the definitions were read alike.
"""

from .books import Books
from .company import Company, Landing, Place, Tables
from .metrics import METRICS, answer, ask, complete, dimensions, inputs_of

__all__ = ["METRICS", "Books", "Company", "Landing", "Place", "Tables", "answer", "ask", "complete", "dimensions", "inputs_of"]
