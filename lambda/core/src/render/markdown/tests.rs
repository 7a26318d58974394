//! The Markdown of whole outcomes, and of hostile text.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;
use crate::render::fixture;

fn masked(outcome: &Outcome) -> String {
    render(outcome, &Options { unmask: false, now: fixture::now() })
}

#[test]
fn the_story() {
    assert_snapshot!(masked(&fixture::story()), @r"
    ## 3 callers need action, 1 resolved

    13,223 records in 14 files, 1 unreadable · findings from 2026-07-10 11:00 to 12:35 UTC

    > CloudTrail does not record most refused requests: there may be more than it shows.

    | # | Access key | Owner | Source | Client | Recorded | Reported | Predicted | Seen | Likely cause |
    | ---: | --- | --- | --- | --- | ---: | ---: | ---: | --- | --- |
    | 1 | AKIA\*\*\*\*MPLE | deploy-ci | 203.0.113.4 | Terraform 1.9.5 (provider 5.67.0) | 0 | 2 | 1 | 07-10 12:35<br>expected since 07-10 12:28 | The access key was deactivated (high) |
    | 2 | ASIA\*\*\*\*MPLE |  | 2001:db8:85a3::8a2e:370:7334 | AWS CLI 2.17.32 | 3 | 0 | 0 | 07-10 12:31–12:33 | Temporary key sent without its session token (medium) |
    | 3 | AKIA\*\*\*\*MPLE | deploy-ci | 198.51.100.7 | AWS CLI 2.17.32 | 0 | 0 | 1 | expected since 07-10 12:28 | The access key was deactivated (high) |
    | 4 | AKIA\*\*\*\*MPLE | report | 192.0.2.44 | AWS CLI 2.17.32 | 0 | 0 | 1 | expected since 07-10 11:00 | Resolved: seen working since 07-10 11:40 |

    ### 1. AKIA\*\*\*\*MPLE (deploy-ci) from 203.0.113.4 · needs action

    - **Reported:** A client's log shows 2 refusals.
    - **Predicted:** Expected to fail since 2026-07-10 12:28:24 UTC, when user/admin deactivated the key; 12 successful uses before that, 2026-07-10 12:02:07 to 12:24:07 UTC.
    - **When:** 2026-07-10 12:35:40 UTC
    - **Error:** InvalidClientTokenId
    - **Called:** sts.amazonaws.com: GetCallerIdentity
    - **Used:** sts.amazonaws.com
    - **Region:** us-east-1
    - **Stage:** provider
    - **Client:** Terraform 1.9.5 (provider 5.67.0)
    - **Principal:** arn:aws:iam::111122223333:user/deploy-ci

    #### Likely cause: The access key was deactivated (high confidence)

    - arn:aws:iam::111122223333:user/admin deactivated it at 2026-07-10 12:28:24 UTC
      <br>event 6a1f0f52-7f3c-4a59-9a39-0c1d2e3f4a5b
    - AKIA\*\*\*\*MPLE was in use until then
      <br>events use-1 and others

    What to do:

    1. See which keys the user has:

       ```sh
       aws iam list-access-keys --user-name deploy-ci
       ```

    2. If it was turned off by mistake, turn it on again:

       ```sh
       aws iam update-access-key --user-name deploy-ci --access-key-id AKIA****MPLE --status Active
       ```

    3. Otherwise give the callers a role in place of a key: nothing to rotate

    This does not mean that the secret is wrong or that permissions are missing. [Read more](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html)

    ### 2. ASIA\*\*\*\*MPLE from 2001:db8:85a3::8a2e:370:7334 · needs action

    - **Recorded:** CloudTrail recorded 3 refusals.
    - **When:** 2026-07-10 12:31:00 to 12:33:00 UTC
    - **Error:** InvalidClientTokenId
    - **Called:** sts.amazonaws.com: GetCallerIdentity
    - **Region:** us-east-1
    - **Client:** AWS CLI 2.17.32
    - **Principal:** arn:aws:iam::111122223333:user/build

    #### Likely cause: Temporary key sent without its session token (medium confidence)

    - The key is a temporary one and no call with it succeeded
      <br>event rec-1

    What to do:

    1. See whether the token is set beside the key:

       ```sh
       env | grep AWS_SESSION_TOKEN
       ```


    This does not mean that the secret is wrong or that permissions are missing. [Read more](https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html)

    ### 3. AKIA\*\*\*\*MPLE (deploy-ci) from 198.51.100.7 · needs action

    - **Predicted:** Not observed: expected to fail since 2026-07-10 12:28:24 UTC, when user/admin deactivated the key; 2 successful uses before that, 2026-07-10 12:10:00 to 12:20:00 UTC.
    - **Used:** sts.amazonaws.com
    - **Region:** us-east-1
    - **Client:** AWS CLI 2.17.32
    - **Principal:** arn:aws:iam::111122223333:user/deploy-ci

    #### Likely cause: The access key was deactivated (high confidence)

    - arn:aws:iam::111122223333:user/admin deactivated it at 2026-07-10 12:28:24 UTC
      <br>event 6a1f0f52-7f3c-4a59-9a39-0c1d2e3f4a5b
    - AKIA\*\*\*\*MPLE was in use until then
      <br>events use-1 and others

    What to do: as for 1.

    ### 4. AKIA\*\*\*\*MPLE (report) from 192.0.2.44 · resolved

    - **Resolved:** Seen working since 2026-07-10 11:40:00 UTC with another key, AKIA\*\*\*\*MPLE, in event rep-2.
    - **Predicted:** Not observed: expected to fail since 2026-07-10 11:00:00 UTC, when user/admin deleted the key; 1 successful use before that, 2026-07-10 10:00:00 UTC.
    - **Cause:** The access key was deactivated

    ### Key changes

    - **2026-07-10 11:00:00 UTC** AKIA\*\*\*\*MPLE (report) was deleted by arn:aws:iam::111122223333:user/admin from 198.51.100.20
      <br>event del-1
      - 1 source that used it before is working again.
    - **2026-07-10 12:28:24 UTC** AKIA\*\*\*\*MPLE (deploy-ci) was deactivated by arn:aws:iam::111122223333:user/admin from 198.51.100.20
      <br>event 6a1f0f52-7f3c-4a59-9a39-0c1d2e3f4a5b
      - 2 sources that used it before are left behind.
      - A session of the key outlives it: ASIA\*\*\*\*MPLE, minted by GetSessionToken: still live until 2026-07-10 18:30:00 UTC (5 h 30 min more); used by 198.51.100.7 (AWS CLI 2.17.32), expected to fail from then on.
      - cloudformation.amazonaws.com used it once on behalf of user/deploy-ci: not a place where a copy of the key is kept.

    ### Warnings

    - logs/broken.json.gz: the gzip data ends early; 311 records before that are counted

    13,223 records seen = 3 failures + 2 key changes + 13,217 other + 1 skipped.

    Access key IDs are masked; run again with `--unmask` for commands that can be pasted.
    ");
}

#[test]
fn no_data_never_reads_as_no_failures() {
    assert_snapshot!(masked(&fixture::empty()), @"
    ## No failures in what was read

    1 record

    > CloudTrail does not record most refused requests, so there may have been failures.

    1 record seen = 0 failures + 0 key changes + 1 other + 0 skipped.
    ");
    assert_snapshot!(masked(&fixture::nothing_read()), @"
    ## Nothing was read

    0 records

    > This says nothing about failures: there is no data to judge by.

    0 records seen = 0 failures + 0 key changes + 0 other + 0 skipped.
    ");
}

#[test]
fn text_is_nothing_but_text() {
    let cases = [
        ("a|b", "a&#124;b"),
        ("`x` *y* _z_ ~~w~~", r"\`x\` \*y\* \_z\_ \~\~w\~\~"),
        ("<script>&amp;", "&lt;script&gt;&amp;amp;"),
        ("![x](javascript:1)", r"\!\[x\](javascript:1)"),
        ("@everyone #1", r"@&#8203;everyone \#&#8203;1"),
        (
            "https://evil.example www.evil.example",
            "https:&#8203;//evil.example www&#8203;.evil.example",
        ),
        ("- item", r"\- item"),
        ("+ item", r"\+ item"),
        ("12. item", r"12\. item"),
        ("1) item", r"1\) item"),
        ("===", r"\==="),
        ("a\r\n# b\u{202e}", r"a\\u{d}\\u{a}\#&#8203; b\\u{202e}"),
        ("    code", "code"),
        ("$x$", "&#36;x&#36;"),
        ("192.0.2.1", "192.0.2.1"),
    ];
    for (text, escaped) in cases {
        assert_eq!(escape(text), escaped);
    }
}

#[test]
fn a_fence_is_longer_than_any_inside() {
    assert_eq!(fence("aws iam"), "```");
    assert_eq!(fence("x ```` y"), "`````");
}

#[test]
fn masks_every_key_id_unless_told_not_to() {
    let outcome = fixture::story();
    assert!(!masked(&outcome).contains(fixture::DEPLOY));
    let whole = render(&outcome, &Options { unmask: true, now: fixture::now() });
    assert!(whole.contains(fixture::DEPLOY) && !whole.contains("--unmask"));
}

#[test]
fn hostile_text_stays_in_its_place() {
    let harmless = masked(&fixture::with("harmless-text"));
    for text in fixture::hostile_texts() {
        let shown = masked(&fixture::with(&text));
        assert!(!shown.chars().any(|c| c != '\n' && crate::render::deceives(c)));
        assert!(!shown.contains("<script") && !shown.contains("@everyone"));
        assert_eq!(shown.lines().count(), harmless.lines().count());
    }
}

proptest! {
    #[test]
    fn any_text_stays_in_its_place(text in "(.|[\\PC]|[-+=#>|`*\\\\<\n\r ]){1,60}") {
        let escaped = escape(&text);
        prop_assert!(!escaped.contains(['|', '<', '>', '\n', '\r']));
        prop_assert!(!escaped.starts_with([' ', '-', '+', '=', '#']));
        let bare = |c: char| {
            escaped.match_indices(c).any(|(at, _)| !escaped[..at].ends_with('\\'))
        };
        prop_assert!(!"`*_[]~".chars().any(bare), "{escaped}");
    }
}
