"""What the Python of the one file runs: the command line, from the directory beside this file."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "jettison"))
from jettison.__main__ import main

main()
