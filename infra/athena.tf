# A table over the trail's log files and the queries for it, for years of logs that no function
# reads: recorded failures, key changes and callers left behind, as `failure-monitor athena` prints
# them. The files in queries/ are that output; a test holds them equal.

locals {
  athena = var.athena == null ? [] : [merge(var.athena, {
    accounts = var.athena.accounts == null ? [local.account] : sort(var.athena.accounts)
    # Key changes are recorded in one region only.
    regions = sort(setunion(
      [local.iam_region],
      coalesce(var.athena.regions, setunion([local.region], var.sweep.regions)),
    ))
    # Where the accounts' folders lie.
    root = "s3://${var.trail.bucket}/${regex("^(?:.*/)?AWSLogs/(?:o-[a-z0-9]+/)?", var.trail.prefix)}"
  })]

  # A list in the table, as long as it is short: AWS advises a few dozen values. Without one, each
  # query asks for its account.
  athena_accounts_listed = try(length(local.athena[0].accounts) > 0 && length(local.athena[0].accounts) <= 50, false)
  athena_columns         = jsondecode(file("${path.module}/queries/columns.json"))

  athena_queries = {
    failures    = "Recorded failures: refused credentials by account, access key ID and source"
    key-changes = "Key changes: who created, turned off or deleted which access key"
    left-behind = "Callers left behind: who used an access key until it was turned off"
  }
  athena_sql = {
    for query, description in local.athena_queries :
    query => templatefile("${path.module}/queries/${query}.sql", {
      database = replace(var.name, "-", "_")
      table    = "trail"
    })
  }
}

resource "aws_glue_catalog_database" "trail" {
  count = length(local.athena)

  name        = replace(var.name, "-", "_")
  description = "CloudTrail log files, for the queries of ${var.name}"
  tags        = local.tags
}

resource "aws_glue_catalog_table" "trail" {
  count = length(local.athena)

  name          = "trail"
  database_name = aws_glue_catalog_database.trail[0].name
  description   = "One row for each record; partitions are projected from the path, no crawler runs"
  table_type    = "EXTERNAL_TABLE"

  parameters = merge(
    {
      EXTERNAL                       = "TRUE"
      classification                 = "cloudtrail"
      "projection.enabled"           = "true"
      "projection.account.type"      = local.athena_accounts_listed ? "enum" : "injected"
      "projection.region.type"       = "enum"
      "projection.region.values"     = join(",", local.athena[0].regions)
      "projection.day.type"          = "date"
      "projection.day.range"         = "NOW-3YEARS,NOW"
      "projection.day.format"        = "yyyy/MM/dd"
      "projection.day.interval"      = "1"
      "projection.day.interval.unit" = "DAYS"
      "storage.location.template"    = "${local.athena[0].root}$${account}/CloudTrail/$${region}/$${day}"
    },
    local.athena_accounts_listed ? { "projection.account.values" = join(",", local.athena[0].accounts) } : {},
  )

  dynamic "partition_keys" {
    for_each = ["account", "region", "day"]

    content {
      name = partition_keys.value
      type = "string"
    }
  }

  storage_descriptor {
    location      = local.athena[0].root
    input_format  = "com.amazon.emr.cloudtrail.CloudTrailInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"

    ser_de_info {
      serialization_library = "org.apache.hive.hcatalog.data.JsonSerDe"
    }

    dynamic "columns" {
      for_each = local.athena_columns

      content {
        name = columns.value.name
        type = columns.value.type
      }
    }
  }
}

resource "aws_athena_workgroup" "trail" {
  count = length(local.athena)

  name          = var.name
  description   = "Queries of ${var.name} over the trail's log files"
  force_destroy = true
  tags          = local.tags

  configuration {
    result_configuration {
      output_location = "s3://${local.athena[0].results_bucket}/${var.name}/"

      encryption_configuration {
        encryption_option = "SSE_S3"
      }
    }
  }
}

resource "aws_athena_named_query" "trail" {
  for_each = var.athena == null ? {} : local.athena_queries

  name        = "${var.name}-${each.key}"
  description = each.value
  workgroup   = aws_athena_workgroup.trail[0].id
  database    = aws_glue_catalog_database.trail[0].name

  query = local.athena_accounts_listed ? replace(local.athena_sql[each.key], "    AND account = ?\n", "") : local.athena_sql[each.key]
}
