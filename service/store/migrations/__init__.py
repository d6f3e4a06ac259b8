"""Forward migrations, run from the program itself; nobody needs an alembic.ini."""
