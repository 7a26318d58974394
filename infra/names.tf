# What everything is called. ARNs are built from names, not taken from resources: so the policies
# are complete in the plan, and a change to one queue does not make all of them unknown.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  # The attribute that both major versions of the provider have: `name` is deprecated in 6.
  region = data.aws_region.current.id

  iam_region = {
    aws        = "us-east-1"
    aws-cn     = "cn-north-1"
    aws-us-gov = "us-gov-west-1"
  }[local.partition]

  tags = merge({ Application = var.name }, var.tags)

  arn_prefix = {
    for service in ["dynamodb", "events", "lambda", "logs", "scheduler", "sns", "sqs", "ssm"] :
    service => "arn:${local.partition}:${service}:${local.region}:${local.account}"
  }

  arn = {
    bus                 = "${local.arn_prefix.events}:event-bus/default"
    dead_letters        = "${local.arn_prefix.sqs}:${var.name}-dead-letters"
    intake              = "${local.arn_prefix.sqs}:${var.name}-intake"
    intake_dead_letters = "${local.arn_prefix.sqs}:${var.name}-intake-dead-letters"
    monitor_role        = "arn:${local.partition}:iam::${local.account}:role/${var.name}-monitor"
    table               = "${local.arn_prefix.dynamodb}:table/${var.name}"
    topic               = "${local.arn_prefix.sns}:${var.name}-alerts"
    users               = "arn:${local.partition}:iam::${local.account}:user/*"
  }

  # The functions, and the ARNs of what belongs to each.
  functions = toset(concat(["monitor", "summary"], local.slack_webhook ? ["slack"] : []))
  function_arns = {
    for function in local.functions :
    function => "${local.arn_prefix.lambda}:function:${var.name}-${function}"
  }

  console = {
    aws        = "https://${local.region}.console.aws.amazon.com"
    aws-cn     = "https://${local.region}.console.amazonaws.cn"
    aws-us-gov = "https://${local.region}.console.amazonaws-us-gov.com"
  }[local.partition]
  dashboard_url = "${local.console}/cloudwatch/home?region=${local.region}#dashboards/dashboard/${var.name}"
}
