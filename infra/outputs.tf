output "alerts_topic_arn" {
  description = "The topic that alerts are sent to. Subscribe queues or functions of your own to it for machine-readable alerts."
  value       = aws_sns_topic.alerts.arn
}

output "dashboard_url" {
  description = "The dashboard."
  value       = local.dashboard_url
}

output "forward" {
  description = "What modules/region needs to know."
  value       = local.forward
}

output "function_names" {
  description = "The functions, by handler."
  value       = { for function in local.functions : function => aws_lambda_function.handler[function].function_name }
}

output "intake_queue_arn" {
  description = "The queue of records and of new log files."
  value       = aws_sqs_queue.intake.arn
}

output "logs_command" {
  description = "Follows the log of the monitor function."
  value       = "aws logs tail /aws/lambda/${var.name}-monitor --follow --region ${local.region}"
}

output "next_steps" {
  description = "What is left to do by hand."
  value = join("\n", concat(
    [for address in sort(var.alert_emails) : "Confirm the subscription: AWS has sent a message to ${address}."],
    length(var.alert_emails) == 0 && var.slack == null ? ["Nobody gets the alerts yet: set alert_emails or slack."] : [],
    local.slack_q ? ["Invite Amazon Q to the Slack channel: /invite @Amazon Q"] : [],
    ["Then send a test alert with the command in test_alert_command."],
  ))
}

output "summary_command" {
  description = "Shows what was found in the last 24 hours. Without the program: the same by `aws lambda invoke`."
  value       = "failure-monitor summary --function ${var.name}-summary --region ${local.region}"
}

output "summary_invoke_command" {
  description = "The same without the program, as Markdown."
  value       = "aws lambda invoke --function-name ${var.name}-summary --region ${local.region} --cli-binary-format raw-in-base64-out --payload '{\"task\":\"summary\",\"since\":\"24h\",\"format\":\"markdown\"}' /dev/stdout"
}

output "table_name" {
  description = "The table that holds the state."
  value       = aws_dynamodb_table.state.name
}

output "test_alert_command" {
  description = "Sends an alert that is marked as a test, the whole way."
  value       = "aws lambda invoke --function-name ${var.name}-monitor --region ${local.region} --cli-binary-format raw-in-base64-out --payload '{\"task\":\"test-alert\"}' /dev/stdout"
}
