//! AWS knows the access key ID, but the signature was not made with its secret or not of this
//! request.

use crate::cause::{Cause, Confidence, Evidence, Match, Situation};
use crate::failure::{self, Family};
use crate::tally::Tally;

pub(super) const CAUSE: Cause = Cause {
    id: "signature-mismatch",
    title: "The key ID is known, but the signature is wrong",
    explanation: "AWS found the access key ID, computed the signature with the secret it keeps for \
                  it, and got another one. Either the client holds a different secret (that of \
                  another key, cut off, with a quotation mark or a trailing newline), or the request \
                  was changed between signing and AWS, as by a proxy that rewrites headers or paths.",
    not: "It does not mean that the key is unknown, deactivated or deleted: that gives another error. \
          And `+` and `/` in a secret are legal and harmless; they do damage only where a shell, an \
          .env file or a URL rewrites them (`+` becomes a space, `/` becomes %2F). A new secret \
          without them only hides the faulty quoting.",
    next_steps: &[
        "See which credentials the client takes, and whether ID and secret come from the same place: aws configure list",
        "Count the characters of the secret, 40 in a good one: printf %s \"$AWS_SECRET_ACCESS_KEY\" | wc -c",
        "Show a hidden newline, carriage return or quotation mark at its end: printf %s \"$AWS_SECRET_ACCESS_KEY\" | tail -c 2 | od -c",
        "Put the secret in single quotes in shells and .env files, and percent-encode it in URLs",
        "Store it in CI without a final newline, which echo would add: printf %s \"$AWS_SECRET_ACCESS_KEY\" | gh secret set AWS_SECRET_ACCESS_KEY",
        "Try the same credentials without the proxy: env -u HTTPS_PROXY -u https_proxy aws sts get-caller-identity",
        "A lost secret cannot be read again, so make a new key: aws iam create-access-key --user-name {user}",
        "Then turn the old one off: aws iam update-access-key --user-name {user} --access-key-id {access_key_id} --status Inactive",
    ],
    false_positives: &[
        "Two calls of GetCallerIdentity within 5 seconds with one key ID and different secrets: the second is refused even if it is right",
        "A request that an SDK signs wrongly: a header that a proxy adds, a path with unusual characters, an old SDK with Signature Version 2",
    ],
    reference: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html",
    check,
};

fn check(situation: &Situation<'_>) -> Option<Match> {
    let group = situation.group;
    let refusals = group.families.get(&Family::Signature)?;
    let codes = group.codes.keys().filter(|code| failure::family(code) == Some(Family::Signature));
    let codes: Vec<&str> = codes.map(String::as_str).collect();
    let mut evidence = vec![Evidence::new(
        format!(
            "AWS recognised the access key ID and refused the signature with {} (calls: {})",
            codes.join(", "),
            refusals.count,
        ),
        refusals.event_ids(),
    )];
    let (mut here, mut elsewhere) = (Tally::default(), Tally::default());
    for used in &situation.key.uses {
        let from_here = used.caller.source == group.key.source;
        if from_here { &mut here } else { &mut elsewhere }.merge(&used.tally);
    }
    let mut next_steps = Vec::new();
    if elsewhere.count > 0 {
        evidence.push(Evidence::new(
            format!("The same key ID signs well from other sources (calls: {})", elsewhere.count),
            elsewhere.event_ids(),
        ));
    }
    if here.count > 0 {
        evidence.push(Evidence::new(
            format!("The same key ID signs well from this source, too (calls: {})", here.count),
            here.event_ids(),
        ));
        next_steps.push(
            "The right secret is on this source, too: compare the two clients, their profiles and \
             proxies, before you replace it"
                .to_owned(),
        );
    }
    Some(Match { confidence: Confidence::High, evidence, next_steps })
}
