# Who may do what. Each function has a role of its own, with exact actions on exact resources.

data "aws_iam_policy_document" "handler_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "handler" {
  for_each = local.functions

  name                 = "${var.name}-${each.key}"
  description          = local.handlers[each.key].description
  assume_role_policy   = data.aws_iam_policy_document.handler_trust.json
  permissions_boundary = var.permissions_boundary_arn
}

resource "aws_iam_role_policy" "handler" {
  for_each = local.functions

  name   = "own-work"
  role   = aws_iam_role.handler[each.key].id
  policy = data.aws_iam_policy_document.handler[each.key].json
}

# A document of its own, as the ARN of a key made here is not known before the first apply.
resource "aws_iam_role_policy" "handler_key" {
  for_each = local.use_key ? local.functions : []

  name   = "own-key"
  role   = aws_iam_role.handler[each.key].id
  policy = data.aws_iam_policy_document.use_key[0].json
}

data "aws_iam_policy_document" "use_key" {
  count = local.use_key ? 1 : 0

  statement {
    sid       = "OwnKey"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [local.key_arn]
  }
}

data "aws_iam_policy_document" "handler" {
  # checkov:skip=CKV_AWS_356: LookupEvents and X-Ray know no resources; the statements are on their own
  # checkov:skip=CKV_AWS_111: the only write without a resource is that to X-Ray
  for_each = local.functions

  source_policy_documents = {
    monitor = [data.aws_iam_policy_document.monitor.json]
    summary = [data.aws_iam_policy_document.summary.json]
    slack   = data.aws_iam_policy_document.slack[*].json
  }[each.key]

  statement {
    sid       = "WriteLogs"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${local.arn_prefix.logs}:log-group:/aws/lambda/${var.name}-${each.key}:*"]
  }

  dynamic "statement" {
    for_each = contains(["monitor", "slack"], each.key) ? ["DeadLetters"] : []

    content {
      sid       = statement.value
      actions   = ["sqs:SendMessage"]
      resources = [local.arn.dead_letters]
    }
  }

  # X-Ray knows no resources.
  dynamic "statement" {
    for_each = var.function.tracing ? ["Trace"] : []

    content {
      sid       = statement.value
      actions   = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
      resources = ["*"]
    }
  }
}

data "aws_iam_policy_document" "monitor" {
  # checkov:skip=CKV_AWS_356: LookupEvents knows no resources
  statement {
    sid       = "ReadQueue"
    actions   = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
    resources = [local.arn.intake]
  }

  statement {
    sid = "State"
    actions = [
      "dynamodb:BatchGetItem",
      "dynamodb:DeleteItem",
      "dynamodb:PutItem",
      "dynamodb:Query",
      "dynamodb:UpdateItem",
    ]
    resources = [local.arn.table]
  }

  statement {
    sid       = "Alert"
    actions   = ["sns:Publish"]
    resources = [local.arn.topic]
  }

  # LookupEvents knows no resources: who may look up events may look up all of this account's.
  statement {
    sid       = "Sweep"
    actions   = ["cloudtrail:LookupEvents"]
    resources = ["*"]
  }

  # Any user may own the key that is refused, so the account's users are all the scope there is.
  statement {
    sid       = "AboutKeys"
    actions   = ["iam:GetAccessKeyLastUsed", "iam:ListAccessKeys"]
    resources = [local.arn.users]
  }

  dynamic "statement" {
    for_each = var.member_role == null ? [] : [var.member_role]

    content {
      sid       = "AboutKeysOfMembers"
      actions   = ["sts:AssumeRole"]
      resources = ["arn:${local.partition}:iam::*:role/${statement.value}"]

      # In this organisation only.
      condition {
        test     = "StringEquals"
        variable = "aws:ResourceOrgID"
        values   = ["$${aws:PrincipalOrgID}"]
      }
    }
  }

  dynamic "statement" {
    for_each = var.trail == null ? [] : [var.trail]

    content {
      sid       = "ReadTrail"
      actions   = ["s3:GetObject"]
      resources = ["arn:${local.partition}:s3:::${statement.value.bucket}/${statement.value.prefix}*"]
    }
  }

  # Without it S3 answers 403 for a file that is gone, as for one that may not be read.
  dynamic "statement" {
    for_each = var.trail == null ? [] : [var.trail]

    content {
      sid       = "TellMissingFromForbidden"
      actions   = ["s3:ListBucket"]
      resources = ["arn:${local.partition}:s3:::${statement.value.bucket}"]
    }
  }

  dynamic "statement" {
    for_each = compact([try(var.trail.kms_key_arn, null)])

    content {
      sid       = "DecryptTrail"
      actions   = ["kms:Decrypt"]
      resources = [statement.value]
    }
  }
}

data "aws_iam_policy_document" "summary" {
  statement {
    sid       = "ReadState"
    actions   = ["dynamodb:BatchGetItem", "dynamodb:Query"]
    resources = [local.arn.table]
  }
}

data "aws_iam_policy_document" "slack" {
  count = local.slack_webhook ? 1 : 0

  statement {
    sid       = "ReadWebhook"
    actions   = ["ssm:GetParameter"]
    resources = ["${local.arn_prefix.ssm}:parameter/${trimprefix(var.slack.webhook_parameter, "/")}"]
  }

  dynamic "statement" {
    for_each = compact([var.slack.webhook_kms_key_arn])

    content {
      sid       = "DecryptWebhook"
      actions   = ["kms:Decrypt"]
      resources = [statement.value]
    }
  }
}

# Schedules.

data "aws_iam_policy_document" "schedule_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["scheduler.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = ["${local.arn_prefix.scheduler}:schedule-group/${var.name}"]
    }
  }
}

resource "aws_iam_role" "schedule" {
  name                 = "${var.name}-schedule"
  description          = "Starts the tasks of the monitor function"
  assume_role_policy   = data.aws_iam_policy_document.schedule_trust.json
  permissions_boundary = var.permissions_boundary_arn
}

data "aws_iam_policy_document" "schedule" {
  statement {
    sid       = "StartTasks"
    actions   = ["lambda:InvokeFunction"]
    resources = [local.function_arns["monitor"]]
  }

  statement {
    sid       = "DeadLetters"
    actions   = ["sqs:SendMessage"]
    resources = [local.arn.dead_letters]
  }
}

resource "aws_iam_role_policy" "schedule" {
  name   = "own-work"
  role   = aws_iam_role.schedule.id
  policy = data.aws_iam_policy_document.schedule.json
}

resource "aws_iam_role_policy" "schedule_key" {
  count = local.use_key ? 1 : 0

  name   = "own-key"
  role   = aws_iam_role.schedule.id
  policy = data.aws_iam_policy_document.use_key[0].json
}

# Rules of other regions.

data "aws_iam_policy_document" "forward_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

resource "aws_iam_role" "forward" {
  name                 = "${var.name}-forward"
  description          = "Forwards records of other regions to this one"
  assume_role_policy   = data.aws_iam_policy_document.forward_trust.json
  permissions_boundary = var.permissions_boundary_arn
}

data "aws_iam_policy_document" "forward" {
  statement {
    sid       = "Forward"
    actions   = ["events:PutEvents"]
    resources = [local.arn.bus]
  }
}

resource "aws_iam_role_policy" "forward" {
  name   = "own-work"
  role   = aws_iam_role.forward.id
  policy = data.aws_iam_policy_document.forward.json
}

# Amazon Q Developer: a role is required, and needs no permission to pass on what a topic sends.

data "aws_iam_policy_document" "chat_trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["chatbot.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }
  }
}

resource "aws_iam_role" "chat" {
  count = local.slack_q ? 1 : 0

  name                 = "${var.name}-chat"
  description          = "Lets Amazon Q Developer post alerts to Slack"
  assume_role_policy   = data.aws_iam_policy_document.chat_trust.json
  permissions_boundary = var.permissions_boundary_arn
}

# The topic: only the monitor function and this account's alarms publish, so that nobody can send
# an alert that is none.

data "aws_iam_policy_document" "topic" {
  statement {
    sid       = "Alarms"
    actions   = ["sns:Publish"]
    resources = [local.arn.topic]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["arn:${local.partition}:cloudwatch:${local.region}:${local.account}:alarm:${var.name}-*"]
    }
  }

  statement {
    sid       = "MonitorOnly"
    effect    = "Deny"
    actions   = ["sns:Publish"]
    resources = [local.arn.topic]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "ArnNotEquals"
      variable = "aws:PrincipalArn"
      values   = [local.arn.monitor_role]
    }

    condition {
      test     = "Bool"
      variable = "aws:PrincipalIsAWSService"
      values   = ["false"]
    }
  }

  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["sns:Publish"]
    resources = [local.arn.topic]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}

# The queues.

locals {
  rule_names = concat(keys(local.patterns), local.trail_by.eventbridge ? ["trail-files"] : [])
  rule_arns  = [for rule in local.rule_names : "${local.arn_prefix.events}:rule/${var.name}-${rule}"]

  # Which service may send to which queue, and on whose behalf.
  senders = {
    intake = merge(
      { "events.amazonaws.com" = local.rule_arns },
      local.trail_by.topic ? { "sns.amazonaws.com" = [var.trail.topic_arn] } : {},
      local.trail_by.notification ? { "s3.amazonaws.com" = ["arn:${local.partition}:s3:::${var.trail.bucket}"] } : {},
    )
    # Only SQS itself moves messages there.
    intake_dead_letters = {}
    dead_letters = merge(
      { "events.amazonaws.com" = local.rule_arns },
      local.slack_webhook ? { "sns.amazonaws.com" = [local.arn.topic] } : {},
    )
  }
}

data "aws_iam_policy_document" "queue" {
  for_each = local.senders

  dynamic "statement" {
    for_each = each.value

    content {
      sid       = "From${title(split(".", statement.key)[0])}"
      actions   = ["sqs:SendMessage"]
      resources = [local.arn[each.key]]

      principals {
        type        = "Service"
        identifiers = [statement.key]
      }

      condition {
        test     = "ArnEquals"
        variable = "aws:SourceArn"
        values   = statement.value
      }
    }
  }

  statement {
    sid       = "TlsOnly"
    effect    = "Deny"
    actions   = ["sqs:*"]
    resources = [local.arn[each.key]]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }
}
