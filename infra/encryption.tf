locals {
  use_key = var.encryption != "off"
  key_arn = {
    create = one(aws_kms_key.this[*].arn)
    off    = null
    given  = var.encryption
  }[contains(["create", "off"], var.encryption) ? var.encryption : "given"]
}

resource "aws_kms_key" "this" {
  count = var.encryption == "create" ? 1 : 0

  description             = "${var.name}: alerts, queues, state, logs and settings"
  enable_key_rotation     = true
  deletion_window_in_days = 7
  policy                  = data.aws_iam_policy_document.key.json
}

resource "aws_kms_alias" "this" {
  count = var.encryption == "create" ? 1 : 0

  name          = "alias/${var.name}"
  target_key_id = aws_kms_key.this[0].key_id
}

locals {
  # Accounts whose topics may send to the intake.
  topic_accounts = distinct(compact([local.account, try(split(":", var.trail.topic_arn)[4], "")]))
}

data "aws_iam_policy_document" "key" {
  # checkov:skip=CKV_AWS_109: in a key's policy, Resource "*" is that key
  # checkov:skip=CKV_AWS_111: in a key's policy, Resource "*" is that key
  # checkov:skip=CKV_AWS_356: in a key's policy, Resource "*" is that key

  # Without it nobody could administer the key; IAM policies of the account decide who may.
  statement {
    sid       = "Account"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${local.partition}:iam::${local.account}:root"]
    }
  }

  # Alarms publish to the topic, rules and the topic send to the queues.
  statement {
    sid       = "Services"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey*"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com", "events.amazonaws.com", "sns.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = local.topic_accounts
    }
  }

  statement {
    sid       = "Logs"
    actions   = ["kms:Decrypt*", "kms:Describe*", "kms:Encrypt*", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["logs.${local.region}.amazonaws.com"]
    }

    condition {
      test     = "ArnLike"
      variable = "kms:EncryptionContext:aws:logs:arn"
      values   = ["${local.arn_prefix.logs}:log-group:/aws/lambda/${var.name}-*"]
    }
  }

  dynamic "statement" {
    for_each = local.trail_by.notification ? [var.trail.bucket] : []

    content {
      sid       = "TrailBucket"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey*"]
      resources = ["*"]

      principals {
        type        = "Service"
        identifiers = ["s3.amazonaws.com"]
      }

      condition {
        test     = "ArnEquals"
        variable = "aws:SourceArn"
        values   = ["arn:${local.partition}:s3:::${statement.value}"]
      }
    }
  }
}
