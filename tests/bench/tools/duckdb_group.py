"""duckdb_group.py DIR CODES: groups the failures below DIR with DuckDB, typed."""

import json
import sys

import duckdb

folder, codes = sys.argv[1], json.loads(sys.argv[2])
rows = duckdb.execute(
    """
    WITH record AS (
      SELECT unnest(Records) AS r FROM read_json(
        $files, maximum_object_size = 268435456, format = 'auto', columns = {Records:
        'STRUCT(errorCode VARCHAR, errorMessage VARCHAR, recipientAccountId VARCHAR,
                sourceIPAddress VARCHAR, responseElements JSON,
                userIdentity STRUCT(accountId VARCHAR, accessKeyId VARCHAR))[]'})
    ), said AS (
      SELECT r,
        coalesce(r.errorCode, r.responseElements->>'$.errorCode') AS code,
        lower(coalesce(if(r.errorCode IS NULL, r.responseElements->>'$.errorMessage',
                          r.errorMessage), '')) AS message
      FROM record
      WHERE r.errorCode IS NOT NULL OR r.responseElements IS NOT NULL
    )
    SELECT coalesce(nullif(r.userIdentity.accountId, ''), r.recipientAccountId),
           nullif(r.userIdentity.accessKeyId, ''), r.sourceIPAddress, code, count(*)
    FROM said
    WHERE list_contains($codes, regexp_replace(code, '^Client[.]', ''))
      AND NOT contains(message, 'no account found for the given parameters')
      AND (NOT suffix(code, 'AuthFailure') OR contains(message, 'credentials'))
    GROUP BY ALL
    """,
    {"files": f"{folder}/**/*.json.gz", "codes": codes},
).fetchall()
print(json.dumps(rows))
