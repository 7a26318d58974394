-- Callers left behind: sources that used an access key in the {look_back} before it was turned
-- off, and are expected to fail since. Not observed: CloudTrail does not record it. A caller with a
-- resolved_event_id was seen working again with other credentials.
--
-- Reads the period twice, and the folders of IAM's Region twice more. What `failure-monitor scan`
-- does and this does not: likely causes and next steps; telling clients from their user agents;
-- the sessions that outlive a key and who used them. Let the period begin {look_back} before the
-- first change that matters, or uses of that time are missed. A source counts as an address by its
-- form alone. Another key proves that a caller works again only where it is of the same user and
-- account; one of a root user never does.
WITH
{record},
{change},
-- The keys of deleted users, known from their uses.
owned AS (
  SELECT change.event_id, change.event_at, change.changed_by, change.account_id, change.user_name,
    used.access_key_id
  FROM change
  JOIN record AS used
    ON used.account_id = change.account_id AND used.user_name = change.user_name
  WHERE change.change = '{user_deleted}'
    AND used.succeeded
    AND used.access_key_id LIKE 'AKIA%'
    AND used.event_at <= change.event_at
  GROUP BY 1, 2, 3, 4, 5, 6
),
switched AS (
  SELECT access_key_id, event_at, event_id, change, changed_by, account_id, user_name,
    change <> '{reactivated}' AS off,
    CASE change WHEN '{reactivated}' THEN 1 WHEN '{deactivated}' THEN 2 ELSE 3 END AS nth
  FROM change
  WHERE copy = 1 AND change IN ('{reactivated}', '{deactivated}', '{deleted}')
  UNION ALL
  SELECT access_key_id, event_at, event_id, '{user_deleted}', changed_by, account_id, user_name,
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
        AND used.event_name IN ({mint_event_names})
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
    own AND event_at BETWEEN off_at - INTERVAL '{look_back_seconds}' SECOND AND off_at AS depends,
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
  WHERE source = 'unknown' OR regexp_like(source, '{address}')
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
      AND event_at > since_at + INTERVAL '{propagation}' SECOND AS proof
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
ORDER BY since DESC, access_key_id, source, account_id
