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

# Each run gives several variables a value that none of them may have, as each run costs a second or
# two. All that are expected to fail must.

run "bad_values_1" {
  command = plan

  variables {
    alert_emails             = ["not-an-address"]
    alert_policy             = { threshold = 0 }
    digest_schedule          = "hourly"
    encryption               = "arn:aws:kms:eu-central-1:111122223333:alias/example"
    function                 = { architecture = "arm" }
    ignore                   = [{ reason = "all of it" }]
    member_role              = "arn:aws:iam::111122223333:role/reader"
    name                     = "FailureMonitor"
    no_data_hours            = 48
    permissions_boundary_arn = "arn:aws:iam::111122223333:role/boundary"
    region                   = "Frankfurt"
    retention                = { logs = 100 }
    slack                    = { workspace_id = "T012ABCDEF", channel_id = "C012ABCDEF", webhook_parameter = "/hook" }
    sweep                    = { interval_minutes = 1 }
    trail                    = { bucket = "example-trail", announced_by = "mail" }
  }

  expect_failures = [
    var.alert_emails,
    var.alert_policy,
    var.digest_schedule,
    var.encryption,
    var.function,
    var.ignore,
    var.member_role,
    var.name,
    var.no_data_hours,
    var.permissions_boundary_arn,
    var.region,
    var.retention,
    var.slack,
    var.sweep,
    var.trail,
  ]
}

run "bad_values_2" {
  command = plan

  variables {
    alert_emails = ["a@example.com, b@example.com"]
    alert_policy = { window = "15" }
    function     = { memory_mb = 128 }
    name         = "a23456789012345678901234567890123"
    slack        = {}
    sweep        = { regions = ["eu"] }
    trail        = { bucket = "example-trail", announced_by = "topic" }
  }

  expect_failures = [
    var.alert_emails,
    var.alert_policy,
    var.function,
    var.name,
    var.slack,
    var.sweep,
    var.trail,
  ]
}

run "bad_values_3" {
  command = plan

  variables {
    log_groups   = ["arn:aws:logs:eu-central-1:111122223333:log-group:/ci"]
    alert_policy = { follow_up_first = "2d", follow_up_max = "24h" }
    slack        = { workspace_id = "T012ABCDEF" }
    trail        = { bucket = "arn:aws:s3:::example-trail", announced_by = "eventbridge" }
  }

  expect_failures = [
    var.alert_policy,
    var.log_groups,
    var.slack,
    var.trail,
  ]
}

run "bad_values_4" {
  command = plan

  variables {
    slack = { webhook_parameter = "https://hooks.slack.com/services/T0/B0/x" }
  }

  expect_failures = [
    var.slack,
  ]
}

# These look at other variables, which must be good.
run "bad_combinations" {
  command = plan

  variables {
    athena     = { results_bucket = "example-results" }
    log_groups = ["/aws/lambda/failure-monitor-monitor"]
  }

  expect_failures = [
    var.athena,
    var.log_groups,
  ]
}

run "package_that_is_not_there" {
  command = plan

  variables {
    lambda_zip_path = "no-such-package.zip"
  }

  expect_failures = [aws_lambda_function.handler]
}
