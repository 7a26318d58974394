locals {
  every = {
    sweep = {
      description = "Reads CloudTrail's event history"
      expression  = "rate(${var.sweep.interval_minutes} minutes)"
      input       = { task = "sweep" }
    }
    # The end of a sweep delivers too; this one does not wait for it.
    deliver = {
      description = "Sends alerts that are due, and again those that could not be sent"
      expression  = "rate(1 minute)"
      input       = { task = "deliver" }
    }
  }

  digest = {
    daily  = { expression = "cron(0 7 * * ? *)", since = "24h" }
    weekly = { expression = "cron(0 7 ? * MON *)", since = "7d" }
  }

  schedules = merge(local.every, var.digest_schedule == null ? {} : {
    digest = {
      description = "Sends a summary of the time since the last one"
      expression  = local.digest[var.digest_schedule].expression
      input       = { task = "digest", since = local.digest[var.digest_schedule].since }
    }
  })
}

resource "aws_scheduler_schedule_group" "this" {
  name = var.name
}

resource "aws_scheduler_schedule" "task" {
  for_each = local.schedules

  name                = each.key
  group_name          = aws_scheduler_schedule_group.this.name
  description         = each.value.description
  schedule_expression = each.value.expression
  kms_key_arn         = local.key_arn

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_lambda_function.handler["monitor"].arn
    role_arn = aws_iam_role.schedule.arn
    input    = jsonencode(each.value.input)

    dead_letter_config {
      arn = aws_sqs_queue.dead_letters.arn
    }

    # The next one comes soon, and does what this one did not.
    retry_policy {
      maximum_event_age_in_seconds = 300
      maximum_retry_attempts       = 2
    }
  }

  depends_on = [aws_iam_role_policy.schedule, aws_iam_role_policy.schedule_key]
}
