# Plans with the real provider, without credentials or network: policies, patterns and names are
# rendered as they would be sent.

provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

provider "aws" {
  alias                       = "iam_region"
  region                      = "us-east-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

override_data {
  target = data.aws_caller_identity.current
  values = { account_id = "111122223333" }
}

variables {
  # Any file can stand for the package in a plan.
  lambda_zip_path = "terraform.tf"
}

# One plan for all: each costs a second or two.
run "defaults" {
  command = plan

  # Names.

  assert {
    condition     = { for key, function in aws_lambda_function.handler : key => function.function_name } == { monitor = "failure-monitor-monitor", summary = "failure-monitor-summary" }
    error_message = "the functions must be named after their handlers, and slack is made only when asked for"
  }

  assert {
    condition     = alltrue([for key, function in aws_lambda_function.handler : function.handler == key && function.runtime == "provided.al2023"])
    error_message = "the handler setting chooses what bootstrap does"
  }

  assert {
    condition     = [aws_dynamodb_table.state.name, aws_sns_topic.alerts.name] == ["failure-monitor", "failure-monitor-alerts"]
    error_message = "the table and the topic must have the names that the program expects"
  }

  assert {
    condition     = [aws_dynamodb_table.state.hash_key, aws_dynamodb_table.state.range_key, aws_dynamodb_table.state.ttl[0].attribute_name] == ["pk", "sk", "expires"]
    error_message = "the program writes pk, sk and expires"
  }

  # Patterns.

  assert {
    condition     = alltrue([for rule in aws_cloudwatch_event_rule.intake : rule.state == "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"])
    error_message = "plain ENABLED leaves out GetCallerIdentity and all other calls that only read"
  }

  assert {
    condition = alltrue([
      for code in jsondecode(file("patterns.json")).error_codes : alltrue([
        for written in [code, "Client.${code}"] :
        contains(jsondecode(aws_cloudwatch_event_rule.intake["failures"].event_pattern).detail.errorCode, written)
      ])
    ])
    error_message = "each code must be matched with and without EC2's prefix"
  }

  assert {
    condition     = alltrue([for rule in aws_cloudwatch_event_rule.intake : length(rule.event_pattern) <= 2048])
    error_message = "EventBridge takes patterns of up to 2,048 characters"
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.intake["key-changes"].event_pattern).detail.eventName == ["AttachUserPolicy", "CreateAccessKey", "DeleteAccessKey", "DeleteUser", "PutUserPolicy", "UpdateAccessKey"]
    error_message = "key changes"
  }

  # Schedules.

  assert {
    condition     = { for key, schedule in aws_scheduler_schedule.task : key => [schedule.schedule_expression, schedule.target[0].input] } == { deliver = ["rate(1 minute)", "{\"task\":\"deliver\"}"], sweep = ["rate(5 minutes)", "{\"task\":\"sweep\"}"] }
    error_message = "sweep and deliver, no digest"
  }

  assert {
    condition     = aws_lambda_function.handler["monitor"].timeout < 300 && aws_sqs_queue.intake.visibility_timeout_seconds > aws_lambda_function.handler["monitor"].timeout
    error_message = "two sweeps must not overlap, and a message must not come back while it is worked on"
  }

  # Environment.

  assert {
    condition     = aws_lambda_function.handler["monitor"].environment[0].variables["FAILURE_MONITOR_REGIONS"] == "eu-central-1,us-east-1"
    error_message = "this region and the one of IAM's records are swept"
  }

  assert {
    condition = alltrue([
      for name, value in {
        FAILURE_MONITOR_DIGEST_OVER           = "20"
        FAILURE_MONITOR_FINDING_TTL           = "90d"
        FAILURE_MONITOR_FOLLOW_UP_FIRST       = "1h"
        FAILURE_MONITOR_FOLLOW_UP_MAX         = "24h"
        FAILURE_MONITOR_GROUP_BY_EVENT_SOURCE = "false"
        FAILURE_MONITOR_IGNORE                = "[]"
        FAILURE_MONITOR_INITIAL_LOOK_BACK     = "24h"
        FAILURE_MONITOR_LOG                   = "info"
        FAILURE_MONITOR_LOOK_BACK             = "24h"
        FAILURE_MONITOR_MARKER_TTL            = "14d"
        FAILURE_MONITOR_MAX_INFLATED          = "268435456"
        FAILURE_MONITOR_MIN_INTERVAL          = "15m"
        FAILURE_MONITOR_NAME                  = "failure-monitor"
        FAILURE_MONITOR_PROBING_KEYS          = "5"
        FAILURE_MONITOR_SWEEP_LATE            = "15m"
        FAILURE_MONITOR_TABLE                 = "failure-monitor"
        FAILURE_MONITOR_THRESHOLD             = "3"
        FAILURE_MONITOR_UNMASK                = "false"
        FAILURE_MONITOR_WINDOW                = "15m"
      } : aws_lambda_function.handler["monitor"].environment[0].variables[name] == value
    ])
    error_message = "the defaults must be those of the program"
  }

  # Permissions.

  assert {
    condition = alltrue(flatten([
      for role in [aws_iam_role_policy.handler["monitor"], aws_iam_role_policy.handler["summary"], aws_iam_role_policy.schedule, aws_iam_role_policy.forward] : [
        for statement in jsondecode(role.policy).Statement : [
          for action in flatten([statement.Action]) : !strcontains(action, "*")
        ]
      ]
    ]))
    error_message = "no policy of a role may have a wildcard in an action"
  }

  assert {
    condition = toset(flatten([
      for role in [aws_iam_role_policy.handler["monitor"], aws_iam_role_policy.handler["summary"], aws_iam_role_policy.schedule, aws_iam_role_policy.forward] : [
        for statement in jsondecode(role.policy).Statement : statement.Action if contains(flatten([statement.Resource]), "*")
      ]
    ])) == toset(["cloudtrail:LookupEvents"])
    error_message = "only LookupEvents may be allowed on every resource"
  }

  assert {
    condition = toset(flatten([
      for statement in jsondecode(aws_iam_role_policy.handler["summary"].policy).Statement : statement.Action
    ])) == toset(["dynamodb:BatchGetItem", "dynamodb:Query", "logs:CreateLogStream", "logs:PutLogEvents"])
    error_message = "the summary function must only read"
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.handler["monitor"].policy).Statement : statement.Resource if statement.Sid == "Alert"] == ["arn:aws:sns:eu-central-1:111122223333:failure-monitor-alerts"]
    error_message = "the monitor may publish to its own topic only"
  }

  assert {
    condition = alltrue(flatten([
      for policy in concat([aws_sns_topic_policy.alerts.policy], [for queue in aws_sqs_queue_policy.this : queue.policy]) : [
        length([for statement in jsondecode(policy).Statement : statement if statement.Sid == "TlsOnly" && statement.Effect == "Deny"]) == 1,
        alltrue([for statement in jsondecode(policy).Statement : can(statement.Condition) && (statement.Effect == "Deny" || can(statement.Principal.Service))]),
      ]
    ]))
    error_message = "topic and queues take nothing without TLS, allow services only, and those on conditions"
  }

  assert {
    condition     = jsondecode(aws_sqs_queue_policy.this["intake_dead_letters"].policy).Statement[*].Effect == ["Deny"]
    error_message = "nobody but SQS may put messages into the dead-letter queue of the intake"
  }

  assert {
    condition     = toset(flatten([for statement in jsondecode(aws_kms_key.this[0].policy).Statement : statement.Principal.Service if can(statement.Principal.Service)])) == toset(["cloudwatch.amazonaws.com", "events.amazonaws.com", "logs.eu-central-1.amazonaws.com", "sns.amazonaws.com"])
    error_message = "alarms, rules, the topic and the logs must be able to use the key"
  }

  # Health.

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.health : toset(alarm.alarm_actions) == toset(["arn:aws:sns:eu-central-1:111122223333:failure-monitor-alerts"]) && length(alarm.alarm_description) > 40])
    error_message = "each alarm goes to the topic and says what it means"
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.no_data.treat_missing_data == "breaching" && aws_cloudwatch_metric_alarm.health["sweep-late"].treat_missing_data == "breaching"
    error_message = "no metric at all must count as bad news"
  }

  assert {
    condition     = alltrue([for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : widget.x + widget.width <= 24])
    error_message = "the dashboard is 24 columns wide"
  }

  # Optional parts are off.

  assert {
    condition = sum([
      length(aws_chatbot_slack_channel_configuration.alerts), length(aws_cloudwatch_event_rule.trail),
      length(aws_cloudwatch_log_subscription_filter.client_log), length(aws_s3_bucket_notification.trail),
      length(aws_sns_topic_subscription.email), length(aws_sns_topic_subscription.slack),
      length(aws_sns_topic_subscription.trail),
    ]) == 0
    error_message = "nothing optional without being asked for"
  }

  assert {
    condition     = length(module.iam_region) == 1
    error_message = "key changes are recorded in us-east-1 and must be forwarded from there"
  }
}
