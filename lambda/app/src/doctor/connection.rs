//! How AWS is reached: through the proxy and with the certificates that the environment names, and
//! what kept an answer away.

use std::fs;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_sdk_sts::config::interceptors::BeforeDeserializationInterceptorContextRef;
use aws_sdk_sts::config::{ConfigBag, Intercept, RuntimeComponents, SharedHttpClient};
use aws_sdk_sts::error::BoxError;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::{Builder, Connector, tls};
use chrono::DateTime;

use super::machine::Trouble;
use crate::clock;

const CONNECT: Duration = Duration::from_secs(5);
const ATTEMPT: Duration = Duration::from_secs(15);

/// Connections as the AWS CLI makes them: through the proxy that the environment names, trusting
/// the certificates of `AWS_CA_BUNDLE`.
pub(super) fn http(bundle: Option<&str>) -> SharedHttpClient {
    let pem = bundle.and_then(|path| fs::read(path).ok());
    Builder::new().build_with_connector_fn(move |settings, _| {
        let mut builder = Connector::builder().proxy_config(ProxyConfig::from_env());
        builder.set_connector_settings(settings.cloned());
        let builder =
            builder.tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::Ring));
        let context = pem.clone().and_then(|pem| {
            let store = tls::TrustStore::empty().with_pem_certificate(pem);
            tls::TlsContext::builder().with_trust_store(store).build().ok()
        });
        match context {
            Some(context) => builder.tls_context(context).build(),
            None => builder.build(),
        }
    })
}

pub(super) fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(ATTEMPT).build()
}

/// What kept an answer away, by the text of the error.
pub(super) fn trouble(text: &str, proxied: bool) -> Trouble {
    let text = text.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&["unknownissuer", "invalid peer certificate", "certificate"]) {
        Trouble::Certificate
    } else if says(&["proxy", "tunnel"]) || proxied {
        Trouble::Proxy
    } else if says(&["dns error", "lookup address", "name or service"]) {
        Trouble::Dns
    } else {
        Trouble::Connection
    }
}

/// Notes the time that AWS has.
#[derive(Debug)]
pub(super) struct Dates(pub(super) Arc<Mutex<Option<i64>>>);

impl Intercept for Dates {
    fn name(&self) -> &'static str {
        "Dates"
    }

    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok());
        if let Some(date) = date {
            let difference = (date.to_utc() - clock::now()).num_seconds();
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(difference);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn troubles_are_told_apart_by_the_text() {
        let cases = [
            ("invalid peer certificate: UnknownIssuer", false, Trouble::Certificate),
            ("invalid peer certificate: UnknownIssuer", true, Trouble::Certificate),
            ("tunnel error: unsuccessful", false, Trouble::Proxy),
            ("connection refused", true, Trouble::Proxy),
            ("dns error: failed to lookup address information", false, Trouble::Dns),
            ("connection refused", false, Trouble::Connection),
            ("HTTP connect timeout", false, Trouble::Connection),
        ];
        for (text, proxied, expected) in cases {
            assert_eq!(trouble(text, proxied), expected, "{text}");
        }
    }
}
