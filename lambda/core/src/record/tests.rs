//! Complete records guard the parser; the rest is what must not break it.

use super::*;

#[test]
fn reads_values_leniently_and_the_last_of_a_repeated_key() {
    let record = Record::parse(
        br#"{"eventID":"a","errorCode":"First","errorCode":"Second","eventName":7,
            "sourceIPAddress":"","userAgent":"[agent]","userIdentity":"none",
            "requestParameters":{"userName":true,"accessKeyId":{"nested":1}},"x":[{"errorCode":"No"}]}"#,
    )
    .unwrap();
    assert_eq!(record.error_code.as_deref(), Some("Second"));
    assert_eq!(record.event_name.as_deref(), Some("7"));
    assert_eq!(record.source(), "unknown");
    assert_eq!(record.user_agent(), "agent");
    assert_eq!(record.user_identity, UserIdentity::default());
    assert_eq!(record.request_parameters.user_name.as_deref(), Some("true"));
    assert!(record.request_parameters.access_key_id.is_none());
}

#[test]
fn reads_escaped_keys_and_repairs_what_is_not_unicode() {
    let record = Record::parse(br#"{"\u0065rrorCode":"A","userAgent":"\ud83d\ude00 \ud83d."}"#);
    let record = record.unwrap();
    assert_eq!(record.error_code.as_deref(), Some("A"));
    assert_eq!(record.user_agent(), "\u{1f600} \u{fffd}.");
    let record = Record::parse(b"{\"userAgent\":\"a\xffb\"}").unwrap();
    assert_eq!(record.user_agent(), "a\u{fffd}b");
}

#[test]
fn refuses_what_is_not_one_object() {
    for text in ["", "7", "[]", "{}{}", "{", "\"x\"", "{\"a\":}"] {
        assert!(Record::parse(text.as_bytes()).is_err(), "{text:?}");
    }
    assert_eq!(Record::parse(b" {} ").unwrap(), Record::default());
}

#[test]
fn reads_both_forms_of_time() {
    let expected = Some("2023-07-10T12:24:29Z".parse().unwrap());
    for text in [
        "2023-07-10T12:24:29Z",
        "2023-07-10T14:24:29+02:00",
        "Jul 10, 2023 12:24:29 PM",
        "Jul 10, 2023, 12:24:29 PM",
        "2023-07-10 12:24:29",
        "2023-07-10 12:24:29.000000000",
        "Jul 10, 2023, 12:24:29\u{202f}PM",
    ] {
        assert_eq!(time(text), expected, "{text}");
    }
    assert_eq!(time("yesterday"), None);
}

#[test]
fn reads_a_complete_record_of_a_user() {
    let record = Record::parse(
        br#"{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","principalId":"AIDADEPLOYCI1EXAMPLE",
        "arn":"arn:aws:iam::111122223333:user/deploy-ci","accountId":"111122223333",
        "accessKeyId":"AKIADEPLOYCI1EXAMPLE","userName":"deploy-ci"},"eventTime":"2026-01-02T03:04:05Z",
        "eventSource":"iam.amazonaws.com","eventName":"UpdateAccessKey","awsRegion":"us-east-1",
        "sourceIPAddress":"198.51.100.7","userAgent":"aws-cli/2.17.32","errorCode":"AccessDenied",
        "errorMessage":"not authorized","requestParameters":{"accessKeyId":"AKIAOTHERKEY1EXAMPLE",
        "status":"Inactive","userName":"other"},"responseElements":null,"requestID":"req-1",
        "eventID":"6b54e0ad-c23c-4850-b896-7533a3558526","readOnly":false,"eventType":"AwsApiCall",
        "managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management",
        "tlsDetails":{"tlsVersion":"TLSv1.3"}}"#,
    )
    .unwrap();
    assert!(record.looks_like_one() && !record.succeeded());
    assert_eq!(record.time(), Some("2026-01-02T03:04:05Z".parse().unwrap()));
    assert_eq!(record.account(), Some("111122223333"));
    assert_eq!(record.access_key_id(), Some("AKIADEPLOYCI1EXAMPLE"));
    assert_eq!(record.principal(), Some("arn:aws:iam::111122223333:user/deploy-ci"));
    assert_eq!(record.source(), "198.51.100.7");
    assert_eq!(record.error_code.as_deref(), Some("AccessDenied"));
    assert_eq!(record.request_parameters.access_key_id.as_deref(), Some("AKIAOTHERKEY1EXAMPLE"));
    assert_eq!(record.request_parameters.status.as_deref(), Some("Inactive"));
    assert_eq!(record.request_id.as_deref(), Some("req-1"));
}

#[test]
fn reads_a_complete_record_of_a_minted_session() {
    let record = Record::parse(
        br#"{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"AROA1:s",
        "arn":"arn:aws:sts::111122223333:assumed-role/ci/s","accountId":"111122223333",
        "accessKeyId":"ASIASESSION01EXAMPLE","sessionContext":{"sessionIssuer":{"type":"Role",
        "arn":"arn:aws:iam::111122223333:role/ci","userName":"ci"},"webIdFederationData":{},
        "attributes":{"creationDate":"2026-01-02T03:00:00Z","mfaAuthenticated":"false"}}},
        "eventTime":"2026-01-02T03:04:05Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole",
        "awsRegion":"us-east-1","sourceIPAddress":"cloudformation.amazonaws.com","userAgent":"x",
        "requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/other"},"responseElements":
        {"credentials":{"accessKeyId":"ASIASESSION02EXAMPLE","sessionToken":"t",
        "expiration":"Jan 2, 2026, 4:04:05 AM"}},"eventID":"e","recipientAccountId":"444455556666"}"#,
    )
    .unwrap();
    let session = &record.user_identity.session_context;
    assert_eq!(session.session_issuer.user_name.as_deref(), Some("ci"));
    assert_eq!(session.attributes.mfa_authenticated.as_deref(), Some("false"));
    let minted = &record.response_elements.credentials;
    assert_eq!(minted.access_key_id.as_deref(), Some("ASIASESSION02EXAMPLE"));
    assert_eq!(minted.expiration.as_deref(), Some("Jan 2, 2026, 4:04:05 AM"));
    assert_eq!(record.account(), Some("111122223333"), "the caller's, not the trail's");
}

#[test]
fn reads_a_complete_record_of_a_service() {
    let record = Record::parse(
        br#"{"eventVersion":"1.08","userIdentity":{"type":"AWSService","invokedBy":"ec2.amazonaws.com"},
        "eventTime":"2026-01-02T03:04:05Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole",
        "awsRegion":"us-east-1","sourceIPAddress":"ec2.amazonaws.com","userAgent":"ec2.amazonaws.com",
        "requestParameters":null,"responseElements":null,"eventID":"e","eventType":"AwsApiCall",
        "recipientAccountId":"111122223333"}"#,
    )
    .unwrap();
    assert_eq!(record.principal(), Some("ec2.amazonaws.com"));
    assert_eq!(record.access_key_id(), None);
    assert_eq!(record.account(), Some("111122223333"), "the trail's, where the caller has none");
    assert!(record.succeeded());
}
