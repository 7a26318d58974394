locals {
  # Rows from top to bottom; widgets of a row share its width.
  rows = [
    {
      height = 12
      widgets = [{
        type = "custom"
        properties = {
          title    = "Refused credentials"
          endpoint = local.function_arns["summary"]
          updateOn = { refresh = true, resize = true, timeRange = true }
        }
      }]
    },
    {
      height = 6
      widgets = [
        {
          type = "metric"
          properties = {
            title = "Failures by origin", region = local.region, view = "timeSeries", stacked = true, stat = "Sum", period = 300
            metrics = [
              for origin in ["recorded", "reported", "predicted"] :
              ["FailureMonitor", "Failures", "Name", var.name, "Origin", origin, { label = origin }]
            ]
          }
        },
        {
          type = "metric"
          properties = {
            title   = "Failures by cause", region = local.region, view = "timeSeries", stacked = true, stat = "Sum", period = 300
            metrics = [[{ expression = "SEARCH('{FailureMonitor,Name,Cause} MetricName=\"FailuresByCause\" Name=\"${var.name}\"', 'Sum', 300)", id = "causes", label = "" }]]
          }
        },
        {
          type = "metric"
          properties = {
            title = "Alerts", region = local.region, view = "timeSeries", stat = "Sum", period = 300
            metrics = [
              ["FailureMonitor", "AlertsSent", "Name", var.name, { label = "sent" }],
              [".", "AlertsPending", ".", ".", { label = "pending", stat = "Maximum" }],
            ]
          }
        },
      ]
    },
    {
      height = 6
      widgets = [
        {
          type = "metric"
          properties = {
            title = "Records", region = local.region, view = "timeSeries", stat = "Sum", period = 300
            metrics = [
              for metric in ["Seen", "Duplicates", "Skipped"] :
              ["FailureMonitor", metric, "Name", var.name, { label = lower(metric) }]
            ]
          }
        },
        {
          type = "metric"
          properties = {
            title = "Behind (seconds)", region = local.region, view = "timeSeries", stat = "Maximum", period = 300
            metrics = [
              ["FailureMonitor", "SweepLagSeconds", "Name", var.name, { label = "sweep" }],
              [".", "CoverageHoleSeconds", ".", ".", { label = "holes" }],
              ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", "${var.name}-intake", { label = "queue" }],
            ]
          }
        },
        {
          type = "metric"
          properties = {
            title = "Monitor function", region = local.region, view = "timeSeries", stat = "Sum", period = 300
            metrics = [
              for metric in ["Invocations", "Errors", "Throttles"] :
              ["AWS/Lambda", metric, "FunctionName", "${var.name}-monitor", { label = lower(metric) }]
            ]
          }
        },
      ]
    },
    {
      height = 4
      widgets = [{
        type = "alarm"
        properties = {
          title = "Health of the monitor"
          alarms = [
            for alarm in sort(concat(keys(local.alarms), ["no-data"])) :
            "arn:${local.partition}:cloudwatch:${local.region}:${local.account}:alarm:${var.name}-${alarm}"
          ]
        }
      }]
    },
  ]

  widgets = flatten([
    for at, row in local.rows : [
      for column, widget in row.widgets : merge(widget, {
        x      = column * 24 / length(row.widgets)
        y      = sum(concat([0], [for above in slice(local.rows, 0, at) : above.height]))
        width  = 24 / length(row.widgets)
        height = row.height
      })
    ]
  ])
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name
  dashboard_body = jsonencode({ widgets = local.widgets })
}
