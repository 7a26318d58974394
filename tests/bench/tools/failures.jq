# One line for each refused credential: account, access key ID, source, code.
def present: if . == "" then null else . end;
($codes | map({key: ., value: true}) | from_entries) as $table
| .Records[]
| (if .errorCode then . else (.responseElements | objects) // {} end) as $said
| ($said.errorCode // empty) as $code
| select($table[$code | ltrimstr("Client.")])
| (($said.errorMessage // "") | ascii_downcase) as $text
| select($text | contains("no account found for the given parameters") | not)
| select(($code | endswith("AuthFailure") | not) or ($text | contains("credentials")))
| [(.userIdentity.accountId | present) // .recipientAccountId,
   (.userIdentity.accessKeyId | present), .sourceIPAddress, $code]
