# The package is built while applying, by ./package, unless one is given.
#
# What the plan compares is a hash over the sources, which every machine can work out without
# building: so a runner with an empty target/ plans no change, and an edit is one change.

locals {
  repository = "${path.module}/.."
  build      = var.lambda_zip_path == null

  # With a package that is given, no sources are needed.
  sources = local.build ? setunion(
    fileset(local.repository, "lambda/{app,core,crc-fast}/src/**/*.{css,html,json,md,rs,sql}"),
    fileset(local.repository, "lambda/{app,core,crc-fast}/Cargo.toml"),
    ["Cargo.lock", "Cargo.toml", "infra/package", "lambda/app/build.rs"],
  ) : []
  source_hash = base64sha256(jsonencode(merge(
    { for source in local.sources : source => filesha256("${local.repository}/${source}") },
    { architecture = var.function.architecture },
  )))

  # Everything that this depends on must be in `triggers_replace` below, or the function looks for
  # a file that was never built.
  zip_path     = local.build ? "${local.repository}/target/lambda/${var.function.architecture}.zip" : var.lambda_zip_path
  package_hash = local.build ? local.source_hash : try(filebase64sha256(local.zip_path), "")
}

resource "terraform_data" "package" {
  count = local.build ? 1 : 0

  triggers_replace = local.source_hash

  provisioner "local-exec" {
    command     = "infra/package"
    working_dir = local.repository
    environment = {
      ARCHITECTURE = var.function.architecture
      OUT          = "target/lambda/${var.function.architecture}.zip"
    }
  }
}
