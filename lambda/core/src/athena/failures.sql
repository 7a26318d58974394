-- Recorded failures: requests refused because their credentials were not recognised, grouped by
-- account, access key ID and source.
--
-- Reads the period once. What `failure-monitor scan` does and this does not: likely causes and
-- next steps; telling clients from their user agents; client logs beside the records; saying what
-- could not be read. CloudTrail does not record most refused requests: an empty result proves
-- nothing. The SerDe takes the names of members whatever their case, `scan` only as CloudTrail
-- writes them. The period is that of the folders, by the day of delivery.
WITH
{record},
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
      WHEN strpos(said, {not_the_callers_key}) > 0 THEN NULL
      -- EC2 says so of missing permissions, too.
      WHEN bare_code = {auth_failure} AND strpos(said, {about_credentials}) = 0 THEN NULL
      -- The clock, not the secret.
      WHEN bare_code IN ({signature_codes}) AND ({clock_texts}) THEN '{clock}'
      -- The identity provider's token, not a session.
      WHEN bare_code IN ({expired_codes}) AND event_name IN ({identity_calls}) THEN '{identity_token}'
{families}
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
ORDER BY max(event_at) DESC, access_key_id, source, account_id
