"""Who was written since a run read, where the database itself does not know it (SQLite); kept by triggers (allocation.triggers.written)."""

from django.db import models


class Reading(models.Model):
    """One row: how many readings have begun. Whoever writes a customer notes that number; a reading moves it on before it reads.

    Kept on SQLite only. PostgreSQL numbers its transactions.
    """

    id = models.IntegerField(primary_key=True, default=1)
    # Another one each time the triggers were made: what was noted before tells nothing of what was written without them.
    era = models.CharField(max_length=16)
    number = models.BigIntegerField(default=1)
    # The number at which something was written that is read with every customer: a name, a slug.
    everybody = models.BigIntegerField(default=0)

    objects = models.Manager()

    class Meta:
        constraints = [models.CheckConstraint(name="one_row_of_readings", condition=models.Q(id=1))]

    def __str__(self) -> str:
        return f"{self.number} readings have begun"


class WrittenCustomer(models.Model):
    """How many readings had begun when a customer, or what hangs on it, was written last. Nobody stands here twice, so that there
    are never more rows than there were customers; and none needs to go.
    """

    # No foreign key: it says of one that is gone that it is. Not big: of all whole numbers SQLite makes this one the row's own.
    customer_id = models.IntegerField(primary_key=True)
    reading = models.BigIntegerField()

    objects = models.Manager()

    def __str__(self) -> str:
        return f"Customer {self.customer_id} was written when {self.reading} readings had begun"
