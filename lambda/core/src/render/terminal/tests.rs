//! The screens of whole outcomes.

mod hostile;

use insta::assert_snapshot;
use unicode_width::UnicodeWidthStr;

use super::*;
use crate::render::fixture;

fn plain(outcome: &Outcome, width: usize) -> String {
    let options = Options { width, colour: false, unmask: false, now: fixture::now() };
    render(outcome, &options)
}

#[test]
fn the_story_at_80_columns() {
    assert_snapshot!(plain(&fixture::story(), 80), @"
    3 callers need action, 1 resolved
    13,223 records in 14 files, 1 unreadable · findings from 2026-07-10 11:00 to
    12:35 UTC
    CloudTrail does not record most refused requests: there may be more than it
    shows.

     #  Access key    Source, client        Failures           Likely cause
    ──────────────────────────────────────────────────────────────────────────────
     1  AKIA****MPLE  203.0.113.4           2 reported         The access key was
        deploy-ci     Terraform 1.9.5       07-10 12:35        deactivated (high)
                      (provider 5.67.0)     1 predicted
                                            since 07-10 12:28
    ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌
     2  ASIA****MPLE  2001:db8:85a3::8a2e:  3 recorded         Temporary key sent
                      370:7334              07-10 12:31–12:33  without its session
                      AWS CLI 2.17.32                          token (medium)
    ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌
     3  AKIA****MPLE  198.51.100.7          1 predicted        The access key was
        deploy-ci     AWS CLI 2.17.32       since 07-10 12:28  deactivated (high)
    ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌
     4  AKIA****MPLE  192.0.2.44            1 predicted        Resolved: seen
        report        AWS CLI 2.17.32       since 07-10 11:00  working since 07-10
                                                               11:40

    1. AKIA****MPLE (deploy-ci) from 203.0.113.4 · needs action
       Reported   A client's log shows 2 refusals.
       Predicted  Expected to fail since 2026-07-10 12:28:24 UTC, when user/admin
                  deactivated the key; 12 successful uses before that, 2026-07-10
                  12:02:07 to 12:24:07 UTC.
       When       2026-07-10 12:35:40 UTC
       Error      InvalidClientTokenId
       Called     sts.amazonaws.com: GetCallerIdentity
       Used       sts.amazonaws.com
       Region     us-east-1
       Stage      provider
       Client     Terraform 1.9.5 (provider 5.67.0)
       Principal  arn:aws:iam::111122223333:user/deploy-ci

       Likely cause: The access key was deactivated (high confidence)
       - arn:aws:iam::111122223333:user/admin deactivated it at 2026-07-10 12:28:24
         UTC
         event 6a1f0f52-7f3c-4a59-9a39-0c1d2e3f4a5b
       - AKIA****MPLE was in use until then
         events use-1 and others
       What to do:
       1. See which keys the user has:
              aws iam list-access-keys --user-name deploy-ci
       2. If it was turned off by mistake, turn it on again:
              aws iam update-access-key --user-name deploy-ci --access-key-id AKIA****MPLE --status Active
       3. Otherwise give the callers a role in place of a key: nothing to rotate
       This does not mean that the secret is wrong or that permissions are missing.
       https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html

    2. ASIA****MPLE from 2001:db8:85a3::8a2e:370:7334 · needs action
       Recorded   CloudTrail recorded 3 refusals.
       When       2026-07-10 12:31:00 to 12:33:00 UTC
       Error      InvalidClientTokenId
       Called     sts.amazonaws.com: GetCallerIdentity
       Region     us-east-1
       Client     AWS CLI 2.17.32
       Principal  arn:aws:iam::111122223333:user/build

       Likely cause: Temporary key sent without its session token (medium
         confidence)
       - The key is a temporary one and no call with it succeeded
         event rec-1
       What to do:
       1. See whether the token is set beside the key:
              env | grep AWS_SESSION_TOKEN
       This does not mean that the secret is wrong or that permissions are missing.
       https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html

    3. AKIA****MPLE (deploy-ci) from 198.51.100.7 · needs action
       Predicted  Not observed: expected to fail since 2026-07-10 12:28:24 UTC, when
                  user/admin deactivated the key; 2 successful uses before that,
                  2026-07-10 12:10:00 to 12:20:00 UTC.
       Used       sts.amazonaws.com
       Region     us-east-1
       Client     AWS CLI 2.17.32
       Principal  arn:aws:iam::111122223333:user/deploy-ci

       Likely cause: The access key was deactivated (high confidence)
       - arn:aws:iam::111122223333:user/admin deactivated it at 2026-07-10 12:28:24
         UTC
         event 6a1f0f52-7f3c-4a59-9a39-0c1d2e3f4a5b
       - AKIA****MPLE was in use until then
         events use-1 and others
       What to do: as for 1.

    4. AKIA****MPLE (report) from 192.0.2.44 · resolved
       Resolved   Seen working since 2026-07-10 11:40:00 UTC with another key,
                  AKIA****MPLE, in event rep-2.
       Predicted  Not observed: expected to fail since 2026-07-10 11:00:00 UTC, when
                  user/admin deleted the key; 1 successful use before that,
                  2026-07-10 10:00:00 UTC.
       Cause      The access key was deactivated

    Key changes
      2026-07-10 11:00:00 UTC  AKIA****MPLE (report) was deleted by
        arn:aws:iam::111122223333:user/admin from 198.51.100.20
        - 1 source that used it before is working again.
        event del-1
      2026-07-10 12:28:24 UTC  AKIA****MPLE (deploy-ci) was deactivated by
        arn:aws:iam::111122223333:user/admin from 198.51.100.20
        - 2 sources that used it before are left behind.
        - A session of the key outlives it: ASIA****MPLE, minted by GetSessionToken:
          still live until 2026-07-10 18:30:00 UTC (5 h 30 min more); used by
          198.51.100.7 (AWS CLI 2.17.32), expected to fail from then on.
        - cloudformation.amazonaws.com used it once on behalf of user/deploy-ci: not
          a place where a copy of the key is kept.
        event 6a1f0f52-7f3c-4a59-9a39-0c1d2e3f4a5b

    Warnings
      logs/broken.json.gz: the gzip data ends early; 311 records before that are
        counted

    13,223 records seen = 3 failures + 2 key changes + 13,217 other + 1 skipped.
    Access key IDs are masked; run again with --unmask for commands that can be
    pasted.
    ");
}

#[test]
fn the_story_at_160_columns() {
    assert_snapshot!(plain(&fixture::story(), 160), @"
    3 callers need action, 1 resolved
    13,223 records in 14 files, 1 unreadable · findings from 2026-07-10 11:00 to 12:35 UTC
    CloudTrail does not record most refused requests: there may be more than it shows.

     #  Access key    Owner      Source                        Client                     Failures     Seen               Likely cause
    ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
     1  AKIA****MPLE  deploy-ci  203.0.113.4                   Terraform 1.9.5 (provider  2 reported   07-10 12:35        The access key was deactivated
                                                               5.67.0)                    1 predicted  since 07-10 12:28  (high)
    ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌
     2  ASIA****MPLE             2001:db8:85a3::8a2e:370:7334  AWS CLI 2.17.32            3 recorded   07-10 12:31–12:33  Temporary key sent without its
                                                                                                                          session token (medium)
    ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌
     3  AKIA****MPLE  deploy-ci  198.51.100.7                  AWS CLI 2.17.32            1 predicted  since 07-10 12:28  The access key was deactivated
                                                                                                                          (high)
    ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌
     4  AKIA****MPLE  report     192.0.2.44                    AWS CLI 2.17.32            1 predicted  since 07-10 11:00  Resolved: seen working since 07-10
                                                                                                                          11:40

    1. AKIA****MPLE (deploy-ci) from 203.0.113.4 · needs action
       Reported   A client's log shows 2 refusals.
       Predicted  Expected to fail since 2026-07-10 12:28:24 UTC, when user/admin deactivated the key; 12 successful uses before that, 2026-07-10 12:02:07 to
                  12:24:07 UTC.
       When       2026-07-10 12:35:40 UTC
       Error      InvalidClientTokenId
       Called     sts.amazonaws.com: GetCallerIdentity
       Used       sts.amazonaws.com
       Region     us-east-1
       Stage      provider
       Client     Terraform 1.9.5 (provider 5.67.0)
       Principal  arn:aws:iam::111122223333:user/deploy-ci

       Likely cause: The access key was deactivated (high confidence)
       - arn:aws:iam::111122223333:user/admin deactivated it at 2026-07-10 12:28:24 UTC
         event 6a1f0f52-7f3c-4a59-9a39-0c1d2e3f4a5b
       - AKIA****MPLE was in use until then
         events use-1 and others
       What to do:
       1. See which keys the user has:
              aws iam list-access-keys --user-name deploy-ci
       2. If it was turned off by mistake, turn it on again:
              aws iam update-access-key --user-name deploy-ci --access-key-id AKIA****MPLE --status Active
       3. Otherwise give the callers a role in place of a key: nothing to rotate
       This does not mean that the secret is wrong or that permissions are missing.
       https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html

    2. ASIA****MPLE from 2001:db8:85a3::8a2e:370:7334 · needs action
       Recorded   CloudTrail recorded 3 refusals.
       When       2026-07-10 12:31:00 to 12:33:00 UTC
       Error      InvalidClientTokenId
       Called     sts.amazonaws.com: GetCallerIdentity
       Region     us-east-1
       Client     AWS CLI 2.17.32
       Principal  arn:aws:iam::111122223333:user/build

       Likely cause: Temporary key sent without its session token (medium confidence)
       - The key is a temporary one and no call with it succeeded
         event rec-1
       What to do:
       1. See whether the token is set beside the key:
              env | grep AWS_SESSION_TOKEN
       This does not mean that the secret is wrong or that permissions are missing.
       https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html

    3. AKIA****MPLE (deploy-ci) from 198.51.100.7 · needs action
       Predicted  Not observed: expected to fail since 2026-07-10 12:28:24 UTC, when user/admin deactivated the key; 2 successful uses before that, 2026-07-10
                  12:10:00 to 12:20:00 UTC.
       Used       sts.amazonaws.com
       Region     us-east-1
       Client     AWS CLI 2.17.32
       Principal  arn:aws:iam::111122223333:user/deploy-ci

       Likely cause: The access key was deactivated (high confidence)
       - arn:aws:iam::111122223333:user/admin deactivated it at 2026-07-10 12:28:24 UTC
         event 6a1f0f52-7f3c-4a59-9a39-0c1d2e3f4a5b
       - AKIA****MPLE was in use until then
         events use-1 and others
       What to do: as for 1.

    4. AKIA****MPLE (report) from 192.0.2.44 · resolved
       Resolved   Seen working since 2026-07-10 11:40:00 UTC with another key, AKIA****MPLE, in event rep-2.
       Predicted  Not observed: expected to fail since 2026-07-10 11:00:00 UTC, when user/admin deleted the key; 1 successful use before that, 2026-07-10 10:00:00
                  UTC.
       Cause      The access key was deactivated

    Key changes
      2026-07-10 11:00:00 UTC  AKIA****MPLE (report) was deleted by arn:aws:iam::111122223333:user/admin from 198.51.100.20
        - 1 source that used it before is working again.
        event del-1
      2026-07-10 12:28:24 UTC  AKIA****MPLE (deploy-ci) was deactivated by arn:aws:iam::111122223333:user/admin from 198.51.100.20
        - 2 sources that used it before are left behind.
        - A session of the key outlives it: ASIA****MPLE, minted by GetSessionToken: still live until 2026-07-10 18:30:00 UTC (5 h 30 min more); used by
          198.51.100.7 (AWS CLI 2.17.32), expected to fail from then on.
        - cloudformation.amazonaws.com used it once on behalf of user/deploy-ci: not a place where a copy of the key is kept.
        event 6a1f0f52-7f3c-4a59-9a39-0c1d2e3f4a5b

    Warnings
      logs/broken.json.gz: the gzip data ends early; 311 records before that are counted

    13,223 records seen = 3 failures + 2 key changes + 13,217 other + 1 skipped.
    Access key IDs are masked; run again with --unmask for commands that can be pasted.
    ");
}

#[test]
fn no_data_never_reads_as_no_failures() {
    assert_snapshot!(plain(&fixture::empty(), 80), @"
    No failures in what was read
    1 record
    CloudTrail does not record most refused requests, so there may have been
    failures.

    1 record seen = 0 failures + 0 key changes + 1 other + 0 skipped.
    ");
    assert_snapshot!(plain(&fixture::nothing_read(), 80), @"
    Nothing was read
    0 records
    This says nothing about failures: there is no data to judge by.

    0 records seen = 0 failures + 0 key changes + 0 other + 0 skipped.
    ");
    assert_snapshot!(plain(&fixture::unreadable(), 80), @"
    Nothing could be read
    1 record in 1 file, 1 unreadable
    This says nothing about failures: there is no data to judge by.

    Warnings
      trail.json.gz: not gzip and not JSON

    1 record seen = 0 failures + 0 key changes + 0 other + 1 skipped.
    ");
}

#[test]
fn lines_of_logs_are_data_too() {
    assert_snapshot!(plain(&fixture::logs(false), 80), @"
    No failures in what was read
    1,204 log lines in 2 files
    A client's log shows only what that client printed; no records of CloudTrail
    were read.

    1,204 log lines read, no records.
    ");
    assert_snapshot!(plain(&fixture::logs(true), 80), @"
    No failures in what was read
    13,200 records and 1,204 log lines in 2 files
    CloudTrail does not record most refused requests, so there may have been
    failures.

    13,200 records seen = 0 failures + 0 key changes + 13,200 other + 0 skipped;
    1,204 log lines read.
    ");
}

#[test]
fn a_refusal_in_a_log_alone() {
    let mut outcome = fixture::logs(false);
    let story = fixture::story().findings;
    outcome.findings.extend(story.into_iter().filter(|finding| finding.origins.reported > 0));
    let shown = plain(&outcome, 80);
    let head: Vec<&str> = shown.lines().take(4).collect();
    assert_snapshot!(head.join("\n"), @"
    1 caller needs action
    1,204 log lines in 2 files · findings from 2026-07-10 12:28 to 12:35 UTC
    Without records of CloudTrail nobody can say who changed a key, or who else used
    it.
    ");
    assert!(shown.contains("\n1,204 log lines read, no records.\n"), "{shown}");
}

#[test]
fn a_less_likely_cause_is_told_in_short() {
    let mut outcome = fixture::story();
    let causes = &mut outcome.findings[0].causes;
    let mut less = causes[0].clone();
    (less.confidence, less.title) = (Confidence::Low, "Another");
    less.next_steps.push("Ask around".to_owned());
    causes.push(less);
    let shown = plain(&outcome, 80);
    let from = shown.find("   Also possible").unwrap();
    let to = shown.find("\n2. ").unwrap();
    assert_snapshot!(shown[from..to], @"
    Also possible: Another (low confidence)
    - arn:aws:iam::111122223333:user/admin deactivated it at 2026-07-10 12:28:24
      UTC
      event 6a1f0f52-7f3c-4a59-9a39-0c1d2e3f4a5b
    - AKIA****MPLE was in use until then
      events use-1 and others
    What to do:
    1. See which keys the user has:
           aws iam list-access-keys --user-name deploy-ci
    2. If it was turned off by mistake, turn it on again:
           aws iam update-access-key --user-name deploy-ci --access-key-id AKIA****MPLE --status Active
    2 more steps: failure-monitor causes --markdown
    ");
}

#[test]
fn masks_every_key_id_unless_told_not_to() {
    let outcome = fixture::story();
    let masked = plain(&outcome, 80);
    assert!(!masked.contains(fixture::DEPLOY) && masked.contains("--unmask"));
    let options = Options { width: 80, colour: false, unmask: true, now: fixture::now() };
    let whole = render(&outcome, &options);
    assert!(
        whole.contains(fixture::DEPLOY) && !whole.contains("****") && !whole.contains("--unmask")
    );
    check(&whole, 80);
}

#[test]
fn colour_changes_nothing_but_the_looks() {
    for outcome in fixture::all() {
        for width in [80, 160] {
            let options = Options { width, colour: true, unmask: false, now: fixture::now() };
            assert_eq!(without_colour(&render(&outcome, &options)), plain(&outcome, width));
        }
    }
    let options = Options { width: 80, colour: true, unmask: false, now: fixture::now() };
    let text = render(&fixture::story(), &options);
    assert!(
        text.starts_with("\u{1b}[31m3 callers need action\u{1b}[0m, \u{1b}[32m1 resolved\u{1b}[0m")
    );
}

fn without_colour(text: &str) -> String {
    ["1", "2", "31", "33", "32", "36", "0"]
        .iter()
        .fold(text.to_owned(), |text, code| text.replace(&format!("\u{1b}[{code}m"), ""))
}

/// No line is too wide but for commands and references, which stand alone, and no character
/// deceives.
fn check(text: &str, width: usize) {
    for line in text.lines() {
        let bare = line.trim_start();
        let alone = line.starts_with("          aws ") || bare.starts_with("https://");
        assert!(alone || line.width() <= width, "{width} < {}: {line}", line.width());
        assert!(!line.chars().any(crate::render::deceives), "{line:?}");
    }
}
