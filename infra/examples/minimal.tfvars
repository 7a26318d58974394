# Alerts by e-mail; everything else as it is by default.
alert_emails = ["me@example.com"]
