//! What strangers write, at any width.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;

#[test]
fn hostile_text_at_80_columns() {
    assert_snapshot!(plain(&fixture::with(&fixture::hostile_texts()[0]), 80), @r"
    2 callers need action
    3 records · findings from 2026-07-10 12:00 to 12:30 UTC
    CloudTrail does not record most refused requests: there may be more than it
    shows.

     #  Access key            Source, client    Failures           Likely cause
    ────────────────────────────────────────────────────────────────────────────
     1  AKIA****MPLE          192.0.2.9         1 predicted        Made up (low)
        \u{1b}[31****tle\u{7  [31mred]0;title   since 07-10 12:30
        }
    ╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌
     2  \u{1b}[31****tle\u{7  \u{1b}[31****tle  1 recorded         Made up (low)
        }                     \u{7}             07-10 12:00
                              [31mred]0;title

    1. AKIA****MPLE (\u{1b}[31****tle\u{7}) from 192.0.2.9 · needs action
       Predicted  Not observed: expected to fail since 2026-07-10 12:30:00 UTC, when
                  \u{1b}[31****tle\u{7} deleted the key; 1 successful use before
                  that, 2026-07-10 12:01:00 UTC.
       Used       sts.amazonaws.com
       Region     us-east-1
       Client     [31mred]0;title
       Principal  arn:aws:iam::111122223333:user/\u{1b}[31****tle\u{7}

       Possible cause: Made up (low confidence)
       - \u{1b}[31****tle\u{7} did it
         events \u{1b}[31****tle\u{7} and 3 more
       What to do:
       1. Look at \u{1b}[31****tle\u{7}:
              aws iam get-user --user-name '\u{1b}[31****tle\u{7}'
       This does not mean that the secret is wrong or that permissions are missing.
       https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html

    2. \u{1b}[31****tle\u{7} from \u{1b}[31****tle\u{7} · needs action
       Recorded   CloudTrail recorded 1 refusal.
       When       2026-07-10 12:00:00 UTC
       Error      InvalidClientTokenId
       Called     \u{1b}[31****tle\u{7}: \u{1b}[31****tle\u{7}
       Region     \u{1b}[31****tle\u{7}
       Client     [31mred]0;title
       Principal  arn:aws:iam::111122223333:user/\u{1b}[31****tle\u{7}
       Account    \u{1b}[31****tle\u{7}

       Possible cause: Made up (low confidence)
       - \u{1b}[31****tle\u{7} did it
         events \u{1b}[31****tle\u{7} and 3 more
       What to do: as for 1.

    Key changes
      2026-07-10 12:30:00 UTC  AKIA****MPLE (\u{1b}[31****tle\u{7}) was deleted by
        \u{1b}[31****tle\u{7} from 198.51.100.20
        - 1 source that used it before is left behind.
        event \u{1b}[31mred\u{1b}]0;title\u{7}2

    Warnings
      \u{1b}[31****tle\u{7}: \u{1b}[31****tle\u{7}

    3 records seen = 1 failure + 1 key change + 1 other + 0 skipped.
    Access key IDs are masked; run again with --unmask for commands that can be
    pasted.
    ");
}

#[test]
fn hostile_text_stays_in_its_place() {
    for text in fixture::hostile_texts() {
        for width in [40, 64, 80, 140, 160] {
            let shown = plain(&fixture::with(&text), width);
            check(&shown, width);
            assert!(shown.lines().count() < 400, "{width}: {}", shown.lines().count());
        }
    }
}

proptest! {
    #[test]
    fn any_text_stays_in_its_place(text in "(.|[\\PC]|\u{1b}\\[|[ \u{202e}\u{300}\n🔑👩‍👩-]){0,200}", width in 40usize..200) {
        let outcome = fixture::with(&text);
        check(&plain(&outcome, width), width);
        let options = Options { width, colour: true, unmask: true, now: fixture::now() };
        check(&without_colour(&render(&outcome, &options)), width);
    }
}
