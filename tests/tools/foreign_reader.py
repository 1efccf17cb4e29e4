"""Reads an exported report with a database that is not ours, and says what it finds: foreign_reader.py FILE"""

import json
import sys

import duckdb

path = sys.argv[1]
# The types are what the file itself says.
source = f"read_parquet('{path}')" if path.endswith(".parquet") else f"read_csv('{path}', header=true)"
names = [row[0] for row in duckdb.sql(f"DESCRIBE SELECT * FROM {source}").fetchall()]
types = [row[1] for row in duckdb.sql(f"DESCRIBE SELECT * FROM {source}").fetchall()]
rows = duckdb.sql(f"SELECT * FROM {source}").fetchall()
inflow = duckdb.sql(f"SELECT CAST(SUM(value) AS BIGINT) FROM {source} WHERE figure = 'inflow' AND category IS NULL").fetchall()[0]
json.dump({"names": names, "types": types, "rows": len(rows), "inflow": inflow[0]}, sys.stdout)
