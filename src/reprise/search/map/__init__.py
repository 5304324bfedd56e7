"""The picture of a library: each track a point, near those that sound like it, in clusters that have names.

- ``reduction``: the vectors in fewer dimensions (principal components), read from the store in two passes.
- ``cells``: k-means, and each row's nearest rows by way of it.
- ``layout``, ``repulsion``: two dimensions in which neighbours stay neighbours (t-SNE), in numpy alone.
- ``keys``, ``labels``: what the points and clusters are called.
- ``atlas``: a picture made whole, or brought up to date without moving what people know.
- ``files``, ``svg``: where it lies, and what goes out.
"""
