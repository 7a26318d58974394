-- Callers left behind: sources that used an access key in the 24 h before it was turned
-- off, and are expected to fail since. Not observed: CloudTrail does not record it. A caller with a
-- resolved_event_id was seen working again with other credentials.
--
-- Reads the period twice, and the folders of IAM's Region twice more. What `failure-monitor scan`
-- does and this does not: likely causes and next steps; telling clients from their user agents;
-- the sessions that outlive a key and who used them. Let the period begin 24 h before the
-- first change that matters, or uses of that time are missed. A source counts as an address by its
-- form alone. Another key proves that a caller works again only where it is of the same user and
-- account; one of a root user never does.
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
),
-- The keys of deleted users, known from their uses.
owned AS (
  SELECT change.event_id, change.event_at, change.changed_by, change.account_id, change.user_name,
    used.access_key_id
  FROM change
  JOIN record AS used
    ON used.account_id = change.account_id AND used.user_name = change.user_name
  WHERE change.change = 'user-deleted'
    AND used.succeeded
    AND used.access_key_id LIKE 'AKIA%'
    AND used.event_at <= change.event_at
  GROUP BY 1, 2, 3, 4, 5, 6
),
switched AS (
  SELECT access_key_id, event_at, event_id, change, changed_by, account_id, user_name,
    change <> 'reactivated' AS off,
    CASE change WHEN 'reactivated' THEN 1 WHEN 'deactivated' THEN 2 ELSE 3 END AS nth
  FROM change
  WHERE copy = 1 AND change IN ('reactivated', 'deactivated', 'deleted')
  UNION ALL
  SELECT access_key_id, event_at, event_id, 'user-deleted', changed_by, account_id, user_name,
    true, 4
  FROM owned
),
-- Only what changed the state counts; a key is on at first.
previous AS (
  SELECT
    switched.*,
    lag(off) OVER (PARTITION BY access_key_id ORDER BY event_at, nth, event_id) AS was_off,
    max(user_name) OVER (PARTITION BY access_key_id) AS owner
  FROM switched
),
flipped AS (
  SELECT
    previous.*,
    lead(event_at) OVER (PARTITION BY access_key_id ORDER BY event_at, nth, event_id) AS on_again_at
  FROM previous
  WHERE off <> coalesce(was_off, false)
),
-- Each time that a key was off, under the handles of the records that matter to it: those of the
-- key itself, and those of its owner, which may prove that a caller works again.
dead AS (
  SELECT flipped.*, handle
  FROM flipped
  CROSS JOIN UNNEST(
    ARRAY['key ' || access_key_id, 'user ' || account_id || '/' || owner]
  ) AS handles (handle)
  WHERE off AND handle IS NOT NULL
),
used AS (
  SELECT record.*, handle
  FROM record
  CROSS JOIN UNNEST(
    ARRAY['key ' || access_key_id, 'user ' || account_id || '/' || user_name]
  ) AS handles (handle)
  WHERE succeeded
    AND access_key_id IS NOT NULL
    AND event_id IS NOT NULL
    AND event_at IS NOT NULL
),
touched AS (
  SELECT
    dead.access_key_id,
    dead.event_at AS off_at,
    dead.on_again_at,
    dead.change,
    dead.event_id AS change_event_id,
    dead.changed_by,
    dead.owner,
    used.access_key_id AS used_key,
    used.access_key_id = dead.access_key_id AS own,
    used.event_id,
    used.event_at,
    used.event_time,
    used.account_id,
    used.source,
    used.principal,
    used.user_agent,
    used.event_source,
    used.aws_region,
    -- The session that a long-term key minted here.
    CASE
      WHEN used.event_source = 'sts.amazonaws.com'
        AND used.event_name IN ('AssumeRole', 'GetFederationToken', 'GetSessionToken')
        AND used.access_key_id LIKE 'AKIA%'
      THEN nullif(json_extract_scalar(used.response, '$.credentials.accessKeyId'), '')
    END AS minted_key
  FROM used
  JOIN dead ON used.handle = dead.handle
  -- The key's own uses come under the key's handle, all others under the owner's.
  WHERE (used.handle = 'key ' || dead.access_key_id) = (used.access_key_id = dead.access_key_id)
),
marked AS (
  SELECT
    touched.*,
    own AND event_at BETWEEN off_at - INTERVAL '86400' SECOND AND off_at AS depends,
    own AND NOT bool_or(off_at < event_at AND (on_again_at IS NULL OR on_again_at > event_at))
      OVER (PARTITION BY access_key_id, event_id) AS good,
    -- Whether this long-term key, or the one that minted this session, is another one.
    NOT own AND (
      used_key LIKE 'AKIA%'
      OR bool_or(minted_key IS NOT NULL AND NOT own)
        OVER (PARTITION BY access_key_id, coalesce(minted_key, used_key))
    ) AS other
  FROM touched
),
placed AS (
  SELECT
    marked.*,
    max(CASE WHEN good THEN event_at END)
      OVER (PARTITION BY access_key_id, account_id, source) AS last_good_at,
    bool_or(depends)
      OVER (PARTITION BY access_key_id, account_id, source, principal) AS dependent_principal
  FROM marked
  -- What AWS services do on the caller's behalf is no copy of the key.
  WHERE source = 'unknown' OR regexp_like(source, '^[0-9]{1,3}([.][0-9]{1,3}){3}$|^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$')
),
-- The change that the source was left behind by: the first after which the key was not seen good.
since AS (
  SELECT
    placed.*,
    coalesce(
      min(CASE WHEN depends AND (last_good_at IS NULL OR off_at >= last_good_at) THEN off_at END)
        OVER (PARTITION BY access_key_id, account_id, source),
      max(CASE WHEN depends THEN off_at END)
        OVER (PARTITION BY access_key_id, account_id, source)
    ) AS since_at
  FROM placed
),
proved AS (
  SELECT
    since.*,
    (good OR other) AND dependent_principal
      AND event_at > since_at + INTERVAL '60' SECOND AS proof
  FROM since
)
SELECT
  account_id,
  access_key_id,
  max(owner) AS user_name,
  source,
  max(since_at) AS since,
  max(CASE WHEN off_at = since_at THEN change END) AS change,
  max(CASE WHEN off_at = since_at THEN change_event_id END) AS change_event_id,
  max(CASE WHEN off_at = since_at THEN changed_by END) AS changed_by,
  count(DISTINCT CASE WHEN depends THEN event_id END) AS uses,
  min(CASE WHEN depends THEN event_at END) AS first_use,
  max(CASE WHEN depends THEN event_at END) AS last_use,
  array_agg(DISTINCT principal) FILTER (WHERE depends AND principal IS NOT NULL) AS principals,
  array_agg(DISTINCT user_agent) FILTER (WHERE depends AND user_agent <> '') AS user_agents,
  array_agg(DISTINCT event_source) FILTER (WHERE depends AND event_source IS NOT NULL)
    AS event_sources,
  array_agg(DISTINCT aws_region) FILTER (WHERE depends AND aws_region IS NOT NULL) AS regions,
  min(CASE WHEN proof THEN event_at END) AS resolved_at,
  min_by(event_id, event_time || event_id) FILTER (WHERE proof) AS resolved_event_id,
  min_by(used_key, event_time || event_id) FILTER (WHERE proof) AS resolved_access_key_id
FROM proved
GROUP BY account_id, access_key_id, source
HAVING bool_or(depends)
ORDER BY since DESC, access_key_id, source, account_id;
