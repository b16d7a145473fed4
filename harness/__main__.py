"""`python -m harness`."""

import sys

try:
    from harness.cli.main import main

    main()
except KeyboardInterrupt:  # while it is being imported, or while it says that it was interrupted
    sys.exit(130)
