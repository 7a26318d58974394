-- Recorded failures: requests refused because their credentials were not recognised, grouped by
-- account, access key ID and source.
--
-- Reads the period once. What `failure-monitor scan` does and this does not: likely causes and
-- next steps; telling clients from their user agents; client logs beside the records; saying what
-- could not be read. CloudTrail does not record most refused requests: an empty result proves
-- nothing. The period is that of the folders, by the day of delivery.
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
refused AS (
  SELECT
    record.*,
    regexp_replace(error_code, '^Client[.]', '') AS bare_code,
    lower(error_message) AS said
  FROM record
  WHERE error_code IS NOT NULL AND event_id IS NOT NULL AND event_at IS NOT NULL
),
judged AS (
  SELECT
    refused.*,
    CASE
      -- A topic, key or vault of a closed account: not the caller's key.
      WHEN strpos(said, 'no account found for the given parameters') > 0 THEN NULL
      -- EC2 says so of missing permissions, too.
      WHEN bare_code = 'AuthFailure' AND strpos(said, 'credentials') = 0 THEN NULL
      -- The clock, not the secret.
      WHEN bare_code IN ('InvalidSignatureException', 'SignatureDoesNotMatch') AND (strpos(said, 'signature expired') > 0 OR strpos(said, 'signature not yet current') > 0) THEN 'clock'
      -- The identity provider's token, not a session.
      WHEN bare_code IN ('ExpiredToken', 'ExpiredTokenException') AND event_name IN ('AssumeRoleWithWebIdentity', 'AssumeRoleWithSAML') THEN 'identity-token'
      WHEN bare_code IN ('AuthFailure', 'InvalidAccessKeyId', 'InvalidClientTokenId', 'InvalidToken', 'UnrecognizedClientException') THEN 'unknown-credentials'
      WHEN bare_code IN ('ExpiredToken', 'ExpiredTokenException') THEN 'expired-token'
      WHEN bare_code IN ('InvalidSignatureException', 'SignatureDoesNotMatch') THEN 'signature'
      WHEN bare_code IN ('RequestExpired', 'RequestInTheFuture', 'RequestTimeTooSkewed') THEN 'clock'
      WHEN bare_code IN ('IncompleteSignature', 'IncompleteSignatureException') THEN 'malformed-authorization'
      WHEN bare_code IN ('MissingAuthenticationToken', 'MissingAuthenticationTokenException') THEN 'missing-authentication'
      WHEN bare_code IN ('RegionDisabledException') THEN 'region-disabled'
      WHEN bare_code IN ('IDPCommunicationError', 'IDPRejectedClaim', 'InvalidIdentityToken') THEN 'identity-token'
    END AS family
  FROM refused
),
failure AS (
  SELECT
    judged.*,
    -- One record may lie in the logs of several trails.
    row_number() OVER (PARTITION BY event_id ORDER BY event_time) AS copy
  FROM judged
  WHERE family IS NOT NULL
)
SELECT
  account_id,
  access_key_id,
  source,
  count(*) AS failures,
  min_by(event_time, event_at) AS first_seen,
  max_by(event_time, event_at) AS last_seen,
  histogram(error_code) AS codes,
  histogram(family) AS families,
  histogram(event_source) AS event_sources,
  histogram(event_name) AS event_names,
  histogram(aws_region) AS regions,
  array_agg(DISTINCT principal) FILTER (WHERE principal IS NOT NULL) AS principals,
  array_agg(DISTINCT user_agent) FILTER (WHERE user_agent <> '') AS user_agents,
  min_by(event_id, event_at) AS sample_event_id
FROM failure
WHERE copy = 1
GROUP BY account_id, access_key_id, source
ORDER BY max(event_at) DESC, access_key_id, source, account_id;
