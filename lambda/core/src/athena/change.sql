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
  WHERE folder_region IN ({iam_regions})
    AND event_source = 'iam.amazonaws.com'
    AND event_name IN ({change_event_names})
    AND succeeded
    AND event_id IS NOT NULL
    AND event_at IS NOT NULL
),
named AS (
  SELECT
    asked.*,
    CASE event_name
      WHEN 'CreateAccessKey' THEN '{created}'
      WHEN 'UpdateAccessKey' THEN
        CASE asked_status WHEN 'active' THEN '{reactivated}' WHEN 'inactive' THEN '{deactivated}' END
      WHEN 'DeleteAccessKey' THEN '{deleted}'
      WHEN 'DeleteUser' THEN '{user_deleted}'
      ELSE CASE WHEN regexp_like(policy, '(^|/){quarantine}[^/]*$') THEN '{quarantined}' END
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
    AND CASE WHEN change IN ('{user_deleted}', '{quarantined}') THEN changed_user ELSE changed_key END
      IS NOT NULL
)
