//! One record before it is written: the fields that CloudTrail gives, in its order.
//!
//! Knows the record contents page of the CloudTrail user guide. Must not know which calls there are
//! or what a scan looks for.

use crate::calendar;
use crate::callers::Caller;
use crate::json::{Fields, Json, Text};
use crate::random::Random;

/// Where and when: the account and region of a file, and a moment in it.
pub struct Place {
    pub account: &'static str,
    pub region: &'static str,
    pub time: i64,
}

pub struct Draft {
    pub place: Place,
    pub caller: Caller,
    /// The service without `.amazonaws.com`.
    pub service: &'static str,
    pub event_name: Text,
    pub event_type: &'static str,
    pub read_only: bool,
    pub error: Option<(Text, Text)>,
    pub request: Json,
    pub response: Json,
    pub additional: Option<Json>,
    pub resources: Option<Json>,
    pub service_details: Option<Json>,
}

impl Draft {
    pub fn succeeded(&self) -> bool {
        self.error.is_none()
    }

    /// The record's time as it is written.
    pub fn time(&self) -> String {
        calendar::rfc3339(self.place.time)
    }

    /// The error's code and text; refused calls have no response, and often no parameters.
    pub fn refuse(&mut self, code: impl Into<Text>, message: impl Into<Text>, keep_request: bool) {
        self.error = Some((code.into(), message.into()));
        self.response = Json::Null;
        if !keep_request {
            self.request = Json::Null;
        }
    }

    pub fn into_json(self, random: &mut Random) -> Json {
        let Draft { place, caller, .. } = self;
        let service = self.service;
        let mut fields: Fields = Vec::with_capacity(24);
        let mut put = |key: &'static str, value: Json| fields.push((key.into(), value));
        put("eventVersion", if random.percent(70) { "1.11" } else { "1.08" }.into());
        put("userIdentity", caller.identity);
        put("eventTime", calendar::rfc3339(place.time).into());
        put("eventSource", format!("{service}.amazonaws.com").into());
        put("eventName", self.event_name.into());
        put("awsRegion", place.region.into());
        put("sourceIPAddress", caller.source.into());
        let user_agent = match service {
            "s3" => format!("[{}]", caller.user_agent).into(),
            _ => caller.user_agent,
        };
        put("userAgent", user_agent.into());
        if let Some((code, message)) = self.error {
            if !code.is_empty() {
                put("errorCode", code.into());
            }
            if !message.is_empty() {
                put("errorMessage", message.into());
            }
        }
        put("requestParameters", self.request);
        put("responseElements", self.response);
        if let Some(additional) = self.additional {
            put("additionalEventData", additional);
        }
        put(
            "requestID",
            if service == "s3" { random.base32(16).into() } else { random.uuid().into() },
        );
        put("eventID", random.uuid().into());
        put("readOnly", self.read_only.into());
        if let Some(resources) = self.resources {
            put("resources", resources);
        }
        put("eventType", self.event_type.into());
        put("managementEvent", true.into());
        put("recipientAccountId", place.account.into());
        if caller.is_service && random.percent(40) {
            put("sharedEventID", random.uuid().into());
        }
        if let Some(details) = self.service_details {
            put("serviceEventDetails", details);
        }
        if service == "kms" && !caller.is_service {
            put("vpcEndpointId", "vpce-0a1b2c3d4e5f60718".into());
            put("vpcEndpointAccountId", place.account.into());
        }
        put("eventCategory", "Management".into());
        if !caller.is_service {
            put("tlsDetails", tls_details(service, place.region));
        }
        if caller.console {
            put("sessionCredentialFromConsole", "true".into());
        }
        Json::Object(fields)
    }
}

fn tls_details(service: &str, region: &str) -> Json {
    let host = match service {
        "iam" | "signin" => format!("{service}.amazonaws.com"),
        _ => format!("{service}.{region}.amazonaws.com"),
    };
    crate::object! {
        "tlsVersion": "TLSv1.3",
        "cipherSuite": "TLS_AES_128_GCM_SHA256",
        "clientProvidedHostHeader": host,
    }
}
