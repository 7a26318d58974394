# Alerts by e-mail, and to Slack by an incoming webhook. The parameter must exist:
#   aws ssm put-parameter --name /failure-monitor/slack-webhook --type SecureString --value URL
alert_emails = ["me@example.com"]

slack = {
  webhook_parameter = "/failure-monitor/slack-webhook"
}
