resource "aws_dynamodb_table" "state" {
  name         = var.name
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "pk"
  range_key    = "sk"

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "sk"
    type = "S"
  }

  ttl {
    enabled        = true
    attribute_name = "expires"
  }

  point_in_time_recovery {
    enabled = true
  }

  # Without this block AWS encrypts with a key of its own, which costs nothing.
  dynamic "server_side_encryption" {
    for_each = local.use_key ? [local.key_arn] : []
    content {
      enabled     = true
      kms_key_arn = server_side_encryption.value
    }
  }

  deletion_protection_enabled = var.deletion_protection
}
