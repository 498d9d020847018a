"""Whether two things occur together more often than chance has it.

Dunning, "Accurate Methods for the Statistics of Surprise and Coincidence", Computational Linguistics 19(1), 1993: of
n baskets, a hold the one, b the other, k both. With the table k, a − k, b − k, n − a − b + k,

    G² = 2 · Σ observed · ln(observed / expected),   expected = row sum · column sum / n

Unlike a ratio (lift), it is small where the counts are; unlike the raw count, it is small where both are just
popular. Under independence it has the χ² distribution with one degree of freedom: above 10.83 once in 1,000.
"""

from pyspark.sql import Column
from pyspark.sql import functions as F


def log_likelihood_ratio(k: Column, a: Column, b: Column, n: Column) -> Column:
    """G², 0 where both occur together no more often than expected."""
    k, a, b, n = (column.cast("double") for column in (k, a, b, n))
    cells = [(k, a, b), (a - k, a, n - b), (b - k, n - a, b), (n - a - b + k, n - a, n - b)]
    terms = [F.when(seen > 0, seen * F.log(seen * n / (row * column))).otherwise(0.0) for seen, row, column in cells]
    total = 2 * sum(terms[1:], start=terms[0])
    return F.when(k * n > a * b, F.greatest(total, F.lit(0.0))).otherwise(0.0)
