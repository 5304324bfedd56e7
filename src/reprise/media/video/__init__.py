"""Videos: what is in a file, where its scenes begin and end, and the pictures that stand for them."""
