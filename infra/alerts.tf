resource "aws_sns_topic" "alerts" {
  name              = "${var.name}-alerts"
  display_name      = "Failure monitor"
  kms_master_key_id = local.key_arn
}

resource "aws_sns_topic_policy" "alerts" {
  arn    = aws_sns_topic.alerts.arn
  policy = data.aws_iam_policy_document.topic.json
}

# E-mail has no dead-letter queue: SNS gives up on an address by itself.
resource "aws_sns_topic_subscription" "email" {
  for_each = var.alert_emails

  topic_arn = aws_sns_topic.alerts.arn
  protocol  = "email"
  endpoint  = each.value
}
