//! The client's clock is off, or its requests reach AWS too long after they were signed.

use chrono::{NaiveDateTime, TimeDelta};

use crate::cause::{Cause, Confidence, Evidence, Match, Situation};
use crate::failure::Family;

pub(super) const CAUSE: Cause = Cause {
    id: "clock-skew",
    title: "The client's clock is wrong",
    explanation: "Each request carries the time at which it was signed. AWS refuses it when that time \
                  is more than 15 minutes (5 for some services) before or after its own, so that a \
                  captured request cannot be sent again later. Virtual machines, containers on a \
                  laptop and WSL lose the time when the host sleeps.",
    not: "It does not mean that the key or the secret is wrong, even where the code is \
          SignatureDoesNotMatch; the time zone does not matter either, because signing uses UTC. And \
          a wrong clock never gives InvalidClientTokenId.",
    next_steps: &[
        "Compare the client's clock with AWS: date -u; curl -sI https://sts.amazonaws.com | grep -i '^date'",
        "See whether the clock is synchronised: timedatectl status; chronyc tracking",
        "Set it right on Linux: sudo chronyc makestep",
        "Set it right on macOS: sudo sntp -sS time.apple.com",
        "Set it right on Windows: w32tm /resync",
        "Start WSL anew, from Windows: wsl --shutdown",
        "On EC2, let chrony use the Amazon Time Sync Service, 169.254.169.123",
        "If the clock is right, look for what holds requests back after signing: a proxy, a queue, a presigned URL used too late",
    ],
    false_positives: &[
        "A request that was signed in time and then waited: a stalled upload, a suspended laptop, a long queue",
        "A presigned URL past its expiry",
    ],
    reference: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html",
    check,
};

fn check(situation: &Situation<'_>) -> Option<Match> {
    let group = situation.group;
    let Some(refusals) = group.families.get(&Family::Clock) else {
        return ec2_may_mean_the_clock(situation);
    };
    let mut evidence = vec![Evidence::new(
        format!("AWS refused the time of the signature (calls: {})", refusals.count),
        refusals.event_ids(),
    )];
    let worst = group
        .messages
        .iter()
        .filter_map(|(message, tally)| Some((times(message)?, tally)))
        .max_by_key(|((signed, received), _)| (*signed - *received).abs());
    if let Some(((signed, received), tally)) = worst {
        let skew = signed - received;
        evidence.push(Evidence::new(
            format!(
                "A request signed at {} by the client's clock came at {} by that of AWS: {} {}",
                signed.format("%Y-%m-%d %H:%M:%S UTC"),
                received.format("%Y-%m-%d %H:%M:%S UTC"),
                length(skew.abs()),
                if skew < TimeDelta::zero() { "behind" } else { "ahead" },
            ),
            tally.event_ids(),
        ));
    }
    Some(Match { confidence: Confidence::High, evidence, next_steps: Vec::new() })
}

/// EC2 answers a wrong clock with the code that it has for unknown credentials.
fn ec2_may_mean_the_clock(situation: &Situation<'_>) -> Option<Match> {
    let group = situation.group;
    let refused = |(code, _): &(&String, _)| code.ends_with("AuthFailure");
    let (code, tally) = group.codes.iter().find(refused)?;
    // Whoever signs well in between has a good clock.
    let signs_well =
        situation.key.uses.iter().any(|used| {
            used.caller.source == group.key.source && used.tally.last >= group.all.first
        });
    if group.codes.len() > 1 || signs_well {
        return None;
    }
    let fact =
        format!("EC2 answered {code}, its code for a wrong clock as well as for a wrong key");
    let evidence = vec![Evidence::new(fact, tally.event_ids())];
    Some(Match { confidence: Confidence::Low, evidence, next_steps: Vec::new() })
}

/// When a request was signed and when AWS had it, from "Signature expired: SIGNED is now earlier
/// than LIMIT (RECEIVED - 15 min.)" or "Signature not yet current: SIGNED is still later than
/// LIMIT (RECEIVED + 5 min.)".
fn times(message: &str) -> Option<(NaiveDateTime, NaiveDateTime)> {
    const LENGTH: usize = "20260102T030405Z".len();
    let mut times = message.char_indices().filter_map(|(at, _)| {
        NaiveDateTime::parse_from_str(message.get(at..at + LENGTH)?, "%Y%m%dT%H%M%SZ").ok()
    });
    let (signed, _limit, received) = (times.next()?, times.next()?, times.next()?);
    Some((signed, received))
}

fn length(time: TimeDelta) -> String {
    match time.num_minutes() {
        0..2 => format!("{} seconds", time.num_seconds()),
        2..120 => format!("{} minutes", time.num_minutes()),
        120..2880 => format!("{} hours", time.num_hours()),
        _ => format!("{} days", time.num_days()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_how_far_the_clock_is_off() {
        let skew = |message| times(message).map(|(signed, received)| signed - received);
        let behind = "Signature expired: 20260102T000000Z is now earlier than 20260102T001500Z (20260102T003000Z - 15 min.)";
        let ahead = "Signature not yet current: 20181120T211543Z is still later than 20181120T211529Z (20181120T211029Z + 5 min.)";
        assert_eq!(skew(behind), Some(TimeDelta::minutes(-30)));
        assert_eq!(skew(ahead), Some(TimeDelta::seconds(314)));
        assert_eq!(skew("Signature expired: 20260102T000000Z is now earlier than 2026"), None);
        assert_eq!(skew("ünï 20260102T000000Z 99999999T999999Z"), None);
        assert_eq!(length(TimeDelta::minutes(30)), "30 minutes");
        assert_eq!(length(TimeDelta::days(3)), "3 days");
    }
}
