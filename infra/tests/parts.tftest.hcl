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

run "webhook_topic_and_logs" {
  command = plan

  variables {
    slack = { webhook_parameter = "/failure-monitor/slack-webhook" }
    trail = {
      bucket       = "example-trail"
      prefix       = "AWSLogs/o-abcdefghij/"
      kms_key_arn  = "arn:aws:kms:eu-central-1:444455556666:key/11111111-2222-3333-4444-555555555555"
      announced_by = "topic"
      topic_arn    = "arn:aws:sns:eu-central-1:444455556666:example-trail"
    }
    log_groups      = ["/ci/terraform"]
    athena          = { results_bucket = "example-results", accounts = ["444455556666", "111122223333"] }
    member_role     = "failure-monitor-reader"
    digest_schedule = "weekly"
    ignore = [{
      source = "198.51.100.0/24"
      reason = "The scanner of the security team tries keys that it found"
    }]
  }

  # Slack by webhook.

  assert {
    condition     = aws_lambda_function.handler["slack"].environment[0].variables["FAILURE_MONITOR_SLACK_WEBHOOK_PARAMETER"] == "/failure-monitor/slack-webhook"
    error_message = "the function is told the parameter's name"
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.handler["slack"].policy).Statement : statement.Resource if statement.Sid == "ReadWebhook"] == ["arn:aws:ssm:eu-central-1:111122223333:parameter/failure-monitor/slack-webhook"]
    error_message = "the slack function may read that parameter only"
  }

  assert {
    condition     = aws_sns_topic_subscription.slack[0].protocol == "lambda" && length(aws_chatbot_slack_channel_configuration.alerts) == 0
    error_message = "by webhook means not by Amazon Q"
  }

  # Trail by topic.

  assert {
    condition = {
      for statement in jsondecode(aws_iam_role_policy.handler["monitor"].policy).Statement :
      statement.Sid => statement.Resource if contains(["ReadTrail", "DecryptTrail", "TellMissingFromForbidden"], statement.Sid)
      } == {
      ReadTrail                = "arn:aws:s3:::example-trail/AWSLogs/o-abcdefghij/*"
      TellMissingFromForbidden = "arn:aws:s3:::example-trail"
      DecryptTrail             = "arn:aws:kms:eu-central-1:444455556666:key/11111111-2222-3333-4444-555555555555"
    }
    error_message = "the monitor may read that bucket, below that prefix"
  }

  assert {
    condition     = [for statement in jsondecode(aws_sqs_queue_policy.this["intake"].policy).Statement : statement.Condition.ArnEquals["aws:SourceArn"] if statement.Sid == "FromSns"] == ["arn:aws:sns:eu-central-1:444455556666:example-trail"]
    error_message = "only that topic may send"
  }

  assert {
    condition     = aws_lambda_event_source_mapping.intake.batch_size == 10 && length(aws_s3_bucket_notification.trail) == 0
    error_message = "whole files come in small batches, and the bucket's notifications stay as they are"
  }

  assert {
    condition     = [for statement in jsondecode(aws_kms_key.this[0].policy).Statement : toset(statement.Condition.StringEquals["aws:SourceAccount"]) if statement.Sid == "Services"] == [toset(["111122223333", "444455556666"])]
    error_message = "the topic's account must be able to use the key of the queue"
  }

  # Athena.

  assert {
    condition = [
      for name in ["projection.account.values", "projection.region.values", "storage.location.template"] : aws_glue_catalog_table.records[0].parameters[name]
      ] == [
      "111122223333,444455556666", "eu-central-1,us-east-1",
      "s3://example-trail/AWSLogs/o-abcdefghij/$${account}/CloudTrail/$${region}/$${day}",
    ]
    error_message = "the table is divided as the trail's folders are"
  }

  assert {
    condition     = toset(keys(aws_athena_named_query.question)) == toset(["failures", "key-changes", "left-behind"]) && alltrue([for query in aws_athena_named_query.question : strcontains(query.query, "\"failure_monitor\".\"records\"")])
    error_message = "the queries ask this table"
  }

  # Client logs.

  assert {
    condition     = length(aws_cloudwatch_log_subscription_filter.client_log["/ci/terraform"].filter_pattern) <= 1024
    error_message = "CloudWatch Logs takes patterns of up to 1,024 characters"
  }

  assert {
    condition     = alltrue([for code in jsondecode(file("patterns.json")).error_codes : strcontains(aws_cloudwatch_log_subscription_filter.client_log["/ci/terraform"].filter_pattern, "?\"${code}\"")])
    error_message = "each code must let a line pass"
  }

  assert {
    condition     = aws_lambda_permission.client_log["/ci/terraform"].source_arn == "arn:aws:logs:eu-central-1:111122223333:log-group:/ci/terraform:*"
    error_message = "only that log group may call the function"
  }

  # Members of an organisation.

  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.handler["monitor"].policy).Statement : [statement.Resource, statement.Condition.StringEquals["aws:ResourceOrgID"]] if statement.Sid == "AboutKeysOfMembers"] == [["arn:aws:iam::*:role/failure-monitor-reader", "$${aws:PrincipalOrgID}"]]
    error_message = "that role only, and only in the same organisation"
  }

  assert {
    condition     = aws_lambda_function.handler["monitor"].environment[0].variables["FAILURE_MONITOR_MEMBER_ROLE"] == "failure-monitor-reader"
    error_message = "the function is told the role's name"
  }

  # Digest and ignore.

  assert {
    condition     = [aws_scheduler_schedule.task["digest"].schedule_expression, aws_scheduler_schedule.task["digest"].target[0].input] == ["cron(0 7 ? * MON *)", "{\"since\":\"7d\",\"task\":\"digest\"}"]
    error_message = "a weekly digest tells of a week"
  }

  assert {
    condition     = jsondecode(aws_lambda_function.handler["monitor"].environment[0].variables["FAILURE_MONITOR_IGNORE"]) == [{ source = "198.51.100.0/24", reason = "The scanner of the security team tries keys that it found" }]
    error_message = "a rule holds what was stated, and nothing else"
  }
}

run "amazon_q_and_eventbridge" {
  command = plan

  variables {
    slack      = { workspace_id = "T012ABCDEF", channel_id = "C012ABCDEF" }
    trail      = { bucket = "example-trail", announced_by = "eventbridge" }
    encryption = "off"
    name       = "other"
  }

  # Slack by amazon q.

  assert {
    condition     = aws_chatbot_slack_channel_configuration.alerts[0].slack_channel_id == "C012ABCDEF" && !contains(keys(aws_lambda_function.handler), "slack")
    error_message = "by Amazon Q means no function of our own"
  }

  # Trail by eventbridge.

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.trail[0].event_pattern).detail == { bucket = { name = ["example-trail"] }, object = { key = [{ prefix = "AWSLogs/" }] } }
    error_message = "only the trail's files"
  }

  assert {
    condition     = contains(flatten([for statement in jsondecode(aws_sqs_queue_policy.this["intake"].policy).Statement : statement.Condition.ArnEquals["aws:SourceArn"] if statement.Sid == "FromEvents"]), "arn:aws:events:eu-central-1:111122223333:rule/other-trail-files")
    error_message = "that rule may send to the queue"
  }

  # Without a key.

  assert {
    condition     = length(aws_kms_key.this) == 0 && length(aws_iam_role_policy.handler_key) == 0 && aws_sqs_queue.intake.sqs_managed_sse_enabled && aws_sns_topic.alerts.kms_master_key_id == null
    error_message = "off means no key, and AWS's own encryption where that is free"
  }

  # Two deployments.

  assert {
    condition = alltrue([
      for name in concat(
        [for function in aws_lambda_function.handler : function.function_name],
        [for role in concat(values(aws_iam_role.handler), [aws_iam_role.schedule, aws_iam_role.forward]) : role.name],
        [for rule in aws_cloudwatch_event_rule.intake : rule.name],
        [for alarm in aws_cloudwatch_metric_alarm.health : alarm.alarm_name],
        [for group in aws_cloudwatch_log_group.handler : trimprefix(group.name, "/aws/lambda/")],
        [aws_cloudwatch_metric_alarm.no_data.alarm_name, aws_cloudwatch_dashboard.this.dashboard_name, aws_dynamodb_table.state.name],
        [aws_scheduler_schedule_group.this.name, aws_sns_topic.alerts.name],
        [aws_sqs_queue.intake.name, aws_sqs_queue.dead_letters.name, aws_sqs_queue.intake_dead_letters.name],
      ) : startswith(name, "other")
    ])
    error_message = "whatever has a name must begin with var.name"
  }
}

run "notification" {
  command = plan

  variables {
    trail = { bucket = "example-trail", announced_by = "notification" }
  }

  # Trail by notification.

  assert {
    condition     = aws_s3_bucket_notification.trail[0].queue[0].filter_suffix == ".json.gz"
    error_message = "only log files"
  }

  assert {
    condition     = [for statement in jsondecode(aws_kms_key.this[0].policy).Statement : statement.Condition.ArnEquals["aws:SourceArn"] if statement.Sid == "TrailBucket"] == ["arn:aws:s3:::example-trail"]
    error_message = "the bucket must be able to use the key of the queue"
  }

  # In the region of iam.

  override_data {
    target = data.aws_region.current
    values = { id = "us-east-1", name = "us-east-1" }
  }

  assert {
    condition     = length(module.iam_region) == 0 && aws_lambda_function.handler["monitor"].environment[0].variables["FAILURE_MONITOR_REGIONS"] == "us-east-1"
    error_message = "nothing is forwarded to itself, and no region is swept twice"
  }
}

run "given_key" {
  command = plan

  variables {
    encryption = "arn:aws:kms:eu-central-1:111122223333:key/11111111-2222-3333-4444-555555555555"
  }

  # With a given key.

  assert {
    condition     = length(aws_kms_key.this) == 0 && aws_sns_topic.alerts.kms_master_key_id == var.encryption && jsondecode(aws_iam_role_policy.handler_key["monitor"].policy).Statement[0].Resource == var.encryption
    error_message = "a given key is used, and none is made"
  }
}
