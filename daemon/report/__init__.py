"""The report: one page about how well the user's voice is met, each number of it explained.

`collecting` reads the store, `numbers` works out what is shown, `explaining` works it out again
from the rows; `grids`, `drawn` and `page` show it. All but the first are pure.
"""
