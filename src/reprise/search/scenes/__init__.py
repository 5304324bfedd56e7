"""Search in videos: which scenes fit a text, by what is said, seen and written, and by who is in them.

- ``query``: what can be asked; ``naming``: which persons a text names; ``intent``: whether it looks something up.
- ``channels``: what each channel lists, from which space (``spaces``), and how long it is waited for (``waiting``).
- ``weights``, ``fusion``: how the lists become one.
- ``find``: all of it; ``answer``: what comes out.
"""
