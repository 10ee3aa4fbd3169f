"""Measure everything: python tests/benchmarks."""

import load
import lookup

load.main()
lookup.main()
