# What reaches the monitor function as it happens: EventBridge rules and new log files through one
# queue, client logs through subscriptions. The sweep (schedule.tf) finds what does not come here.

locals {
  # The same lists as in the program; its tests hold them equal.
  watched = jsondecode(file("${path.module}/patterns.json"))
  # EC2 writes its codes with a prefix.
  error_codes = flatten([for code in local.watched.error_codes : [code, "Client.${code}"]])

  patterns = {
    failures = {
      description = "Requests refused for their credentials"
      pattern = jsonencode({
        detail-type = ["AWS API Call via CloudTrail"]
        detail      = { errorCode = local.error_codes }
      })
    }
    # A rule of its own: both in one pattern would be longer than EventBridge allows (2,048).
    failures-in-response = {
      description = "Requests refused for their credentials, told in the response"
      pattern = jsonencode({
        detail-type = ["AWS API Call via CloudTrail"]
        detail = {
          errorCode        = [{ exists = false }]
          responseElements = { errorCode = local.error_codes }
        }
      })
    }
    key-changes = {
      description = "Access keys made, turned off, deleted or quarantined"
      pattern = jsonencode({
        source      = ["aws.iam"]
        detail-type = ["AWS API Call via CloudTrail"]
        detail = {
          eventSource = ["iam.amazonaws.com"]
          eventName   = local.watched.key_changes
          errorCode   = [{ exists = false }]
        }
      })
    }
  }

  # What a region needs to know to forward its records here (modules/region).
  forward = {
    name     = var.name
    patterns = local.patterns
    bus_arn  = local.arn.bus
    role_arn = aws_iam_role.forward.arn
  }

  trail_by = {
    for way in ["topic", "eventbridge", "notification"] :
    way => try(var.trail.announced_by, null) == way
  }
}

resource "aws_sqs_queue" "intake" {
  name                      = "${var.name}-intake"
  message_retention_seconds = 345600
  receive_wait_time_seconds = 20
  kms_master_key_id         = local.key_arn
  sqs_managed_sse_enabled   = local.use_key ? null : true

  # AWS advises six times the function's time-out, for batches that wait while it is throttled.
  # The maximum concurrency below prevents that, and a failed batch is read again after 5 minutes
  # instead of 24.
  visibility_timeout_seconds = local.monitor_timeout + 60

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.intake_dead_letters.arn
    maxReceiveCount     = 5
  })
}

resource "aws_sqs_queue" "intake_dead_letters" {
  name                      = "${var.name}-intake-dead-letters"
  message_retention_seconds = 1209600
  kms_master_key_id         = local.key_arn
  sqs_managed_sse_enabled   = local.use_key ? null : true
}

resource "aws_sqs_queue_redrive_allow_policy" "intake_dead_letters" {
  queue_url = aws_sqs_queue.intake_dead_letters.id
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [local.arn.intake]
  })
}

# Events that could not be delivered, by EventBridge, Scheduler or SNS, or that a function failed
# to handle.
resource "aws_sqs_queue" "dead_letters" {
  name                      = "${var.name}-dead-letters"
  message_retention_seconds = 1209600
  kms_master_key_id         = local.key_arn
  sqs_managed_sse_enabled   = local.use_key ? null : true
}

resource "aws_sqs_queue_policy" "this" {
  for_each = {
    intake              = aws_sqs_queue.intake.id
    intake_dead_letters = aws_sqs_queue.intake_dead_letters.id
    dead_letters        = aws_sqs_queue.dead_letters.id
  }

  queue_url = each.value
  policy    = data.aws_iam_policy_document.queue[each.key].json
}

resource "aws_lambda_event_source_mapping" "intake" {
  event_source_arn        = aws_sqs_queue.intake.arn
  function_name           = aws_lambda_function.handler["monitor"].arn
  function_response_types = ["ReportBatchItemFailures"]

  # A message is one record, or, of a trail, a whole file of them.
  batch_size                         = var.trail == null ? 100 : 10
  maximum_batching_window_in_seconds = 10

  # Of what is reserved, one is left for the sweep. SQS wants at least 2.
  scaling_config {
    maximum_concurrency = var.function.reserved_concurrency == -1 ? 5 : min(5, var.function.reserved_concurrency - 1)
  }

  depends_on = [aws_iam_role_policy.handler, aws_iam_role_policy.handler_key]
}

resource "aws_cloudwatch_event_rule" "intake" {
  for_each = local.patterns

  name          = "${var.name}-${each.key}"
  description   = each.value.description
  event_pattern = each.value.pattern
  # Plain ENABLED leaves out calls that only read, and GetCallerIdentity is one.
  state = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
}

resource "aws_cloudwatch_event_target" "intake" {
  for_each = local.patterns

  rule      = aws_cloudwatch_event_rule.intake[each.key].name
  target_id = "intake"
  arn       = aws_sqs_queue.intake.arn

  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }
}

# Key changes are recorded in the region of IAM, wherever this is deployed.
module "iam_region" {
  source = "./modules/region"
  count  = local.region == local.iam_region ? 0 : 1

  providers = {
    aws = aws.iam_region
  }

  forward = local.forward
}

# New log files of a trail, by one of three ways.

resource "aws_sns_topic_subscription" "trail" {
  count = local.trail_by.topic ? 1 : 0

  topic_arn            = var.trail.topic_arn
  protocol             = "sqs"
  endpoint             = aws_sqs_queue.intake.arn
  raw_message_delivery = true

  depends_on = [aws_sqs_queue_policy.this]
}

resource "aws_cloudwatch_event_rule" "trail" {
  count = local.trail_by.eventbridge ? 1 : 0

  name        = "${var.name}-trail-files"
  description = "New log files of the trail"
  event_pattern = jsonencode({
    source      = ["aws.s3"]
    detail-type = ["Object Created"]
    detail = {
      bucket = { name = [var.trail.bucket] }
      object = { key = [{ prefix = var.trail.prefix }] }
    }
  })
}

resource "aws_cloudwatch_event_target" "trail" {
  count = local.trail_by.eventbridge ? 1 : 0

  rule      = aws_cloudwatch_event_rule.trail[0].name
  target_id = "intake"
  arn       = aws_sqs_queue.intake.arn

  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }
}

# S3 has one set of notifications a bucket, and this replaces it: only made when asked for.
resource "aws_s3_bucket_notification" "trail" {
  count = local.trail_by.notification ? 1 : 0

  bucket = var.trail.bucket

  queue {
    queue_arn     = aws_sqs_queue.intake.arn
    events        = ["s3:ObjectCreated:*"]
    filter_prefix = var.trail.prefix
    filter_suffix = ".json.gz"
  }

  depends_on = [aws_sqs_queue_policy.this]
}

# Logs of AWS clients.

locals {
  # A line that holds one of these is looked at by the program, which decides what it means.
  # CloudWatch Logs allows 1,024 characters.
  refusals = concat(local.watched.error_codes, [
    "AWS Access Key Id you provided does not exist",
    "AWS was not able to validate the provided access credentials",
    "No valid credential sources",
    "Signature expired",
    "Unable to locate credentials",
    "does not exist in our records",
    "provided token",
    "request signature we calculated",
    "security token included in the request",
  ])
}

resource "aws_cloudwatch_log_subscription_filter" "client_log" {
  for_each = var.log_groups

  name            = var.name
  log_group_name  = each.value
  filter_pattern  = join(" ", [for text in local.refusals : "?\"${text}\""])
  destination_arn = aws_lambda_function.handler["monitor"].arn

  depends_on = [aws_lambda_permission.client_log]
}

resource "aws_lambda_permission" "client_log" {
  for_each = var.log_groups

  statement_id   = "log-group-${substr(sha256(each.value), 0, 16)}"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.handler["monitor"].function_name
  principal      = "logs.amazonaws.com"
  source_arn     = "${local.arn_prefix.logs}:log-group:${each.value}:*"
  source_account = local.account
}
