variable "forward" {
  description = "What the root configuration says of itself: local.forward."
  type = object({
    name     = string
    patterns = map(object({ description = string, pattern = string }))
    bus_arn  = string
    role_arn = string
  })
}
