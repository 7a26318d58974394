"""chdb_group.py DIR CODES: groups the failures below DIR with ClickHouse in the process."""

import json
import sys

import chdb

folder, codes = sys.argv[1], json.loads(sys.argv[2])
table = ", ".join(f"'{code}'" for code in codes)
answer = chdb.query(
    f"""
    SELECT if(empty(r.userIdentity.accountId), r.recipientAccountId, r.userIdentity.accountId),
           nullIf(r.userIdentity.accessKeyId, ''), r.sourceIPAddress, code, toInt64(count())
    FROM (
      SELECT arrayJoin(Records) AS r,
        if(empty(r.errorCode), JSONExtractString(r.responseElements, 'errorCode'), r.errorCode)
          AS code,
        lower(if(empty(r.errorCode), JSONExtractString(r.responseElements, 'errorMessage'),
                 r.errorMessage)) AS message
      FROM file('{folder}/**/*.json.gz', 'JSONEachRow', 'Records Array(Tuple(
        errorCode String, errorMessage String, recipientAccountId String, sourceIPAddress String,
        responseElements String, userIdentity Tuple(accountId String, accessKeyId String)))')
      WHERE (notEmpty(r.errorCode) OR position(r.responseElements, 'errorCode') > 0)
    )
    WHERE replaceRegexpOne(code, '^Client[.]', '') IN ({table})
      AND position(message, 'no account found for the given parameters') = 0
      AND (NOT endsWith(code, 'AuthFailure') OR position(message, 'credentials') > 0)
    GROUP BY ALL
    SETTINGS input_format_skip_unknown_fields = 1,
      input_format_json_ignore_unknown_keys_in_named_tuple = 1,
      input_format_json_defaults_for_missing_elements_in_named_tuple = 1,
      input_format_json_read_objects_as_strings = 1, input_format_null_as_default = 1,
      output_format_json_quote_64bit_integers = 0
    """,
    "JSONCompactEachRow",
)
print(json.dumps([json.loads(line) for line in str(answer).splitlines()]))
