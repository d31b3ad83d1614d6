"""``python -m skypact`` is the command."""

import sys

from skypact.cli import main

if __name__ == "__main__":
    sys.exit(main())
