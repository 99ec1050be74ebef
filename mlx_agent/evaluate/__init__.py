"""Does it sound like the user? The paper's evaluation, and what it left open.

`systems` are the rivals, `compare` sets their drafts beside each other, and `records` is what is
kept of it all, so that every figure can be led back to the drafts that it was made of.
"""
