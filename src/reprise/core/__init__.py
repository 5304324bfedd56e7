"""Pure words and rules of Reprise: no I/O, no third-party import at run time."""
