"""What the commands that find music share: their options, and the ways in which an answer goes out."""
