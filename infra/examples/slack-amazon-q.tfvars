# Alerts to Slack by Amazon Q Developer. Authorise the workspace once in the console, then copy both
# IDs from there and from the channel's link.
slack = {
  workspace_id = "T012ABCDEF"
  channel_id   = "C012ABCDEF"
}
