"""The fit of the bundled sample at 64 pixels that tests of whole commands share.

Where all have the same one, a run compiles its programs, and those of the twin, once.
"""

import dataclasses

from jaxsplat import fitting

SIDE = 64
SMALL_FIT = dataclasses.replace(
    fitting.FAST,
    stages=(fitting.Stage(0.5, 60), fitting.Stage(1.0, 240)),
    count=600,
    capacity=600,
)
