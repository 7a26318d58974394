# Memory and time-outs rest on what `tests/measure` prints. Of the monitor's default 512 MB, a trail
# file of 100 MB takes 90; the rest is speed, as Lambda gives CPU by memory. The summary of 1,000
# groups takes 35 MB and a second, against a store on the same machine.
locals {
  handlers = {
    monitor = {
      description = "Finds AWS requests refused for their credentials, and sends the alerts"
      memory_mb   = var.function.memory_mb
      timeout     = local.monitor_timeout
      concurrency = var.function.reserved_concurrency
      environment = {
        FAILURE_MONITOR_DASHBOARD_URL         = local.dashboard_url
        FAILURE_MONITOR_DIGEST_OVER           = tostring(var.alert_policy.digest_over)
        FAILURE_MONITOR_FINDING_TTL           = "${var.retention.findings}d"
        FAILURE_MONITOR_FOLLOW_UP_FIRST       = var.alert_policy.follow_up_first
        FAILURE_MONITOR_FOLLOW_UP_MAX         = var.alert_policy.follow_up_max
        FAILURE_MONITOR_GROUP_BY_EVENT_SOURCE = tostring(var.alert_policy.group_by_event_source)
        FAILURE_MONITOR_IGNORE = jsonencode([
          for rule in var.ignore : { for name, value in rule : name => value if value != null }
        ])
        FAILURE_MONITOR_INITIAL_LOOK_BACK = var.sweep.initial_look_back
        FAILURE_MONITOR_LOOK_BACK         = var.sweep.look_back
        FAILURE_MONITOR_MARKER_TTL        = "${var.retention.markers}d"
        # Half of the memory: the rest is for the program and for what it finds in the file.
        FAILURE_MONITOR_MAX_INFLATED = format("%d", min(268435456, var.function.memory_mb * 1048576 / 2))
        FAILURE_MONITOR_MIN_INTERVAL = var.alert_policy.min_interval
        FAILURE_MONITOR_PROBING_KEYS = tostring(var.alert_policy.probing_keys)
        FAILURE_MONITOR_REGIONS      = join(",", sort(local.sweep_regions))
        FAILURE_MONITOR_SWEEP_LATE   = var.sweep.late
        FAILURE_MONITOR_TABLE        = var.name
        FAILURE_MONITOR_THRESHOLD    = tostring(var.alert_policy.threshold)
        FAILURE_MONITOR_TOPIC_ARN    = local.arn.topic
        FAILURE_MONITOR_UNMASK       = tostring(var.alert_policy.unmask)
        FAILURE_MONITOR_WINDOW       = var.alert_policy.window
      }
      optional_environment = { FAILURE_MONITOR_MEMBER_ROLE = var.member_role }
    }

    summary = {
      description = "Tells what was found lately; reads only"
      memory_mb   = 256
      timeout     = 30
      concurrency = -1
      environment = {
        FAILURE_MONITOR_TABLE  = var.name
        FAILURE_MONITOR_UNMASK = tostring(var.alert_policy.unmask)
      }
      optional_environment = {}
    }

    slack = {
      description = "Posts alerts to a Slack incoming webhook"
      memory_mb   = 128
      # Slack asks for up to some 30 seconds of patience when too much is sent.
      timeout              = 60
      concurrency          = -1
      environment          = { FAILURE_MONITOR_UNMASK = tostring(var.alert_policy.unmask) }
      optional_environment = { FAILURE_MONITOR_SLACK_WEBHOOK_PARAMETER = try(var.slack.webhook_parameter, null) }
    }
  }

  # Shorter than the shortest interval between sweeps, so that two never run at once. A sweep stops
  # by itself before; the largest batch, 1,000 failures in as many groups, takes seconds.
  monitor_timeout = 240

  sweep_regions = length(var.sweep.regions) > 0 ? var.sweep.regions : toset([local.region, local.iam_region])
}

resource "aws_cloudwatch_log_group" "handler" {
  for_each = local.functions

  name              = "/aws/lambda/${var.name}-${each.key}"
  retention_in_days = var.retention.logs
  kms_key_id        = local.key_arn
}

resource "aws_lambda_function" "handler" {
  # checkov:skip=CKV_AWS_117: reads AWS's own public interfaces only; a VPC would need endpoints or NAT for each and protect nothing
  # checkov:skip=CKV_AWS_272: the package is built on the machine that applies; there is no signer that could sign it
  # checkov:skip=CKV_AWS_115: reserved concurrency takes from the account's quota, so it is a setting (function.reserved_concurrency)
  # checkov:skip=CKV_AWS_116: asynchronous failures go to the dead-letter queue by the invoke configuration, which tells more than dead_letter_config
  # checkov:skip=CKV_AWS_50: tracing is a setting (function.tracing), off as it costs
  for_each = local.functions

  function_name = "${var.name}-${each.key}"
  description   = local.handlers[each.key].description
  role          = aws_iam_role.handler[each.key].arn

  filename         = local.zip_path
  source_code_hash = local.package_hash

  runtime       = "provided.al2023"
  handler       = each.key
  architectures = [var.function.architecture]
  memory_size   = local.handlers[each.key].memory_mb
  timeout       = local.handlers[each.key].timeout
  kms_key_arn   = local.key_arn

  reserved_concurrent_executions = local.handlers[each.key].concurrency

  environment {
    variables = merge(
      {
        FAILURE_MONITOR_LOG  = var.function.log
        FAILURE_MONITOR_NAME = var.name
      },
      local.handlers[each.key].environment,
      { for name, value in local.handlers[each.key].optional_environment : name => value if value != null },
    )
  }

  tracing_config {
    mode = var.function.tracing ? "Active" : "PassThrough"
  }

  lifecycle {
    precondition {
      condition     = local.build || fileexists(local.zip_path)
      error_message = "lambda_zip_path: there is no file ${local.zip_path}. Put a package there, or leave lambda_zip_path out to build it from this checkout."
    }
  }

  depends_on = [
    aws_cloudwatch_log_group.handler,
    aws_iam_role_policy.handler,
    aws_iam_role_policy.handler_key,
    terraform_data.package,
  ]
}

# Where events go that could not be handled at all. The summary is only called by those who wait
# for its answer.
resource "aws_lambda_function_event_invoke_config" "handler" {
  for_each = setsubtract(local.functions, ["summary"])

  function_name                = aws_lambda_function.handler[each.key].function_name
  maximum_event_age_in_seconds = 21600
  maximum_retry_attempts       = 2

  destination_config {
    on_failure {
      destination = aws_sqs_queue.dead_letters.arn
    }
  }
}
