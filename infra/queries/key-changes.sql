-- Key changes: who created, turned off, turned on or deleted an access key, deleted its user, or
-- put a quarantine policy on the user.
--
-- Reads the folders of IAM's Region once. What `failure-monitor scan` does and this does not: the
-- sessions that outlive a key and who used them; uses by AWS services; the parsed client. The
-- period is that of the folders, by the day of delivery.
WITH
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
  FROM "${database}"."${table}"
  WHERE day >= date_format(current_date - INTERVAL '30' DAY, '%Y/%m/%d')
    AND account = ?
),
-- What happened to keys. IAM's records lie in one Region's folders; only a call without an error
-- changed anything.
asked AS (
  SELECT
    record.*,
    nullif(json_extract_scalar(request, '$.accessKeyId'), '') AS asked_key,
    coalesce(nullif(json_extract_scalar(request, '$.userName'), ''), user_name) AS asked_user,
    lower(json_extract_scalar(request, '$.status')) AS asked_status,
    -- The last part of a managed policy's ARN, or an inline policy's name.
    coalesce(
      CASE event_name
        WHEN 'AttachUserPolicy' THEN json_extract_scalar(request, '$.policyArn')
        WHEN 'PutUserPolicy' THEN json_extract_scalar(request, '$.policyName')
      END,
      ''
    ) AS policy,
    nullif(json_extract_scalar(response, '$.accessKey.accessKeyId'), '') AS made_key,
    nullif(json_extract_scalar(response, '$.accessKey.userName'), '') AS made_user
  FROM record
  WHERE folder_region IN ('us-east-1', 'us-gov-west-1', 'cn-north-1')
    AND event_source = 'iam.amazonaws.com'
    AND event_name IN ('AttachUserPolicy', 'CreateAccessKey', 'DeleteAccessKey', 'DeleteUser', 'PutUserPolicy', 'UpdateAccessKey')
    AND succeeded
    AND event_id IS NOT NULL
    AND event_at IS NOT NULL
),
named AS (
  SELECT
    asked.*,
    CASE event_name
      WHEN 'CreateAccessKey' THEN 'created'
      WHEN 'UpdateAccessKey' THEN
        CASE asked_status WHEN 'active' THEN 'reactivated' WHEN 'inactive' THEN 'deactivated' END
      WHEN 'DeleteAccessKey' THEN 'deleted'
      WHEN 'DeleteUser' THEN 'user-deleted'
      ELSE CASE WHEN regexp_like(policy, '(^|/)AWSCompromisedKeyQuarantine[^/]*$') THEN 'quarantined' END
    END AS change,
    CASE event_name
      WHEN 'CreateAccessKey' THEN made_key
      WHEN 'UpdateAccessKey' THEN asked_key
      WHEN 'DeleteAccessKey' THEN asked_key
    END AS changed_key,
    CASE WHEN event_name = 'CreateAccessKey' THEN coalesce(made_user, asked_user)
      ELSE asked_user END AS changed_user
  FROM asked
),
change AS (
  SELECT
    event_id,
    event_time,
    event_at,
    change,
    changed_key AS access_key_id,
    account_id,
    changed_user AS user_name,
    principal AS changed_by,
    source,
    user_agent,
    -- One record may lie in the logs of several trails.
    row_number() OVER (PARTITION BY event_id ORDER BY event_time) AS copy
  FROM named
  WHERE change IS NOT NULL
    AND CASE WHEN change IN ('user-deleted', 'quarantined') THEN changed_user ELSE changed_key END
      IS NOT NULL
)
SELECT
  event_time,
  change,
  access_key_id,
  account_id,
  user_name,
  changed_by,
  source,
  user_agent,
  event_id
FROM change
WHERE copy = 1
ORDER BY event_at, event_id;
