"""Teaching: from own texts to lessons, and from lessons to a data set."""
