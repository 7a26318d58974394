//! The settings of the deployed functions, out of environment variables.
//!
//! Every mistake is found at once: each names the variable, its value and what is allowed. Values of
//! variables are no secrets here; the webhook URL is named, not given.

use chrono::TimeDelta;
use failure_monitor_core::alert::{IgnoreRule, Policy};
use failure_monitor_core::state::RECENT;

/// What a deployed function is to do.
#[derive(Debug)]
pub enum Function {
    /// Takes in records, counts, explains, alerts.
    Monitor(Box<Monitor>),
    /// Answers questions; reads only.
    Summary(Summary),
    /// Passes alerts on to a Slack webhook.
    Slack(Slack),
}

/// Settings of the monitor.
#[derive(Debug, Clone)]
pub struct Monitor {
    /// The deployment's name.
    pub name: String,
    /// The table that keeps its state.
    pub table: String,
    /// The topic that alerts go to.
    pub topic_arn: String,
    /// The regions that are swept.
    pub regions: Vec<String>,
    /// How far back from a key change a use makes its caller one that is left behind.
    pub look_back: TimeDelta,
    /// How far back the first sweep goes.
    pub initial_look_back: TimeDelta,
    /// How much of the newest time is read again, because records come late.
    pub late: TimeDelta,
    /// When alerts are sent.
    pub policy: Policy,
    /// Whether failures are grouped by the service called, too.
    pub group_by_event_source: bool,
    /// The most bytes that a trail file may inflate to.
    pub max_inflated: u64,
    /// The role to assume in a member account of the organisation.
    pub member_role: Option<String>,
    /// How long marks of counted failures are kept.
    pub marker_ttl: TimeDelta,
    /// How long everything else is kept.
    pub finding_ttl: TimeDelta,
    /// Whether messages show access key IDs whole.
    pub unmask: bool,
    /// Where the dashboard is.
    pub dashboard_url: Option<String>,
}

/// Settings of the summary.
#[derive(Debug, Clone)]
pub struct Summary {
    /// The deployment's name.
    pub name: String,
    /// The table that keeps the state.
    pub table: String,
    /// Whether access key IDs are shown whole.
    pub unmask: bool,
}

/// Settings of the Slack function.
#[derive(Debug, Clone)]
pub struct Slack {
    /// The deployment's name.
    pub name: String,
    /// The SSM parameter that holds the webhook's URL.
    pub webhook_parameter: String,
    /// Whether messages show access key IDs whole.
    pub unmask: bool,
}

/// The handlers that there are.
const HANDLERS: &str = "monitor, summary, slack";

/// Reads the settings of a handler, or says everything that is wrong with them.
pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Function, Vec<String>> {
    let mut reader = Reader { variable: &variable, wrong: Vec::new() };
    let name = reader.optional("FAILURE_MONITOR_NAME").unwrap_or_else(|| "failure-monitor".into());
    let handler = variable("_HANDLER").unwrap_or_default();
    let function = match handler.as_str() {
        "monitor" => Function::Monitor(Box::new(reader.monitor(name))),
        "summary" => Function::Summary(Summary {
            name,
            table: reader.required("FAILURE_MONITOR_TABLE", "the name of a DynamoDB table"),
            unmask: reader.flag("FAILURE_MONITOR_UNMASK"),
        }),
        "slack" => Function::Slack(Slack {
            name,
            webhook_parameter: reader.required(
                "FAILURE_MONITOR_SLACK_WEBHOOK_PARAMETER",
                "the name of an SSM SecureString parameter that holds the webhook's URL",
            ),
            unmask: reader.flag("FAILURE_MONITOR_UNMASK"),
        }),
        other => {
            let text = format!("_HANDLER is {other:?}: the function's handler must be {HANDLERS}");
            return Err(vec![text]);
        }
    };
    if reader.wrong.is_empty() { Ok(function) } else { Err(reader.wrong) }
}

struct Reader<'a> {
    variable: &'a dyn Fn(&str) -> Option<String>,
    wrong: Vec<String>,
}

impl Reader<'_> {
    fn monitor(&mut self, name: String) -> Monitor {
        let policy = Policy {
            threshold: self.number("FAILURE_MONITOR_THRESHOLD", 3, 1, RECENT as u64) as usize,
            window: self.duration("FAILURE_MONITOR_WINDOW", TimeDelta::minutes(15)),
            probing_keys: self.number("FAILURE_MONITOR_PROBING_KEYS", 5, 2, 50) as usize,
            min_interval: self.duration("FAILURE_MONITOR_MIN_INTERVAL", TimeDelta::minutes(15)),
            follow_up_first: self.duration("FAILURE_MONITOR_FOLLOW_UP_FIRST", TimeDelta::hours(1)),
            follow_up_max: self.duration("FAILURE_MONITOR_FOLLOW_UP_MAX", TimeDelta::hours(24)),
            digest_over: self.number("FAILURE_MONITOR_DIGEST_OVER", 20, 1, 100) as usize,
            ignore: self.ignore_rules(),
        };
        if policy.follow_up_first > policy.follow_up_max {
            self.wrong.push(
                "FAILURE_MONITOR_FOLLOW_UP_FIRST is longer than FAILURE_MONITOR_FOLLOW_UP_MAX: it \
                 must be at most as long"
                    .to_owned(),
            );
        }
        Monitor {
            name,
            table: self.required("FAILURE_MONITOR_TABLE", "the name of a DynamoDB table"),
            topic_arn: self.topic(),
            regions: self.regions(),
            look_back: self.duration("FAILURE_MONITOR_LOOK_BACK", TimeDelta::hours(24)),
            initial_look_back: self
                .duration("FAILURE_MONITOR_INITIAL_LOOK_BACK", TimeDelta::hours(24)),
            late: self.duration("FAILURE_MONITOR_SWEEP_LATE", TimeDelta::minutes(15)),
            policy,
            group_by_event_source: self.flag("FAILURE_MONITOR_GROUP_BY_EVENT_SOURCE"),
            max_inflated: self.number("FAILURE_MONITOR_MAX_INFLATED", 256 << 20, 1 << 20, 8 << 30),
            member_role: self.member_role(),
            marker_ttl: self.duration("FAILURE_MONITOR_MARKER_TTL", TimeDelta::days(14)),
            finding_ttl: self.duration("FAILURE_MONITOR_FINDING_TTL", TimeDelta::days(90)),
            unmask: self.flag("FAILURE_MONITOR_UNMASK"),
            dashboard_url: self.url("FAILURE_MONITOR_DASHBOARD_URL"),
        }
    }

    fn optional(&self, name: &str) -> Option<String> {
        (self.variable)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn refuse(&mut self, name: &str, value: &str, allowed: &str) {
        self.wrong.push(format!("{name} is {value:?}: it must be {allowed}"));
    }

    fn required(&mut self, name: &str, allowed: &str) -> String {
        self.optional(name).unwrap_or_else(|| {
            self.wrong.push(format!("{name} is not set: it must be {allowed}"));
            String::new()
        })
    }

    fn flag(&mut self, name: &str) -> bool {
        match self.optional(name).as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(other) => {
                let other = other.to_owned();
                self.refuse(name, &other, "true or false");
                false
            }
        }
    }

    fn number(&mut self, name: &str, default: u64, least: u64, most: u64) -> u64 {
        let Some(text) = self.optional(name) else { return default };
        match text.parse() {
            Ok(number) if (least..=most).contains(&number) => number,
            _ => {
                self.refuse(name, &text, &format!("a whole number from {least} to {most}"));
                default
            }
        }
    }

    fn duration(&mut self, name: &str, default: TimeDelta) -> TimeDelta {
        let Some(text) = self.optional(name) else { return default };
        let parsed = humantime::parse_duration(&text).ok();
        let most = TimeDelta::days(3650);
        match parsed.and_then(|duration| TimeDelta::from_std(duration).ok()) {
            Some(duration) if duration > TimeDelta::zero() && duration <= most => duration,
            _ => {
                self.refuse(name, &text, "a duration such as 15m, 24h or 7d, at most 3650d");
                default
            }
        }
    }

    fn topic(&mut self) -> String {
        let name = "FAILURE_MONITOR_TOPIC_ARN";
        let arn = self.required(name, "the ARN of an SNS topic");
        if !arn.is_empty() && arn.split(':').nth(2) != Some("sns") {
            self.refuse(name, &arn, "the ARN of an SNS topic (arn:aws:sns:REGION:ACCOUNT:NAME)");
        }
        arn
    }

    fn regions(&mut self) -> Vec<String> {
        let name = "FAILURE_MONITOR_REGIONS";
        let text = self.required(name, "a list of regions, such as eu-central-1,us-east-1");
        let mut regions: Vec<String> = text
            .split(',')
            .map(|region| region.trim().to_owned())
            .filter(|region| !region.is_empty())
            .collect();
        regions.sort();
        regions.dedup();
        let odd = regions.iter().find(|region| !is_region(region)).cloned();
        if let Some(odd) = odd {
            self.refuse(name, &odd, "a list of regions, such as eu-central-1,us-east-1");
        }
        regions
    }

    fn member_role(&mut self) -> Option<String> {
        let name = "FAILURE_MONITOR_MEMBER_ROLE";
        let role = self.optional(name)?;
        let fits = |c: char| c.is_ascii_alphanumeric() || "+=,.@_-/".contains(c);
        if role.len() > 512 || !role.chars().all(fits) || role.starts_with('/') {
            self.refuse(name, &role, "the name of a role, with its path, not an ARN");
        }
        Some(role)
    }

    fn url(&mut self, name: &str) -> Option<String> {
        let url = self.optional(name)?;
        if !url.starts_with("https://") || url.chars().any(|c| c.is_whitespace() || c.is_control())
        {
            self.refuse(name, &url, "an https:// address");
        }
        Some(url)
    }

    fn ignore_rules(&mut self) -> Vec<IgnoreRule> {
        let name = "FAILURE_MONITOR_IGNORE";
        let Some(text) = self.optional(name) else { return Vec::new() };
        let allowed = "a JSON list of objects with access_key_id, source (an address, a CIDR block, \
                       a service name), principal or event_source, and a reason";
        match serde_json::from_str::<Vec<IgnoreRule>>(&text) {
            Ok(rules) => {
                let problems: Vec<String> = rules.iter().filter_map(IgnoreRule::problem).collect();
                for problem in problems {
                    self.refuse(
                        name,
                        &text,
                        &format!("made of rules that can be used: one {problem}"),
                    );
                }
                rules
            }
            Err(err) => {
                self.refuse(name, &text, &format!("{allowed} ({err})"));
                Vec::new()
            }
        }
    }
}

/// Whether a text has the form of a region's name, such as `us-gov-east-1`.
fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.len() >= 3
        && parts[..parts.len() - 1]
            .iter()
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase()))
        && parts[parts.len() - 1].bytes().all(|byte| byte.is_ascii_digit())
        && !parts[parts.len() - 1].is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_from(variables: &[(&str, &str)]) -> Result<Function, Vec<String>> {
        read(|name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    const GOOD: [(&str, &str); 4] = [
        ("_HANDLER", "monitor"),
        ("FAILURE_MONITOR_TABLE", "failure-monitor"),
        ("FAILURE_MONITOR_TOPIC_ARN", "arn:aws:sns:eu-central-1:111122223333:alerts"),
        ("FAILURE_MONITOR_REGIONS", "us-east-1, eu-central-1,us-east-1"),
    ];

    #[test]
    fn what_is_not_set_has_its_default() {
        let Ok(Function::Monitor(monitor)) = read_from(&GOOD) else { panic!() };
        assert_eq!(monitor.policy, Policy::default());
        assert_eq!(monitor.regions, ["eu-central-1", "us-east-1"]);
        assert_eq!(monitor.marker_ttl, TimeDelta::days(14));
        assert_eq!(monitor.max_inflated, 268_435_456);
    }

    #[test]
    fn every_mistake_is_said_at_once_with_what_is_allowed() {
        let wrong = read_from(&[
            ("_HANDLER", "monitor"),
            ("FAILURE_MONITOR_TOPIC_ARN", "alerts"),
            ("FAILURE_MONITOR_REGIONS", "us-east-1,Frankfurt"),
            ("FAILURE_MONITOR_THRESHOLD", "0"),
            ("FAILURE_MONITOR_WINDOW", "soon"),
            ("FAILURE_MONITOR_UNMASK", "yes"),
            ("FAILURE_MONITOR_IGNORE", r#"[{"sauce":"192.0.2.0/24"}]"#),
            ("FAILURE_MONITOR_DASHBOARD_URL", "javascript:x"),
            ("FAILURE_MONITOR_MEMBER_ROLE", "arn:aws:iam::111122223333:role/x"),
        ])
        .unwrap_err();
        for name in [
            "FAILURE_MONITOR_TABLE is not set",
            "FAILURE_MONITOR_TOPIC_ARN is \"alerts\"",
            "FAILURE_MONITOR_REGIONS is \"Frankfurt\"",
            "FAILURE_MONITOR_THRESHOLD is \"0\": it must be a whole number from 1 to 100",
            "FAILURE_MONITOR_WINDOW is \"soon\"",
            "FAILURE_MONITOR_UNMASK is \"yes\": it must be true or false",
            "FAILURE_MONITOR_IGNORE is",
            "FAILURE_MONITOR_DASHBOARD_URL is",
            "FAILURE_MONITOR_MEMBER_ROLE is",
        ] {
            assert!(wrong.iter().any(|line| line.starts_with(name)), "{name}: {wrong:#?}");
        }
        assert_eq!(wrong.len(), 9);
    }

    #[test]
    fn an_unknown_handler_is_told_the_known_ones() {
        let wrong = read_from(&[("_HANDLER", "main.handler")]).unwrap_err();
        assert!(wrong[0].contains("monitor, summary, slack"), "{wrong:?}");
    }

    #[test]
    fn a_rule_that_fits_everything_is_refused() {
        let rule = ("FAILURE_MONITOR_IGNORE", r#"[{"reason":"quiet please"}]"#);
        let wrong = read_from(&[GOOD.as_slice(), &[rule]].concat()).unwrap_err();
        assert!(wrong[0].contains("names none of"), "{wrong:?}");
    }
}
