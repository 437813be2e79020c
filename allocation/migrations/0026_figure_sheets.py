"""Sheets of figures, and the triggers that mark them (PostgreSQL; SQLite reads the customers themselves)."""

from django.db import migrations, models

# Customers by the whole of id ÷ 8192, as `allocation.models.figures.SHEET` says. Numbers pack badly: they are kept as they are.
# Statement triggers: one look at the rows a statement wrote, however many. TRUNCATE names no rows: no sheet is left, and every
# customer that is is marked. The search path is that of now: whoever loads rows with another one still marks them.
FUNCTIONS = """
ALTER TABLE allocation_figuresheet ALTER customers SET STORAGE EXTERNAL, ALTER goals SET STORAGE EXTERNAL;
CREATE FUNCTION mark_figures_of_customers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO allocation_figuremark (number) SELECT DISTINCT id / 8192 FROM written;
    RETURN NULL;
END $$;
CREATE FUNCTION mark_figures_of_goals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO allocation_figuremark (number) SELECT DISTINCT customer_id / 8192 FROM written;
    RETURN NULL;
END $$;
CREATE FUNCTION forget_figures() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM allocation_figuresheet;
    INSERT INTO allocation_figuremark (number) SELECT DISTINCT id / 8192 FROM accounts_customer;
    RETURN NULL;
END $$;
ALTER FUNCTION mark_figures_of_customers() SET search_path FROM CURRENT;
ALTER FUNCTION mark_figures_of_goals() SET search_path FROM CURRENT;
ALTER FUNCTION forget_figures() SET search_path FROM CURRENT;
"""
TABLES = (("accounts_customer", "mark_figures_of_customers"), ("accounts_goal", "mark_figures_of_goals"))
# A goal may be given to another customer: the sheets of both.
TRIGGERS = "".join(
    f"""
CREATE TRIGGER figures_of_new AFTER INSERT ON {table}
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION {function}();
CREATE TRIGGER figures_of_changed AFTER UPDATE ON {table}
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION {function}();
CREATE TRIGGER figures_of_changed_from AFTER UPDATE ON {table}
    REFERENCING OLD TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION {function}();
CREATE TRIGGER figures_of_deleted AFTER DELETE ON {table}
    REFERENCING OLD TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION {function}();
CREATE TRIGGER figures_of_none AFTER TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION forget_figures();
"""
    for table, function in TABLES
).replace(  # the id of a customer never changes
    """
CREATE TRIGGER figures_of_changed_from AFTER UPDATE ON accounts_customer
    REFERENCING OLD TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION mark_figures_of_customers();""",
    "",
)
# Whom there is already stands on no sheet yet.
FIRST = "INSERT INTO allocation_figuremark (number) SELECT DISTINCT id / 8192 FROM accounts_customer;"
DROPPED = (
    "".join(
        f"DROP TRIGGER IF EXISTS {name} ON {table};"
        for table, _ in TABLES
        for name in (
            "figures_of_new",
            "figures_of_changed",
            "figures_of_changed_from",
            "figures_of_deleted",
            "figures_of_none",
        )
    )
    + "DROP FUNCTION IF EXISTS mark_figures_of_customers(), mark_figures_of_goals(), forget_figures();"
)


def run_on_postgresql(sql):
    def run(apps, schema_editor):
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(sql, params=None)

    return run


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_open_seats"),
        ("allocation", "0025_pieces_of_a_plan"),
    ]

    operations = [
        migrations.CreateModel(
            name="FigureSheet",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("version", models.BigIntegerField()),
                ("customers", models.BinaryField()),
                ("goals", models.BinaryField()),
            ],
        ),
        migrations.CreateModel(
            name="FigureMark",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("number", models.BigIntegerField()),
            ],
        ),
        migrations.RunPython(
            run_on_postgresql(FUNCTIONS + TRIGGERS + FIRST), run_on_postgresql(DROPPED)
        ),
    ]
