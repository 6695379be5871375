"""The demo company, Lumen Desk: an honest simulation that writes the files its tools would have exported.

What is planted in it stands in `market`.
"""

from fari.demo.batches import Batch, write

__all__ = ["Batch", "write"]
