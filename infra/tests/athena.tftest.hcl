# The Athena table and its queries, planned with the real provider, without credentials or network.

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
  trail = {
    bucket       = "example-trail"
    prefix       = "logs/AWSLogs/o-abcdefghij/"
    announced_by = "eventbridge"
  }
}

run "listed_accounts" {
  command = plan

  variables {
    athena = {
      results_bucket = "example-results"
      accounts       = ["444455556666", "111122223333"]
      regions        = ["eu-central-1", "eu-west-1"]
    }
  }

  assert {
    condition     = aws_glue_catalog_table.trail[0].parameters["projection.account.type"] == "enum" && aws_glue_catalog_table.trail[0].parameters["projection.account.values"] == "111122223333,444455556666"
    error_message = "a few accounts are listed"
  }

  assert {
    condition     = aws_glue_catalog_table.trail[0].parameters["projection.region.values"] == "eu-central-1,eu-west-1,us-east-1"
    error_message = "the region of IAM's records is always read: key changes are there only"
  }

  assert {
    condition     = aws_glue_catalog_table.trail[0].parameters["storage.location.template"] == "s3://example-trail/logs/AWSLogs/o-abcdefghij/$${account}/CloudTrail/$${region}/$${day}"
    error_message = "the partitions are the trail's folders"
  }

  assert {
    condition     = length(aws_glue_catalog_table.trail[0].storage_descriptor[0].columns) == length(jsondecode(file("queries/columns.json")))
    error_message = "the columns are those that the program prints"
  }

  assert {
    condition     = length(aws_athena_named_query.trail) == 3 && alltrue([for query in aws_athena_named_query.trail : strcontains(query.query, "FROM \"failure_monitor\".\"trail\"") && !strcontains(query.query, "?")])
    error_message = "each query reads this table and asks for nothing"
  }

  assert {
    condition     = aws_athena_workgroup.trail[0].configuration[0].result_configuration[0].output_location == "s3://example-results/failure-monitor/"
    error_message = "results go where they were asked to go"
  }
}

run "accounts_asked_for" {
  command = plan

  variables {
    athena = {
      results_bucket = "example-results"
      accounts       = []
    }
  }

  assert {
    condition     = aws_glue_catalog_table.trail[0].parameters["projection.account.type"] == "injected" && !contains(keys(aws_glue_catalog_table.trail[0].parameters), "projection.account.values")
    error_message = "without a list the account comes from the query"
  }

  assert {
    condition     = alltrue([for query in aws_athena_named_query.trail : length(split("    AND account = ?\n", query.query)) == 2])
    error_message = "each query asks for the account, once"
  }
}

run "this_account_and_the_regions_of_the_sweep" {
  command = plan

  variables {
    athena = { results_bucket = "example-results" }
    sweep  = { regions = ["eu-west-3"] }
  }

  assert {
    condition     = aws_glue_catalog_table.trail[0].parameters["projection.account.values"] == "111122223333" && aws_glue_catalog_table.trail[0].parameters["projection.region.values"] == "eu-central-1,eu-west-3,us-east-1"
    error_message = "the defaults are what the rest of the configuration looks at"
  }
}

run "nothing_unless_asked" {
  command = plan

  assert {
    condition     = length(aws_glue_catalog_table.trail) == 0 && length(aws_athena_named_query.trail) == 0 && length(aws_athena_workgroup.trail) == 0
    error_message = "no Athena without the variable"
  }
}
