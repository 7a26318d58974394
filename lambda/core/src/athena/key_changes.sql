-- Key changes: who created, turned off, turned on or deleted an access key, deleted its user, or
-- put a quarantine policy on the user.
--
-- Reads the folders of IAM's Region once. What `failure-monitor scan` does and this does not: the
-- sessions that outlive a key and who used them; uses by AWS services; the parsed client. The
-- period is that of the folders, by the day of delivery.
WITH
{record},
{change}
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
ORDER BY event_at, event_id
