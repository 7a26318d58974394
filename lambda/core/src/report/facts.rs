//! What the text round a refusal tells: operation, service, status, request ID.
//!
//! Knows how AWS clients write these down. Must not know the codes and wordings of
//! refusals, nor how printings of one refusal are told apart.
//!
//! All text here is squeezed: without white space, and in lower case where it is compared.

use std::ops::Range;

use super::Stage;
use super::lines::Squeezed;
use super::service::{is_region, only_service, service_prefix};

/// What is known of a refused request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Facts {
    pub(super) stage: Option<Stage>,
    pub(super) service: Option<String>,
    pub(super) operation: Option<String>,
    pub(super) region: Option<String>,
    pub(super) status: Option<u16>,
    pub(super) request_id: Option<String>,
    pub(super) access_key_id: Option<String>,
    pub(super) resource: Option<String>,
    pub(super) client: Option<&'static str>,
}

/// The text that may speak of a refusal: what precedes it, its code or wording, what follows.
pub(super) struct Context<'a> {
    pub(super) text: &'a Squeezed,
    pub(super) before: Range<usize>,
    pub(super) hit: Range<usize>,
    /// Where the code ends, if there is one.
    pub(super) code_end: usize,
    pub(super) after: Range<usize>,
}

impl Context<'_> {
    /// All that the context tells, where a request was sent.
    pub(super) fn facts(&self) -> Facts {
        let mut facts = self.place();
        let (service, operation) = self.operation();
        let (host_service, region) = self.host();
        facts.operation = operation;
        facts.region = self.field("aws.region=").or(self.field("signing_region=")).or(region);
        facts.service = service
            .or_else(|| self.service())
            .or(host_service)
            .or_else(|| facts.operation.as_deref().and_then(only_service).map(str::to_owned));
        (facts.status, facts.request_id) = self.response();
        facts.access_key_id = self.access_key_id();
        facts
    }

    /// Where in the client's work it happened, and which client it was.
    pub(super) fn place(&self) -> Facts {
        let resource = self.resource();
        let stage = self.stage().or_else(|| {
            let address = resource.as_deref()?;
            Some(if address.starts_with("provider") { Stage::Provider } else { Stage::Resource })
        });
        let client = self.client(stage.is_some());
        Facts { stage, resource, client, ..Facts::default() }
    }

    /// The text before the refusal.
    pub(super) fn before(&self) -> &str {
        &self.text.lower[self.before.clone()]
    }

    /// The text after the refusal.
    pub(super) fn after(&self) -> &str {
        &self.text.lower[self.after.clone()]
    }

    /// Whether the text round the refusal has a mark.
    pub(super) fn mentions(&self, mark: &str) -> bool {
        self.before().contains(mark)
            || self.text.lower[self.hit.clone()].contains(mark)
            || self.after().contains(mark)
    }

    /// The text after the last such mark before the refusal.
    pub(super) fn last(&self, mark: &str) -> Option<usize> {
        Some(self.before.start + self.before().rfind(mark)? + mark.len())
    }

    /// The text after the first such mark after the refusal.
    pub(super) fn first(&self, mark: &str) -> Option<usize> {
        Some(self.after.start + self.after().find(mark)? + mark.len())
    }

    /// The characters from a place on that may be part of a name, up to white space.
    fn token(&self, at: usize) -> &str {
        let rest = &self.text.text[at..];
        let end = rest
            .char_indices()
            .take(80)
            .find(|(i, c)| {
                !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
                    || (*i > 0 && self.text.gap_at(at + i))
            })
            .map_or(rest.floor_char_boundary(80), |(i, _)| i);
        &rest[..end]
    }

    /// The value of a `key=value` on either side.
    fn field(&self, key: &str) -> Option<String> {
        let value = self.token(self.last(key).or_else(|| self.first(key))?);
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// Service and operation, where they are named together or the operation alone is named.
    fn operation(&self) -> (Option<String>, Option<String>) {
        let text = &self.text.text;
        let pair = |at: usize, ends: &[char]| {
            let part = &text[at..text.floor_char_boundary(at + 120)];
            let (service, rest) = part.split_once(':')?;
            Some((service_prefix(service), name(&rest[..rest.find(ends)?])?))
        };
        // `operation error STS: GetCallerIdentity, …`, `error calling sts:GetCallerIdentity: …`.
        let go = self.last("operationerror").and_then(|at| pair(at, &[',']));
        let go = go.or_else(|| {
            let at = self.last("calling")?;
            // `when calling the … operation: …` is Python's, below.
            let lower = text[at..].starts_with(|c: char| c.is_ascii_lowercase());
            let prose = text[at..].starts_with("the") && self.text.gap_at(at + 3);
            if lower && !prose { pair(at, &[':', ',']) } else { None }
        });
        let go = go.or_else(|| {
            let at = self.last("validateresponse").or_else(|| self.last("debug:response"))?;
            let (service, _) = text[at..text.floor_char_boundary(at + 80)].split_once('/')?;
            let operation = self.token(at + service.len() + 1);
            Some((service_prefix(service), name(operation)?))
        });
        if let Some((service, operation)) = go {
            return (service, Some(operation));
        }
        // `An error occurred (CODE) when calling the GetCallerIdentity operation`.
        let python = [")whencallingthe", ")occurredwhencallingthe"]
            .iter()
            .find(|mark| self.text.lower[self.code_end..].starts_with(**mark))
            .map(|mark| self.code_end + mark.len())
            .and_then(|at| {
                let part = &text[at..text.floor_char_boundary(at + 100)];
                name(&part[..part.find("operation")?])
            });
        let operation = python
            .or_else(|| {
                let at = self.last("errorexecuting\"")?;
                name(text[at..text.floor_char_boundary(at + 100)].split('"').next()?)
            })
            .or_else(|| {
                let at = self.first("atde_")?;
                let part = &text[at..text.floor_char_boundary(at + 100)];
                name(&part[..part.find("CommandError")?])
            })
            .or_else(|| self.last("::operation::").and_then(|at| pascal(self.token(at))))
            .or_else(|| self.field("aws.operation="))
            .or_else(|| self.field("rpc.method="));
        (None, operation)
    }

    fn service(&self) -> Option<String> {
        let text = &self.text.text;
        let until = |at: usize, ends: &[char]| {
            let part = &text[at..text.floor_char_boundary(at + 80)];
            service_prefix(&part[..part.find(ends)?])
        };
        self.first("(service:")
            .or_else(|| self.last("(service:"))
            .and_then(|at| until(at, &[';', ',']))
            .or_else(|| self.last("awssdk.services.").and_then(|at| until(at, &['.'])))
            .or_else(|| self.last("amazonaws.services.").and_then(|at| until(at, &['.'])))
            .or_else(|| {
                // `Aws::STS::Errors::CODE`, before the wording or after it.
                let at = self.last("::errors::").or_else(|| self.first("::errors::"))? - 10;
                let part = &text[text.floor_char_boundary(at.saturating_sub(40))..at];
                service_prefix(part.rsplit_once("::")?.1)
            })
            .or_else(|| {
                let at = self.last("exception:")? - "exception:".len();
                let part = &text[text.floor_char_boundary(at.saturating_sub(80))..at];
                let class = part.rsplit(|c: char| !c.is_ascii_alphanumeric()).next()?;
                let class = class.strip_prefix("Amazon").filter(|class| *class != "Service")?;
                service_prefix(class)
            })
            .or_else(|| self.last("aws_sdk_").and_then(|at| until(at, &[':'])))
            .or_else(|| {
                let mark = "@aws-sdk/client-";
                let at = self.first(mark).or_else(|| self.last(mark))?;
                until(at, &['/'])
            })
            .or_else(|| {
                self.field("aws.service=")
                    .or(self.field("rpc.service="))
                    .and_then(|s| service_prefix(&s))
            })
    }

    /// Service and region of the nearest AWS host name before the refusal.
    fn host(&self) -> (Option<String>, Option<String>) {
        let before = self.before();
        let Some(at) = before.rfind(".amazonaws.com") else {
            return (None, None);
        };
        let from = before.floor_char_boundary(at.saturating_sub(120));
        let host = before[from..at]
            .rsplit(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '.')))
            .next()
            .unwrap_or("");
        let labels: Vec<&str> = host.split('.').collect();
        let region = labels.iter().rposition(|label| is_region(label));
        let service = match region {
            Some(0) => None,
            Some(at) => Some(labels[at - 1]),
            None => labels.last().copied(),
        };
        let service = service.filter(|name| !name.is_empty()).and_then(service_prefix);
        (service, region.map(|at| labels[at].to_owned()))
    }

    /// Status and request ID of the refusing response.
    fn response(&self) -> (Option<u16>, Option<String>) {
        // Go v2 writes both before the code, everybody else after it.
        if let Some(at) = self.last("responseerrorstatuscode:") {
            let id = self.text.lower[at..self.hit.start.max(at)].find("requestid:");
            let id = id.and_then(|id| self.id(at + id + "requestid:".len()));
            return (self.number(at), id);
        }
        let status = ["statuscode", "status_code"]
            .iter()
            .find_map(|mark| self.value(self.first(mark)?).and_then(|at| self.number(at)))
            .or_else(|| {
                let marks = ["resultedina`", "http/1.1", "http/2.0", "status_code="];
                marks.iter().find_map(|mark| self.last(mark).and_then(|at| self.number(at)))
            })
            .or_else(|| {
                let at = self.last("$metadata")?;
                let code = self.text.lower[at..self.hit.start].find("httpstatuscode")?;
                self.value(at + code + "httpstatuscode".len()).and_then(|at| self.number(at))
            });
        let after = self.after();
        let ids = ["requestid", "request_id", "request-id"];
        let id = ids.iter().find_map(|mark| {
            memchr::memmem::find_iter(after.as_bytes(), mark).take(8).find_map(|found| {
                let lead = &after[..found];
                let other =
                    ["extended", "start", "end", "report"].iter().any(|w| lead.ends_with(w));
                let at = self.after.start + found + mark.len();
                if other { None } else { self.value(at).and_then(|at| self.id(at)) }
            })
        });
        let id = id.or_else(|| {
            let headers =
                ["x-amzn-requestid", "x-amz-request-id", "x_amzn_requestid", "x_amz_request_id"];
            let marks = headers.iter().filter_map(|mark| self.last(mark)).max();
            marks.and_then(|at| self.value(at)).and_then(|at| self.id(at)).or_else(|| {
                let at = self.last("$metadata")?;
                let id = self.text.lower[at..self.hit.start].find("requestid")?;
                self.value(at + id + "requestid".len()).and_then(|at| self.id(at))
            })
        });
        (status, id)
    }

    /// The place of a value after a name: past `": "`, `=`, `: Some("` and the like.
    fn value(&self, at: usize) -> Option<usize> {
        let rest = &self.text.lower[at..];
        let marks = rest.bytes().take(4).take_while(|b| b"\"'`:=>[(".contains(b)).count();
        let some = if rest[marks..].starts_with("some(\"") { 6 } else { 0 };
        (marks > 0).then_some(at + marks + some)
    }

    /// An HTTP status.
    fn number(&self, at: usize) -> Option<u16> {
        let digits = self.text.text.get(at..at + 3)?;
        let number = digits.parse().ok().filter(|n| (100..600).contains(n))?;
        let more = self.text.text[at + 3..].starts_with(|c: char| c.is_ascii_digit());
        (!more || self.text.gap_at(at + 3)).then_some(number)
    }

    /// A request ID: a UUID, or what S3 and others write, which is upper case and digits.
    fn id(&self, at: usize) -> Option<String> {
        if let Some(uuid) = self.text.text.get(at..at + 36) {
            let groups = [8, 13, 18, 23];
            let valid = uuid
                .bytes()
                .enumerate()
                .all(|(i, b)| if groups.contains(&i) { b == b'-' } else { b.is_ascii_hexdigit() });
            if valid {
                return Some(uuid.to_owned());
            }
        }
        let token = self.token(at);
        let plain = token.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        (plain && (12..=64).contains(&token.len())).then(|| token.to_owned())
    }

    fn access_key_id(&self) -> Option<String> {
        let after =
            ["<awsaccesskeyid>", "awsaccesskeyid\":\"", "awsaccesskeyid:'", "awsaccesskeyid:\""];
        let at = after.iter().find_map(|mark| self.first(mark).or_else(|| self.last(mark)));
        let id = self.token(at.or_else(|| self.last("credential="))?);
        let valid = id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        (valid && (16..=128).contains(&id.len())).then(|| id.to_owned())
    }
}

/// An API operation's name.
fn name(text: &str) -> Option<String> {
    let valid = text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.len() <= 80
        && text.bytes().all(|b| b.is_ascii_alphanumeric());
    valid.then(|| text.to_owned())
}

/// `GetCallerIdentity` for `get_caller_identity`.
fn pascal(text: &str) -> Option<String> {
    let words = text.split('_').map(|word| {
        let mut chars = word.chars();
        chars.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(chars).collect::<String>()
    });
    name(&words.collect::<String>())
}
