//! STS refused the identity token or SAML assertion that stands in for AWS keys.

use crate::cause::{Cause, Confidence, Evidence, Match, Situation};
use crate::failure::{self, Family};

pub(super) const CAUSE: Cause = Cause {
    id: "oidc-token-rejected",
    title: "STS refused the identity token",
    explanation: "The client has no AWS key. It holds a token of an identity provider (GitHub, GitLab, \
                  an EKS cluster, a SAML provider) and asks STS to exchange it for temporary \
                  credentials. STS could not accept the token: it has expired, its audience is not \
                  registered, its provider is not set up in the account, or the provider's keys \
                  cannot be fetched or trusted.",
    not: "It does not mean that an AWS access key is wrong: none is involved, so there is none to \
          rotate. A token that is good but does not fulfil the role's conditions, such as `sub`, \
          gives AccessDenied instead.",
    next_steps: &[
        "See which providers the account trusts: aws iam list-open-id-connect-providers; aws iam list-saml-providers",
        "See a provider's audiences and thumbprints: aws iam get-open-id-connect-provider --open-id-connect-provider-arn arn:aws:iam::{account}:oidc-provider/PROVIDER_HOST",
        "GitHub: give the job `permissions: { id-token: write, contents: read }`, and the provider token.actions.githubusercontent.com the audience sts.amazonaws.com",
        "GitLab: give `aud` under `id_tokens` an audience of the provider, and the provider the URL of the GitLab server",
        "See the token's own claims (iss, aud, sub, exp): cut -d. -f2 \"$AWS_WEB_IDENTITY_TOKEN_FILE\" | tr '_-' '/+' | base64 -d",
        "See whether the provider's keys can be read from the internet, as STS must: curl -fsS https://PROVIDER_HOST/.well-known/openid-configuration",
        "See what the role asks of the token: aws iam get-role --role-name ROLE --query Role.AssumeRolePolicyDocument",
    ],
    false_positives: &[
        "A job that retries with the token it got long ago, then asks for a new one",
    ],
    reference: "https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html",
    check,
};

/// Parts of messages (lower case), what they say, and what to do first.
const MESSAGES: [(&str, &str, &str); 6] = [
    (
        "no openidconnect provider found",
        "The account has no identity provider for the token's issuer",
        "Add the provider in this account: aws iam create-open-id-connect-provider --url https://PROVIDER_HOST --client-id-list sts.amazonaws.com",
    ),
    (
        "incorrect token audience",
        "The token's audience is not one that the provider accepts",
        "Ask for the token with a registered audience, or register the token's: aws iam add-client-id-to-open-id-connect-provider --client-id AUDIENCE --open-id-connect-provider-arn ARN",
    ),
    (
        "thumbprint",
        "The certificate of the provider does not have the thumbprint that the account trusts",
        "Renew the thumbprint: aws iam update-open-id-connect-provider-thumbprint --thumbprint-list THUMBPRINT --open-id-connect-provider-arn ARN",
    ),
    (
        "retrieve verification key",
        "STS could not fetch the keys of the provider",
        "Let the internet reach the provider's /.well-known/openid-configuration and its jwks_uri, and have it answer within 5 seconds",
    ),
    (
        "missing a required claim",
        "The token lacks a claim that STS demands",
        "Use an ID token made for AWS (GitLab: id_tokens, not CI_JOB_JWT) with iss, sub, aud, exp and iat",
    ),
    (
        "expired",
        "The token had expired before STS saw it",
        "Ask for the token right before AssumeRoleWithWebIdentity, not at the start of a long job",
    ),
];

fn check(situation: &Situation<'_>) -> Option<Match> {
    let group = situation.group;
    let refusals = group.families.get(&Family::IdentityToken)?;
    let of_tokens = |code: &&str| {
        matches!(failure::family(code), Some(Family::IdentityToken | Family::ExpiredToken))
    };
    let codes: Vec<&str> = group.codes.keys().map(String::as_str).filter(of_tokens).collect();
    let mut evidence = vec![Evidence::new(
        format!(
            "STS refused an identity token with {} (calls: {})",
            codes.join(", "),
            refusals.count
        ),
        refusals.event_ids(),
    )];
    let mut next_steps = Vec::new();
    // The messages of other refusals, where there are any, would be read as this one's.
    let messages = MESSAGES.iter().filter(|_| group.families.len() == 1);
    for (part, fact, step) in messages {
        let says_so = |(message, _): &(&String, _)| message.to_ascii_lowercase().contains(*part);
        if let Some((_, tally)) = group.messages.iter().find(says_so) {
            evidence.push(Evidence::new(*fact, tally.event_ids()));
            next_steps.push((*step).to_owned());
        }
    }
    Some(Match { confidence: Confidence::High, evidence, next_steps })
}
