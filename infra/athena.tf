# A table over the trail's log files, and the queries for it. Columns and SQL come from the program
# (`failure-monitor athena`); tests/infra/athena.py writes them into athena.json, and a test holds
# them equal.

locals {
  athena        = var.athena == null ? null : jsondecode(file("${path.module}/athena.json"))
  database      = replace(var.name, "-", "_")
  trail_address = try("s3://${var.trail.bucket}/${var.trail.prefix}", null)
}

resource "aws_glue_catalog_database" "trail" {
  count = var.athena == null ? 0 : 1

  name        = local.database
  description = "Log files of the trail in ${var.trail.bucket}"
}

resource "aws_glue_catalog_table" "records" {
  count = var.athena == null ? 0 : 1

  name          = "records"
  description   = "One row a record; partitions are projected from the path, so nothing has to be loaded"
  database_name = aws_glue_catalog_database.trail[0].name
  table_type    = "EXTERNAL_TABLE"

  parameters = {
    "EXTERNAL"                  = "TRUE"
    "projection.enabled"        = "true"
    "projection.account.type"   = "enum"
    "projection.account.values" = join(",", sort(coalesce(var.athena.accounts, [local.account])))
    "projection.region.type"    = "enum"
    # Key changes are recorded in IAM's region only.
    "projection.region.values"     = join(",", sort(setunion([local.iam_region], coalesce(var.athena.regions, local.sweep_regions))))
    "projection.day.type"          = "date"
    "projection.day.range"         = "NOW-3YEARS,NOW"
    "projection.day.format"        = "yyyy/MM/dd"
    "projection.day.interval"      = "1"
    "projection.day.interval.unit" = "DAYS"
    "storage.location.template"    = "${local.trail_address}$${account}/CloudTrail/$${region}/$${day}"
  }

  dynamic "partition_keys" {
    for_each = local.athena.partitions

    content {
      name = partition_keys.value.name
      type = partition_keys.value.type
    }
  }

  storage_descriptor {
    location      = local.trail_address
    input_format  = local.athena.input_format
    output_format = local.athena.output_format

    ser_de_info {
      serialization_library = local.athena.serde
    }

    dynamic "columns" {
      for_each = local.athena.columns

      content {
        name = columns.value.name
        type = columns.value.type
      }
    }
  }
}

resource "aws_athena_workgroup" "questions" {
  count = var.athena == null ? 0 : 1

  name          = var.name
  description   = "Questions about refused credentials"
  force_destroy = true

  configuration {
    enforce_workgroup_configuration = true

    result_configuration {
      output_location = "s3://${var.athena.results_bucket}/${var.name}/"

      encryption_configuration {
        encryption_option = local.use_key ? "SSE_KMS" : "SSE_S3"
        kms_key_arn       = local.key_arn
      }
    }
  }
}

resource "aws_athena_named_query" "question" {
  for_each = var.athena == null ? {} : local.athena.queries

  name        = "${var.name}-${each.key}"
  description = each.value.description
  workgroup   = aws_athena_workgroup.questions[0].name
  database    = aws_glue_catalog_database.trail[0].name
  query       = replace(each.value.sql, local.athena.placeholder, "\"${local.database}\".\"records\"")
}
