variable "alert_emails" {
  description = "Addresses that get the alerts. Each gets a message from AWS first, and must confirm."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.alert_emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", address))])
    error_message = "alert_emails: each entry must be one e-mail address, such as me@example.com."
  }
}

variable "alert_policy" {
  description = "When an alert is sent: `threshold` recorded or reported failures within `window`; again for a new cause or source after `min_interval`; then after `follow_up_first`, doubled up to `follow_up_max`. One source that tries `probing_keys` keys is one incident. More than `digest_over` alerts at once become one digest. `unmask` shows whole access key IDs. `group_by_event_source` groups by the service called, too."
  type = object({
    threshold             = optional(number, 3)
    window                = optional(string, "15m")
    probing_keys          = optional(number, 5)
    min_interval          = optional(string, "15m")
    follow_up_first       = optional(string, "1h")
    follow_up_max         = optional(string, "24h")
    digest_over           = optional(number, 20)
    unmask                = optional(bool, false)
    group_by_event_source = optional(bool, false)
  })
  default  = {}
  nullable = false

  # The same limits as in the program.
  validation {
    condition = alltrue([
      for range in [[1, var.alert_policy.threshold, 100], [2, var.alert_policy.probing_keys, 50], [1, var.alert_policy.digest_over, 100]] :
      range[0] <= range[1] && range[1] <= range[2] && floor(range[1]) == range[1]
    ])
    error_message = "alert_policy: threshold and digest_over must be whole numbers from 1 to 100, probing_keys one from 2 to 50."
  }

  validation {
    condition = alltrue([
      for time in [var.alert_policy.window, var.alert_policy.min_interval, var.alert_policy.follow_up_first, var.alert_policy.follow_up_max] :
      can(regex("^[1-9][0-9]*[smhd]$", time))
    ])
    error_message = "alert_policy: window, min_interval, follow_up_first and follow_up_max must be times such as 90s, 15m, 1h or 2d."
  }

  validation {
    condition = try(
      tonumber(trim(var.alert_policy.follow_up_first, "smhd")) * { s = 1, m = 60, h = 3600, d = 86400 }[substr(var.alert_policy.follow_up_first, -1, 1)]
      <= tonumber(trim(var.alert_policy.follow_up_max, "smhd")) * { s = 1, m = 60, h = 3600, d = 86400 }[substr(var.alert_policy.follow_up_max, -1, 1)],
      true,
    )
    error_message = "alert_policy: follow_up_first must not be longer than follow_up_max."
  }
}

variable "athena" {
  description = "Makes an Athena table over the log files of `trail`, and the queries for them. `results_bucket` is an existing bucket for the results; `accounts` and `regions` are what the table is divided by (default: this account, and the regions of the sweep)."
  type = object({
    results_bucket = string
    accounts       = optional(set(string))
    regions        = optional(set(string))
  })
  default = null

  validation {
    condition     = var.athena == null || var.trail != null
    error_message = "athena: set trail too; the table is made over its log files."
  }

  validation {
    condition     = alltrue([for account in try(coalesce(var.athena.accounts, []), []) : can(regex("^[0-9]{12}$", account))])
    error_message = "athena: accounts must be account numbers of 12 digits."
  }
}

variable "deletion_protection" {
  description = "Refuses to delete the table with the state. Set it to false again before you remove all."
  type        = bool
  default     = false
}

variable "digest_schedule" {
  description = "When a summary of the time since the last one is sent, in UTC: `daily`, `weekly` (Mondays), both at 07:00, or null for never."
  type        = string
  default     = null

  validation {
    condition     = var.digest_schedule == null ? true : contains(["daily", "weekly"], var.digest_schedule)
    error_message = "digest_schedule must be daily, weekly or null."
  }
}

variable "encryption" {
  description = "`create` makes a KMS key of its own (1 USD a month, and requests) for the topic, queues, table, logs and settings; the ARN of a key uses that one, whose policy must then let AWS services use it (README.md); `off` uses no KMS key: then AWS encrypts the queues, table and logs with keys of its own, and the topic not at all."
  type        = string
  default     = "create"

  validation {
    condition     = contains(["create", "off"], var.encryption) || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[a-zA-Z0-9-]+$", var.encryption))
    error_message = "encryption must be create, off, or the ARN of a KMS key (not of an alias)."
  }
}

variable "function" {
  description = "How the functions run: `architecture` (x86_64 or arm64), `memory_mb` and `reserved_concurrency` of the monitor function (-1: none reserved), X-Ray `tracing`, and the `log` filter (error, warn, info, debug)."
  type = object({
    architecture         = optional(string, "x86_64")
    memory_mb            = optional(number, 512)
    reserved_concurrency = optional(number, -1)
    tracing              = optional(bool, false)
    log                  = optional(string, "info")
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["x86_64", "arm64"], var.function.architecture)
    error_message = "function: architecture must be x86_64 or arm64."
  }

  validation {
    condition     = var.function.memory_mb >= 256 && var.function.memory_mb <= 10240 && floor(var.function.memory_mb) == var.function.memory_mb
    error_message = "function: memory_mb must be a whole number from 256 to 10240."
  }

  validation {
    condition     = var.function.reserved_concurrency == -1 || var.function.reserved_concurrency >= 3
    error_message = "function: reserved_concurrency must be -1 (none) or at least 3, so that a sweep does not keep records from being read."
  }
}

variable "ignore" {
  description = "Failures that are counted but cause no alert. A rule matches where all that it states matches: access_key_id, source (an address, a CIDR or a name), principal (ARN), event_source (such as sts.amazonaws.com). `reason` says why, for the reader."
  type = list(object({
    access_key_id = optional(string)
    source        = optional(string)
    principal     = optional(string)
    event_source  = optional(string)
    reason        = string
  }))
  default  = []
  nullable = false

  validation {
    condition     = alltrue([for rule in var.ignore : length(compact([rule.access_key_id, rule.source, rule.principal, rule.event_source])) > 0])
    error_message = "ignore: each rule must state at least one of access_key_id, source, principal and event_source; a rule without any would ignore everything."
  }
}

variable "lambda_zip_path" {
  description = "A package that is built already. Null: it is built from this checkout while applying."
  type        = string
  default     = null
}

variable "log_groups" {
  description = "Names of CloudWatch log groups, in this region, that hold the logs of AWS clients (CI jobs, Terraform runs). Refusals in them are reported."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for group in var.log_groups : !startswith(group, "/aws/lambda/${var.name}-")])
    error_message = "log_groups: the monitor's own log groups must not be among them; each of its log lines would start it again."
  }

  validation {
    condition     = alltrue([for group in var.log_groups : can(regex("^[A-Za-z0-9_/.#-]{1,512}$", group))])
    error_message = "log_groups: each entry must be the name of a log group, not an ARN."
  }
}

variable "member_role" {
  description = "Name of a role in the other accounts of the organisation, which the monitor assumes to read the key's last use and its owner's keys there. Null: it does not, and alerts say so."
  type        = string
  default     = null

  validation {
    condition     = var.member_role == null || can(regex("^[A-Za-z0-9+=,.@_-][A-Za-z0-9+=,.@_/-]{0,511}$", var.member_role))
    error_message = "member_role must be the name of a role, with its path if it has one, not an ARN."
  }
}

variable "name" {
  description = "Begins the name of everything that is made. Two deployments of different names live side by side."
  type        = string
  default     = "failure-monitor"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,30}[a-z0-9]$", var.name))
    error_message = "name must be 2 to 32 characters: a lower-case letter, then lower-case letters, digits and hyphens, no hyphen at the end."
  }
}

variable "no_data_hours" {
  description = "After how many hours in which no record at all was seen an alarm goes off, 1 to 24."
  type        = number
  default     = 6

  validation {
    condition     = var.no_data_hours >= 1 && var.no_data_hours <= 24 && floor(var.no_data_hours) == var.no_data_hours
    error_message = "no_data_hours must be a whole number from 1 to 24."
  }
}

variable "permissions_boundary_arn" {
  description = "A policy that every role gets as its permissions boundary."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn must be the ARN of an IAM policy."
  }
}

variable "region" {
  description = "The region to deploy to. Null: that of the environment (AWS_REGION, or the profile)."
  type        = string
  default     = null

  validation {
    condition     = var.region == null || can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be the code of a region, such as eu-central-1."
  }
}

variable "retention" {
  description = "Days to keep: `logs` of the functions, `findings` (groups and hourly counts), `markers` (which records were counted; at least as long as trail files may come late or again)."
  type = object({
    logs     = optional(number, 365)
    findings = optional(number, 90)
    markers  = optional(number, 14)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.retention.logs)
    error_message = "retention: logs must be a number of days that CloudWatch Logs offers, such as 14, 30, 90, 365 or 731."
  }

  validation {
    condition     = alltrue([for days in [var.retention.findings, var.retention.markers] : days >= 1 && floor(days) == days])
    error_message = "retention: findings and markers must be whole numbers of days from 1."
  }
}

variable "slack" {
  description = "Slack, one of two ways: `workspace_id` and `channel_id` for Amazon Q Developer in chat applications, or `webhook_parameter`, the name of an existing SSM SecureString that holds an incoming-webhook URL (and `webhook_kms_key_arn` if it is encrypted with a key of yours)."
  type = object({
    workspace_id        = optional(string)
    channel_id          = optional(string)
    webhook_parameter   = optional(string)
    webhook_kms_key_arn = optional(string)
  })
  default = null

  validation {
    condition     = var.slack == null ? true : (var.slack.webhook_parameter != null) != (var.slack.workspace_id != null || var.slack.channel_id != null)
    error_message = "slack: give either webhook_parameter, or workspace_id and channel_id, not both ways at once."
  }

  validation {
    condition     = try(var.slack.workspace_id == null && var.slack.channel_id == null, true) ? true : can(regex("^T[A-Z0-9]+$", var.slack.workspace_id)) && can(regex("^[CG][A-Z0-9]+$", var.slack.channel_id))
    error_message = "slack: workspace_id must look like T012ABCDEF, and channel_id like C012ABCDEF."
  }

  validation {
    condition     = try(var.slack.webhook_parameter, null) == null ? true : can(regex("^(/[A-Za-z0-9_.-]+)+$|^[A-Za-z0-9_.-]+$", var.slack.webhook_parameter))
    error_message = "slack: webhook_parameter must be the name of an SSM parameter, such as /failure-monitor/slack-webhook. Never put the URL itself here: it is a secret, and Terraform would keep it in its state."
  }
}

variable "sweep" {
  description = "Reading CloudTrail's event history with LookupEvents: every `interval_minutes`, in `regions` (default: this one and the one of IAM's records). `look_back`: how long before a key is turned off a use counts as depending on it. `initial_look_back`: how far back the first sweep reads. `late`: the newest part that each sweep reads again, as records come late."
  type = object({
    interval_minutes  = optional(number, 5)
    regions           = optional(set(string), [])
    look_back         = optional(string, "24h")
    initial_look_back = optional(string, "24h")
    late              = optional(string, "15m")
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.sweep.interval_minutes >= 5 && var.sweep.interval_minutes <= 60 && floor(var.sweep.interval_minutes) == var.sweep.interval_minutes
    error_message = "sweep: interval_minutes must be a whole number from 5 to 60."
  }

  validation {
    condition     = alltrue([for region in var.sweep.regions : can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", region))])
    error_message = "sweep: regions must be codes of regions, such as eu-central-1."
  }

  validation {
    condition     = alltrue([for time in [var.sweep.look_back, var.sweep.initial_look_back, var.sweep.late] : can(regex("^[1-9][0-9]*[smhd]$", time))])
    error_message = "sweep: look_back, initial_look_back and late must be times such as 90s, 15m, 24h or 7d."
  }
}

variable "tags" {
  description = "More tags for everything that is made."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "trail" {
  description = "An existing trail's log files, of this account or of an organisation: `bucket`, `prefix`, `kms_key_arn` if they are encrypted, and how new files are announced. `announced_by`: `topic` (`topic_arn`: the trail's or the bucket's SNS topic), `eventbridge` (the bucket sends to EventBridge), or `notification` (made here: replaces all notifications that the bucket has)."
  type = object({
    bucket       = string
    prefix       = optional(string, "AWSLogs/")
    kms_key_arn  = optional(string)
    announced_by = string
    topic_arn    = optional(string)
  })
  default = null

  validation {
    condition     = var.trail == null ? true : contains(["topic", "eventbridge", "notification"], var.trail.announced_by)
    error_message = "trail: announced_by must be topic, eventbridge or notification. The last replaces all notifications that the bucket has."
  }

  validation {
    condition     = var.trail == null ? true : (var.trail.announced_by == "topic") == (var.trail.topic_arn != null)
    error_message = "trail: topic_arn belongs to announced_by = \"topic\", and only to it."
  }

  validation {
    condition     = try(var.trail.bucket, null) == null ? true : can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.trail.bucket))
    error_message = "trail: bucket must be the name of a bucket, not an ARN or a URL."
  }
}
