# All accounts of an organisation, from its trail's log files, and the logs of CI jobs of this account.
alert_emails = ["security@example.com"]

trail = {
  bucket       = "example-organisation-trail"
  prefix       = "AWSLogs/o-exampleorg1/"
  kms_key_arn  = "arn:aws:kms:eu-central-1:444455556666:key/11111111-2222-3333-4444-555555555555"
  announced_by = "topic"
  topic_arn    = "arn:aws:sns:eu-central-1:444455556666:organisation-trail"
}

# A role of this name in each member account: see README.md, "Organisation".
member_role = "failure-monitor-reader"

log_groups = ["/ci/terraform"]

function = {
  architecture = "arm64"
  memory_mb    = 1024
}

ignore = [
  {
    source = "198.51.100.0/24"
    reason = "The scanner of the security team tries keys that it found"
  },
]
