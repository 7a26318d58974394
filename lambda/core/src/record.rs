//! One CloudTrail record, reduced to the fields this project reads.
//!
//! Knows the record contents page of the CloudTrail user guide
//! (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>).
//! Must not know what makes a record a failure or a key change.
//!
//! Reading is lenient about values and strict about JSON: a field of the wrong type reads as absent,
//! a number or boolean reads as its text, a key that occurs twice has its last value, and every
//! field may be missing. Only text that is not one JSON object is an error.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The visitor methods that turn anything but an object into the default value.
macro_rules! absent_unless_map {
    () => {
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Default::default())
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok(Default::default())
        }
    };
}

/// Declares a struct and its lenient, last-value-wins deserialiser.
macro_rules! object {
    ($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $ty:ty = $key:literal,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct $name { $($(#[$field_meta])* pub $field: $ty,)* }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Object;
                impl<'de> Visitor<'de> for Object {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("a JSON value")
                    }
                    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<$name, A::Error> {
                        let mut out = $name::default();
                        while let Some(Key(key)) = map.next_key()? {
                            match key.as_ref() {
                                $($key => out.$field = map.next_value()?,)*
                                _ => { map.next_value::<IgnoredAny>()?; }
                            }
                        }
                        Ok(out)
                    }
                    absent_unless_map!();
                }
                deserializer.deserialize_any(Object)
            }
        }
    };
}

object! {
    /// A record of one API call, console sign-in or service event.
    Record {
        /// The version of the record format.
        event_version: Text = "eventVersion",
        /// Unique to the record; copies delivered twice carry the same one.
        event_id: Text = "eventID",
        /// When the request was completed, as written (RFC 3339, UTC, whole seconds).
        event_time: Text = "eventTime",
        /// The service called, such as `sts.amazonaws.com`.
        event_source: Text = "eventSource",
        /// The API operation, such as `GetCallerIdentity`.
        event_name: Text = "eventName",
        /// `AwsApiCall`, `AwsServiceEvent`, `AwsConsoleSignIn` and the like.
        event_type: Text = "eventType",
        /// The region that answered.
        aws_region: Text = "awsRegion",
        /// An IP address, a service's DNS name or `AWS Internal`.
        source_ip_address: Text = "sourceIPAddress",
        /// What the client said of itself: a hint, and hostile text.
        user_agent: Text = "userAgent",
        /// The error the service answered with, if it did.
        error_code: Text = "errorCode",
        /// The error's text, if there was one.
        error_message: Text = "errorMessage",
        /// The service's ID of the request; ties a client's log line to the record.
        request_id: Text = "requestID",
        /// The account whose trail this record is in.
        recipient_account_id: Text = "recipientAccountId",
        /// Who made the call.
        user_identity: UserIdentity = "userIdentity",
        /// What was asked; null in refused calls.
        request_parameters: RequestParameters = "requestParameters",
        /// What was answered; null in read-only and refused calls.
        response_elements: ResponseElements = "responseElements",
    }
}

object! {
    /// `userIdentity`
    /// (<https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html>).
    UserIdentity {
        /// `Root`, `IAMUser`, `AssumedRole`, `AWSService` and so on.
        kind: Text = "type",
        /// The unique ID of the identity (`AIDA…`, `AROA…:session`).
        principal_id: Text = "principalId",
        /// The ARN of the identity.
        arn: Text = "arn",
        /// The account that owns the identity.
        account_id: Text = "accountId",
        /// The access key ID that signed the request.
        access_key_id: Text = "accessKeyId",
        /// The friendly name of an IAM user.
        user_name: Text = "userName",
        /// The AWS service that called on somebody's behalf.
        invoked_by: Text = "invokedBy",
        /// What is known of the session, for temporary credentials.
        session_context: SessionContext = "sessionContext",
    }
}

object! {
    /// `userIdentity.sessionContext`.
    SessionContext {
        /// The role or user that the session came from.
        session_issuer: SessionIssuer = "sessionIssuer",
        /// Whether MFA was used, and when the session was made.
        attributes: SessionAttributes = "attributes",
    }
}

object! {
    /// `userIdentity.sessionContext.sessionIssuer`.
    SessionIssuer {
        /// The ARN of the role or user.
        arn: Text = "arn",
        /// The friendly name of the role or user.
        user_name: Text = "userName",
    }
}

object! {
    /// `userIdentity.sessionContext.attributes`.
    SessionAttributes {
        /// `true` or `false`.
        mfa_authenticated: Text = "mfaAuthenticated",
        /// When the session was made.
        creation_date: Text = "creationDate",
    }
}

object! {
    /// The request parameters of the few operations that concern access keys.
    RequestParameters {
        /// The access key ID to change (`UpdateAccessKey`, `DeleteAccessKey`).
        access_key_id: Text = "accessKeyId",
        /// `Active` or `Inactive` (`UpdateAccessKey`).
        status: Text = "status",
        /// The user concerned; absent where callers change their own key.
        user_name: Text = "userName",
        /// The managed policy (`AttachUserPolicy`).
        policy_arn: Text = "policyArn",
        /// The inline policy (`PutUserPolicy`).
        policy_name: Text = "policyName",
        /// The role asked for (`AssumeRole`).
        role_arn: Text = "roleArn",
    }
}

object! {
    /// The response elements of the few operations that concern access keys, and an error where a
    /// service reports its own there instead of at the top.
    ResponseElements {
        /// The new key (`CreateAccessKey`).
        access_key: NewAccessKey = "accessKey",
        /// The new session (`GetSessionToken`, `GetFederationToken`, `AssumeRole`).
        credentials: NewCredentials = "credentials",
        /// The call's own error, for services that answer it here.
        error_code: Text = "errorCode",
        /// The text of that error.
        error_message: Text = "errorMessage",
    }
}

object! {
    /// `responseElements.accessKey` of `CreateAccessKey`.
    NewAccessKey {
        /// The new access key ID.
        access_key_id: Text = "accessKeyId",
        /// The user who owns it.
        user_name: Text = "userName",
    }
}

object! {
    /// `responseElements.credentials` of the STS operations that mint sessions.
    NewCredentials {
        /// The session's access key ID (`ASIA…`).
        access_key_id: Text = "accessKeyId",
        /// When the session ends, such as `Jul 10, 2023 12:24:29 PM` (UTC).
        expiration: Text = "expiration",
    }
}

impl Record {
    /// Reads one record from the text of one JSON object.
    ///
    /// Text that is not UTF-8 or has lone surrogates is read with U+FFFD in their place.
    pub fn parse(json: &[u8]) -> Result<Record, serde_json::Error> {
        match parse_object(json) {
            Ok(record) => Ok(record),
            Err(first) => match repaired(json) {
                Some(text) => parse_object(text.as_bytes()).map_err(|_| first),
                None => Err(first),
            },
        }
    }

    /// Whether the object has any of the members that make it a CloudTrail record.
    pub fn looks_like_one(&self) -> bool {
        [&self.event_version, &self.event_name, &self.event_id, &self.event_source]
            .iter()
            .any(|member| !member.is_none())
    }

    /// `eventTime` as a time; `None` where it is absent or not RFC 3339.
    pub fn time(&self) -> Option<DateTime<Utc>> {
        self.event_time.as_deref().and_then(time)
    }

    /// The account the record is about: the caller's, else the trail's. Callers without one have
    /// `ANONYMOUS_PRINCIPAL` in its place.
    pub fn account(&self) -> Option<&str> {
        let callers = self.user_identity.account_id.as_deref();
        callers.filter(|id| *id != "ANONYMOUS_PRINCIPAL").or(self.recipient_account_id.as_deref())
    }

    /// Who made the call: the ARN, else the service, else the bare name or ID.
    pub fn principal(&self) -> Option<&str> {
        let identity = &self.user_identity;
        identity
            .arn
            .as_deref()
            .or(identity.user_name.as_deref())
            .or(identity.invoked_by.as_deref())
            .or(identity.principal_id.as_deref())
    }

    /// The access key ID that signed the request.
    pub fn access_key_id(&self) -> Option<&str> {
        self.user_identity.access_key_id.as_deref()
    }

    /// Where the call came from; `unknown` where the record does not say.
    pub fn source(&self) -> &str {
        self.source_ip_address.as_deref().unwrap_or("unknown")
    }

    /// The user agent without the `[ ]` that S3 puts round it.
    pub fn user_agent(&self) -> &str {
        let agent = self.user_agent.as_deref().unwrap_or("");
        agent.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(agent)
    }

    /// Whether the service carried the call out: no error, here or in the response.
    pub fn succeeded(&self) -> bool {
        self.error_code.is_none()
            && self.error_message.is_none()
            && self.response_elements.error_code.is_none()
    }
}

/// A time as CloudTrail writes it: RFC 3339, or `Jul 10, 2023[,] 12:24:29 PM` (UTC) inside
/// responses; also `2023-07-10 12:24:29[.000]`, as databases export it.
pub fn time(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    // Java's formatter puts U+202F before AM and PM in newer releases.
    let text = text.replace('\u{202f}', " ");
    ["%b %d, %Y %I:%M:%S %p", "%b %d, %Y, %I:%M:%S %p", "%Y-%m-%d %H:%M:%S%.f"]
        .iter()
        .find_map(|format| chrono::NaiveDateTime::parse_from_str(&text, format).ok())
        .map(|time| time.and_utc())
}

fn parse_object(json: &[u8]) -> Result<Record, serde_json::Error> {
    // A value that is not an object would read as a record without fields.
    if json.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
        return Err(serde::de::Error::custom("a record must be a JSON object"));
    }
    serde_json::from_slice(json)
}

/// The text with U+FFFD for what is not UTF-8 and for lone surrogates; `None` where neither occurs.
fn repaired(json: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(json);
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    let mut changed = matches!(text, std::borrow::Cow::Owned(_));
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let (escape, length) = match unit(&rest[at..]) {
            Some(0xD800..0xDC00) => match unit(&rest[at + 6..]) {
                Some(0xDC00..0xE000) => (&rest[at..at + 12], 12),
                _ => {
                    changed = true;
                    ("\\ufffd", 6)
                }
            },
            Some(0xDC00..0xE000) => {
                changed = true;
                ("\\ufffd", 6)
            }
            _ => {
                let length = 1 + rest[at + 1..].chars().next().map_or(0, char::len_utf8);
                (&rest[at..at + length], length)
            }
        };
        out.push_str(escape);
        rest = &rest[at + length..];
    }
    out.push_str(rest);
    changed.then_some(out)
}

/// The UTF-16 code unit of a `\uXXXX` escape at the start of the text.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u16::from_str_radix(digits, 16).ok()
}

/// A key of an object: any string, borrowed where it has no escape.
struct Key<'a>(std::borrow::Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Key(text.into()))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Key(text.to_owned().into()))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

/// A text that may be absent. Empty text reads as absent: CloudTrail writes `""` for "none".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text(Option<Box<str>>);

impl Text {
    /// The text, if it is there.
    pub fn as_deref(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// Whether the text is absent.
    pub fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// An owned copy, if the text is there.
    pub fn to_owned(&self) -> Option<String> {
        self.0.as_deref().map(str::to_owned)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Text((!text.is_empty()).then(|| text.into()))
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;
        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }
            fn visit_str<E>(self, text: &str) -> Result<Text, E> {
                Ok(text.into())
            }
            fn visit_bool<E>(self, value: bool) -> Result<Text, E> {
                Ok(if value { "true" } else { "false" }.into())
            }
            fn visit_i64<E>(self, value: i64) -> Result<Text, E> {
                Ok(value.to_string().as_str().into())
            }
            fn visit_u64<E>(self, value: u64) -> Result<Text, E> {
                Ok(value.to_string().as_str().into())
            }
            fn visit_f64<E>(self, value: f64) -> Result<Text, E> {
                Ok(value.to_string().as_str().into())
            }
            fn visit_unit<E>(self) -> Result<Text, E> {
                Ok(Text(None))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Text, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Text(None))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Text(None))
            }
        }
        deserializer.deserialize_any(TextVisitor)
    }
}

#[cfg(test)]
mod tests;
