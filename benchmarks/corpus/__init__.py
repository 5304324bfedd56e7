"""A corpus of synthetic music whose tempo and key are known: ``python -m benchmarks.corpus FOLDER``.

21 styles in seven groups of three. One style of each group is for testing only: it was drawn by lot, once, and nobody
looks at its tracks while tuning. No recorded music is in it; a figure measured on it is one of rendered music.
"""
