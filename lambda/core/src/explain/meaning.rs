//! What an answer of AWS means, and what people wrongly take it for.
//!
//! Knows codes and families. Must not know causes: those need evidence, this is true of every
//! answer with that code.

use crate::failure::Family;

/// What a code says, for a person who has not met it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    /// The family that it is of.
    pub family: Family,
    /// The codes, most usual first.
    pub codes: &'static [&'static str],
    /// What it means.
    pub means: &'static str,
    /// The wrong conclusion that people draw.
    pub not: &'static str,
    /// The page that says so.
    pub reference: &'static str,
}

/// What is true where a client had no credentials.
pub const NOT_SENT: Meaning = Meaning {
    family: Family::MissingAuthentication,
    codes: &[],
    means: "The client found no credentials at all, so it sent no request and AWS refused nothing.",
    not: "It does not mean that a key is invalid: no key was tried. CloudTrail and the administrator \
          of the account can know nothing of it.",
    reference: "https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html",
};

const COMMON: &str = "https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html";
const S3: &str = "https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html";

/// Every meaning, the most usual first; the first of a family fits its other codes and wordings.
pub const ALL: &[Meaning] = &[
    Meaning {
        family: Family::UnknownCredentials,
        codes: &["InvalidClientTokenId", "UnrecognizedClientException"],
        means: "AWS does not recognise the access key ID together with the session token that came \
                with it. The ID is inactive, deleted, too new, of another partition or unknown in \
                this Region; or it is a temporary one, and its session token is missing or wrong.",
        not: "It does not mean that a permission is missing, that the clock is off, or that the \
              secret is wrong or has special characters in it: AWS looks at none of these before it \
              knows the key.",
        reference: COMMON,
    },
    Meaning {
        family: Family::UnknownCredentials,
        codes: &["InvalidToken"],
        means: "S3 got a session token that is malformed, or that is not valid in this Region or \
                partition.",
        not: "It does not mean that the bucket or its policy is wrong: S3 did not get that far.",
        reference: S3,
    },
    Meaning {
        family: Family::UnknownCredentials,
        codes: &["InvalidAccessKeyId"],
        means: "S3 does not know the access key ID: it is inactive, deleted, mistyped, of another \
                partition, or a temporary one whose session token was not sent.",
        not: "It does not mean that the bucket policy forbids anything, or that the secret is wrong: \
              that would be AccessDenied or SignatureDoesNotMatch.",
        reference: S3,
    },
    Meaning {
        family: Family::UnknownCredentials,
        codes: &["AuthFailure", "Client.AuthFailure"],
        means: "EC2 could not validate the credentials. It has one code where other services have \
                several: an unknown key, a wrong secret, a wrong clock and a Region that is not \
                enabled all look like this.",
        not: "It does not mean that a policy forbids the call: that would be UnauthorizedOperation.",
        reference: "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html",
    },
    Meaning {
        family: Family::ExpiredToken,
        codes: &["ExpiredToken", "ExpiredTokenException"],
        means: "AWS knows the session, and its time is over.",
        not: "It does not mean that the long-term key, the user or the role is gone: a new session \
              will work.",
        reference: COMMON,
    },
    Meaning {
        family: Family::Signature,
        codes: &["SignatureDoesNotMatch", "InvalidSignatureException"],
        means: "AWS knows the access key ID, and the secret that the client signed with is not the \
                one that belongs to it, or something changed the request after it was signed.",
        not: "It does not mean that the key is unknown, inactive or deleted, and `+` and `/` are \
              legal in a secret: they do harm only where a shell, a URL or a file format rewrites \
              them.",
        reference: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html",
    },
    Meaning {
        family: Family::Clock,
        codes: &[
            "RequestTimeTooSkewed",
            "RequestExpired",
            "RequestInTheFuture",
            "SignatureDoesNotMatch",
        ],
        means: "The time at which the request was signed is too far from the time at AWS.",
        not: "It does not mean that the key or the secret is wrong, whatever the code is; the time \
              zone does not matter.",
        reference: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html",
    },
    Meaning {
        family: Family::MalformedAuthorization,
        codes: &["IncompleteSignature", "IncompleteSignatureException"],
        means: "AWS could not read the Authorization header. An empty access key ID, or one with a \
                blank or line break in it, does that.",
        not: "It does not mean that the key was looked up: AWS could not even tell which one it is.",
        reference: COMMON,
    },
    Meaning {
        family: Family::MissingAuthentication,
        codes: &["MissingAuthenticationToken", "MissingAuthenticationTokenException"],
        means: "The request came without any signature: the client had no credentials, or something \
                on the way took the header off. API Gateway says the same of a path that does not \
                exist.",
        not: "It does not mean that a session token is missing: the word token stands for the \
              signature here.",
        reference: COMMON,
    },
    Meaning {
        family: Family::RegionDisabled,
        codes: &["RegionDisabledException"],
        means: "STS is switched off in this Region for the account.",
        not: "It does not mean that the credentials are wrong: they work in other Regions.",
        reference: "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_enable-regions.html",
    },
    Meaning {
        family: Family::IdentityToken,
        codes: &[
            "InvalidIdentityToken",
            "IDPRejectedClaim",
            "IDPCommunicationError",
            "ExpiredTokenException",
        ],
        means: "STS refused the identity token of an OIDC or SAML provider. No AWS key is involved \
                yet.",
        not: "It does not mean that an access key or a secret is wrong, and the role's permissions \
              have no part in it.",
        reference: "https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html",
    },
];

/// The meaning of a code of a family.
pub fn of(family: Family, code: &str) -> &'static Meaning {
    let mut of_family = ALL.iter().filter(|meaning| meaning.family == family);
    let exact = of_family.clone().find(|meaning| meaning.codes.contains(&code));
    exact.or_else(|| of_family.next()).unwrap_or(&NOT_SENT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::CODES;

    #[test]
    fn every_code_has_a_meaning_of_its_family() {
        for (code, family) in CODES {
            let meaning = of(family, code);
            assert_eq!(meaning.family, family, "{code}");
            assert!(meaning.codes.contains(&code), "{code}");
        }
        assert_eq!(
            of(Family::UnknownCredentials, "unknown-credentials").codes[0],
            "InvalidClientTokenId"
        );
    }

    #[test]
    fn the_texts_are_sentences() {
        for meaning in ALL.iter().chain([&NOT_SENT]) {
            assert!(meaning.not.starts_with("It does not mean that "), "{}", meaning.not);
            assert!(meaning.means.ends_with('.') && meaning.not.ends_with('.'));
            assert!(!meaning.means.contains("  ") && !meaning.not.contains("  "));
            assert!(meaning.reference.starts_with("https://"));
        }
    }
}
