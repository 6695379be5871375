"""`python -m fari` is `fari`."""

import sys

from fari.surfaces.cli import main

if __name__ == "__main__":
    sys.exit(main())
