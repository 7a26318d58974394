-- The fields that matter; empty text is no text, as CloudTrail writes "" for none.
record AS (
  SELECT
    nullif(eventid, '') AS event_id,
    eventtime AS event_time,
    try(from_iso8601_timestamp(eventtime)) AS event_at,
    coalesce(
      nullif(nullif(useridentity.accountid, ''), 'ANONYMOUS_PRINCIPAL'),
      nullif(recipientaccountid, '')
    ) AS account_id,
    nullif(useridentity.accesskeyid, '') AS access_key_id,
    coalesce(nullif(sourceipaddress, ''), 'unknown') AS source,
    coalesce(
      nullif(useridentity.arn, ''),
      nullif(useridentity.username, ''),
      nullif(useridentity.invokedby, ''),
      nullif(useridentity.principalid, '')
    ) AS principal,
    nullif(useridentity.username, '') AS user_name,
    -- S3 puts brackets round it.
    CASE WHEN useragent LIKE '[%]' THEN substr(useragent, 2, length(useragent) - 2)
      ELSE coalesce(useragent, '') END AS user_agent,
    nullif(eventsource, '') AS event_source,
    nullif(eventname, '') AS event_name,
    nullif(awsregion, '') AS aws_region,
    -- Some services put the call's own error into the response.
    coalesce(
      nullif(errorcode, ''),
      nullif(json_extract_scalar(responseelements, '$.errorCode'), '')
    ) AS error_code,
    coalesce(
      CASE WHEN nullif(errorcode, '') IS NOT NULL THEN errormessage
        ELSE json_extract_scalar(responseelements, '$.errorMessage') END,
      ''
    ) AS error_message,
    nullif(errorcode, '') IS NULL
      AND nullif(errormessage, '') IS NULL
      AND nullif(json_extract_scalar(responseelements, '$.errorCode'), '') IS NULL AS succeeded,
    requestparameters AS request,
    responseelements AS response,
    region AS folder_region
  FROM {table}
  WHERE day >= {from}
{and_to}{and_account})
