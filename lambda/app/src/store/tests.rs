//! The promises of a store, on each store, and what is built on them.
//!
//! The tests on DynamoDB are ignored unless asked for: they need a server, which
//! `tests/store` starts and names in `FAILURE_MONITOR_TEST_DYNAMODB`.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};

use super::dynamodb::DynamoDb;

mod conformance;
mod cost;
mod counting;
pub(crate) mod faulty;
mod patience;
mod property;

/// Runs each of the tests on each store.
macro_rules! on_each_store {
    ($($test:ident),* $(,)?) => {
        mod on_memory {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::store::memory::Memory::default()).await;
            })*
        }
        mod on_dynamodb {
            $(#[tokio::test]
            #[ignore = "needs FAILURE_MONITOR_TEST_DYNAMODB: tests/run starts a server and runs it"]
            async fn $test() {
                super::$test(crate::store::tests::fresh_table().await).await;
            })*
        }
    };
}
use on_each_store;

fn client() -> Client {
    #[expect(clippy::disallowed_methods, reason = "tests/store names its server this way")]
    let url = std::env::var("FAILURE_MONITOR_TEST_DYNAMODB").expect("names no DynamoDB server");
    client_of(&url)
}

fn client_of(url: &str) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("testing", "testing", None, None, "tests"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .endpoint_url(url);
    Client::from_conf(config.build())
}

/// A table of a test's own, as infra/ makes it.
async fn fresh_table() -> DynamoDb {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!("t-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    let client = client();
    let attribute = |name: &str| {
        let kind = ScalarAttributeType::S;
        AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build().unwrap()
    };
    let key = |name: &str, kind| {
        KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap()
    };
    client
        .create_table()
        .table_name(&name)
        .attribute_definitions(attribute("pk"))
        .attribute_definitions(attribute("sk"))
        .key_schema(key("pk", KeyType::Hash))
        .key_schema(key("sk", KeyType::Range))
        .billing_mode(BillingMode::PayPerRequest)
        .send()
        .await
        .unwrap();
    DynamoDb::new(&client, name).within(Duration::from_secs(60))
}
