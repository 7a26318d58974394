locals {
  slack_webhook = try(var.slack.webhook_parameter, null) != null
  slack_q       = try(var.slack.workspace_id, null) != null
}

# By an incoming webhook: the slack function posts what the topic sends it. It reads the URL itself
# when it starts, from a parameter that Terraform knows by name only.

resource "aws_sns_topic_subscription" "slack" {
  count = local.slack_webhook ? 1 : 0

  topic_arn = aws_sns_topic.alerts.arn
  protocol  = "lambda"
  endpoint  = aws_lambda_function.handler["slack"].arn

  redrive_policy = jsonencode({ deadLetterTargetArn = local.arn.dead_letters })

  depends_on = [aws_lambda_permission.slack, aws_sqs_queue_policy.this]
}

resource "aws_lambda_permission" "slack" {
  count = local.slack_webhook ? 1 : 0

  statement_id   = "alerts"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.handler["slack"].function_name
  principal      = "sns.amazonaws.com"
  source_arn     = local.arn.topic
  source_account = local.account
}

# By Amazon Q Developer in chat applications, which subscribes itself to the topic.

resource "aws_chatbot_slack_channel_configuration" "alerts" {
  count = local.slack_q ? 1 : 0

  configuration_name = var.name
  iam_role_arn       = aws_iam_role.chat[0].arn
  slack_team_id      = var.slack.workspace_id
  slack_channel_id   = var.slack.channel_id
  sns_topic_arns     = [aws_sns_topic.alerts.arn]
  logging_level      = "ERROR"
  # The channel is for reading alerts: nobody can run commands in the account from it.
  guardrail_policy_arns = ["arn:${local.partition}:iam::aws:policy/AWSDenyAll"]
}
