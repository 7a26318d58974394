//! Seconds since 1970 as the texts that CloudTrail writes.
//!
//! Knows the calendar. Must not know the present time: a corpus is the same on every day.

/// Midnight UTC, 5 January 2026: where every corpus begins.
pub const BEGIN: i64 = 1_767_571_200;
pub const HOUR: i64 = 3_600;
pub const DAY: i64 = 24 * HOUR;

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

struct Parts {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

/// Howard Hinnant's `civil_from_days`, for years of our era.
fn parts(time: i64) -> Parts {
    let (days, second) = (time.div_euclid(DAY) + 719_468, time.rem_euclid(DAY));
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    Parts {
        year: year_of_era + era * 400 + i64::from(month <= 2),
        month,
        day: day_of_year - (153 * shifted + 2) / 5 + 1,
        hour: second / HOUR,
        minute: second / 60 % 60,
        second: second % 60,
    }
}

/// `2026-01-05T00:00:00Z`, as in `eventTime`.
pub fn rfc3339(time: i64) -> String {
    let Parts { year, month, day, hour, minute, second } = parts(time);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// `Jan 5, 2026, 12:00:00 AM`, as inside responses.
pub fn in_response(time: i64) -> String {
    let Parts { year, month, day, hour, minute, second } = parts(time);
    let name = MONTHS[month as usize - 1];
    let half = if hour < 12 { "AM" } else { "PM" };
    let hour = (hour + 11) % 12 + 1;
    format!("{name} {day}, {year}, {hour}:{minute:02}:{second:02} {half}")
}

/// `2026/01/05`, as in a trail file's folder.
pub fn folder(time: i64) -> String {
    let Parts { year, month, day, .. } = parts(time);
    format!("{year:04}/{month:02}/{day:02}")
}

/// `20260105T0000Z`, as in a trail file's name.
pub fn stamp(time: i64) -> String {
    let Parts { year, month, day, hour, minute, .. } = parts(time);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_the_forms_of_cloudtrail() {
        assert_eq!(rfc3339(BEGIN), "2026-01-05T00:00:00Z");
        assert_eq!(rfc3339(951_826_154), "2000-02-29T12:09:14Z");
        assert_eq!(in_response(951_826_154), "Feb 29, 2000, 12:09:14 PM");
        assert_eq!(in_response(BEGIN), "Jan 5, 2026, 12:00:00 AM");
        assert_eq!(folder(BEGIN - 1), "2026/01/04");
        assert_eq!(stamp(BEGIN + 300), "20260105T0005Z");
    }
}
