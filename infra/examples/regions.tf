# To copy beside the other files: one block for each more region whose records shall arrive within
# seconds. The sweep needs only the list, with every region that is used:
#
#   sweep = { regions = ["eu-central-1", "us-east-1", "eu-west-1"] }

provider "aws" {
  alias  = "eu_west_1"
  region = "eu-west-1"
}

module "eu_west_1" {
  source = "./modules/region"

  providers = {
    aws = aws.eu_west_1
  }

  forward = local.forward
}
