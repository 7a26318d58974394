# Forwards records from this region's bus to that of the region where the monitor runs. The rules
# there put them into the queue.

resource "aws_cloudwatch_event_rule" "forward" {
  for_each = var.forward.patterns

  name          = "${var.forward.name}-${each.key}"
  description   = each.value.description
  event_pattern = each.value.pattern
  # Plain ENABLED leaves out calls that only read, and GetCallerIdentity is one.
  state = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
}

resource "aws_cloudwatch_event_target" "forward" {
  for_each = var.forward.patterns

  rule      = aws_cloudwatch_event_rule.forward[each.key].name
  target_id = "forward"
  arn       = var.forward.bus_arn
  role_arn  = var.forward.role_arn
}
