"""Measure everything: python tests/benchmarks."""

import load
import lookup
import sending

load.main()
lookup.main()
sending.main()
