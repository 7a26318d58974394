# Alarms about the monitor itself, sent to the same topic. Each description is what a person reads
# in the message, so it says what it means and where to look.

locals {
  metric = {
    lambda = { for function in local.functions : function => { FunctionName = "${var.name}-${function}" } }
    queue = {
      for queue in ["dead-letters", "intake", "intake-dead-letters"] :
      queue => { QueueName = "${var.name}-${queue}" }
    }
    own = { Name = var.name }
  }

  see_logs = { for function in local.functions : function => "See the log group /aws/lambda/${var.name}-${function}." }

  alarms = merge(
    {
      for function in local.functions : "${function}-errors" => {
        text       = "The ${function} function ended with an error. ${local.see_logs[function]}"
        namespace  = "AWS/Lambda"
        metric     = "Errors"
        statistic  = "Sum"
        above      = 0
        dimensions = local.metric.lambda[function]
      }
    },
    {
      for rule in local.rule_names : "${rule}-undelivered" => {
        text       = "EventBridge could not put records into the intake queue. They are in the queue ${var.name}-dead-letters, and the sweep reads them too. Look at the queue's policy and key."
        namespace  = "AWS/Events"
        metric     = "FailedInvocations"
        statistic  = "Sum"
        above      = 0
        dimensions = { RuleName = "${var.name}-${rule}" }
      }
    },
    {
      monitor-throttled = {
        text       = "The monitor function was throttled: the account's or its own concurrency is used up. Nothing is lost, but alerts come later."
        namespace  = "AWS/Lambda"
        metric     = "Throttles"
        statistic  = "Sum"
        above      = 0
        dimensions = local.metric.lambda["monitor"]
        periods    = 3
      }
      monitor-slow = {
        text      = "The monitor function came near its time-out of ${local.monitor_timeout} s. A sweep uses the time that it has and stops before; if it is a batch, give the function more memory."
        namespace = "AWS/Lambda"
        metric    = "Duration"
        statistic = "Maximum"
        # In milliseconds. A sweep stops some seconds earlier by itself.
        above      = local.monitor_timeout * 985
        dimensions = local.metric.lambda["monitor"]
      }
      intake-late = {
        text       = "Records have waited in the intake queue for over 15 minutes. ${local.see_logs["monitor"]}"
        namespace  = "AWS/SQS"
        metric     = "ApproximateAgeOfOldestMessage"
        statistic  = "Maximum"
        above      = 900
        dimensions = local.metric.queue["intake"]
      }
      intake-unreadable = {
        text       = "Messages could not be handled after 5 attempts and are kept for 14 days in the queue ${var.name}-intake-dead-letters. ${local.see_logs["monitor"]} Once the reason is mended, start a redrive of that queue."
        namespace  = "AWS/SQS"
        metric     = "ApproximateNumberOfMessagesVisible"
        statistic  = "Maximum"
        above      = 0
        dimensions = local.metric.queue["intake-dead-letters"]
      }
      undelivered = {
        text       = "A record, a task or an alert could not be delivered and is kept for 14 days in the queue ${var.name}-dead-letters."
        namespace  = "AWS/SQS"
        metric     = "ApproximateNumberOfMessagesVisible"
        statistic  = "Maximum"
        above      = 0
        dimensions = local.metric.queue["dead-letters"]
      }
      alerts-pending = {
        text       = "Alerts are due but could not be sent for half an hour. ${local.see_logs["monitor"]}"
        namespace  = "FailureMonitor"
        metric     = "AlertsPending"
        statistic  = "Minimum"
        above      = 0
        dimensions = local.metric.own
        periods    = 6
      }
      sweep-late = {
        text      = "The sweep of CloudTrail's event history is over an hour behind, or does not run: failures and key changes may go unnoticed. ${local.see_logs["monitor"]}"
        namespace = "FailureMonitor"
        metric    = "SweepLagSeconds"
        statistic = "Maximum"
        above     = 3600
        # As long as two sweeps, but not less than 15 minutes.
        dimensions = local.metric.own
        periods    = max(3, ceil(var.sweep.interval_minutes * 2 / 5))
        missing    = "breaching"
      }
      coverage-hole = {
        text       = "Part of CloudTrail's event history has not been read for over 6 hours: the account makes more records than LookupEvents gives out. Read a trail's log files instead (variable trail)."
        namespace  = "FailureMonitor"
        metric     = "CoverageHoleSeconds"
        statistic  = "Minimum"
        above      = 0
        dimensions = local.metric.own
        period     = 3600
        periods    = 6
      }
    },
  )
}

resource "aws_cloudwatch_metric_alarm" "health" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.text
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = try(each.value.period, 300)
  evaluation_periods  = try(each.value.periods, 1)
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.above
  treat_missing_data  = try(each.value.missing, "notBreaching")
  alarm_actions       = [local.arn.topic]
  ok_actions          = [local.arn.topic]

  depends_on = [aws_sns_topic_policy.alerts]
}

# Silence is no good news: an account that is used makes records all the time.
resource "aws_cloudwatch_metric_alarm" "no_data" {
  alarm_name          = "${var.name}-no-data"
  alarm_description   = "The monitor has not seen a single record for ${var.no_data_hours} hours. That there are no alerts means nothing now. ${local.see_logs["monitor"]}"
  namespace           = "FailureMonitor"
  metric_name         = "Seen"
  dimensions          = local.metric.own
  statistic           = "Sum"
  period              = 3600
  evaluation_periods  = var.no_data_hours
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = [local.arn.topic]
  ok_actions          = [local.arn.topic]

  depends_on = [aws_sns_topic_policy.alerts]
}
