provider "aws" {
  region = var.region

  default_tags {
    tags = local.tags
  }
}

# Records of IAM calls, key changes among them, arrive in one region of the partition only.
provider "aws" {
  alias  = "iam_region"
  region = local.iam_region

  default_tags {
    tags = local.tags
  }
}
